"""segment: one image, with any post-processing."""

from fcn_keras.inference.decoding import check_one_output, check_probabilities, decode_array
from fcn_keras.inference.postprocessing import build_predictor
from fcn_keras.tasks import Classes


def segment(
    model,
    image,
    *,
    return_logits=False,
    return_probabilities=False,
    precision=None,
    scales=None,
    flip=False,
    rotate=False,
    crf=None,
    samples=None,
    tile=None,
):
    """Segments one image: returns the class, or the value, of every pixel.

    Args:
        model: A Keras model with outputs (batch, H, W, channels), a `Segmenter`, or an object with
            `segment`.
        image: A path, which is read as in the training; a PIL image; or an array (H, W, channels)
            or (H, W) of 0-255, uint8 or float; any H and W from 1. For a net with several inputs
            {input: image}; for a net of frames, such as optical flow, a tuple of them.
        return_logits: Whether the outputs of the net before decoding are returned too.
        return_probabilities: Whether the class probabilities are returned too: the softmax of the
            logits, after averaging and the CRF.
        precision: None for the precision that the model was trained in; "mixed" for 16-bit
            multiplications with float32 outputs, which are faster on CPUs with AVX512-BF16 or AMX
            and on GPUs; or "float32". See `fcn_keras.Predictor`.
        scales: Factors of height and width to average the probabilities over, such as
            (0.5, 0.75, 1.0, 1.25, 1.5, 1.75); None for the image as it is.
        flip: Whether the mirrored image is averaged over too.
        rotate: Whether the image turned by 90, 180 and 270 degrees is averaged over too: with
            `flip` eight positions, for images without an up and down.
        crf: True for a dense CRF after the net, a name of `fcn_keras.crf.PRESETS` for published
            options, or a dict of options of `fcn_keras.crf.dense_crf`.
        samples: Number of passes with Dropout on to average over; `uncertainty` also returns how
            far they differ.
        tile: "auto", or the pixels of a tile, to segment a large image tile by tile: exactly, and
            in bounded memory. `segment_tiled` writes to files and resumes.

    Returns:
        uint8 (H, W), the class of each pixel (uint16 above 255 classes); of a regression float32
        (H, W), or (H, W, C) with more than one channel; of optical flow float32 (H, W, 2). With
        `return_logits` or `return_probabilities` the pair with float32 (H, W, channels). For a net
        with several outputs either is a dict {output: array}.

    Raises:
        ValueError: if the image cannot be read, has another shape, or values beyond 0-255 (or is a
            float image on the scale 0-1); if the model's output is not of the image's size, has
            one channel and no task, or has no probabilities where they are needed; if it has no
            Dropout and `samples` is given; for `return_logits` together with options that average
            probabilities.

    Example:

    ```python
    model = fcn_keras.fcn8s(4, "vgg_slim", weights=None)
    labels = fcn_keras.segment(model, "street.jpg")
    labels, probabilities = fcn_keras.segment(
        model, "street.jpg", flip=True, return_probabilities=True
    )
    ```
    """
    segmenter = build_predictor(
        model,
        precision=precision,
        samples=samples,
        tile=tile,
        scales=scales,
        flip=flip,
        rotate=rotate,
        crf=crf,
    )
    averaged = samples is not None or scales is not None or flip or rotate or crf
    if return_logits and (averaged or return_probabilities):
        raise ValueError(
            "`return_logits` returns the logits of the net; with scales, flip, rotate, crf or "
            "samples there are probabilities: return_probabilities=True."
        )
    if return_probabilities:
        return decoded_with_probabilities(segmenter, image)
    return segmenter.segment(image, return_logits=return_logits)


def decoded_with_probabilities(segmenter, image):
    """Returns the label map (H, W) of an image, and float32 probabilities (H, W, num_classes).

    Args:
        segmenter: A `Segmenter`.
        image: As `segment` takes it.

    Raises:
        ValueError: for several outputs, or a task without probabilities.
    """
    check_one_output(segmenter, "`return_probabilities`")
    check_probabilities(segmenter.task, "`return_probabilities`")
    (probabilities,) = segmenter.probabilities([image])
    task = segmenter.task or Classes(num_classes=probabilities.shape[-1])
    return decode_array(task, probabilities), probabilities
