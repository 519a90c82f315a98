"""Labelling one image, by whatever means were asked for."""

from fcn_keras.inference.postprocessing import build_predictor, with_probabilities


def segment(
    model,
    image,
    *,
    return_logits=False,
    return_probabilities=False,
    scales=None,
    flip=False,
    crf=None,
    samples=None,
    tile=None,
):
    """Labels every pixel of an image.

    Args:
        model: A Keras model of logits (batch, H, W, num_classes), or anything with `segment`.
        image: A path, a PIL image, or an array (H, W, 3) or (H, W) of 0-255, uint8 or float; any
            H and W from 1. For a net with several inputs {input: image}.
        return_logits: Also return the logits.
        return_probabilities: Also return the class probabilities: the softmax of the logits, or
            what averaging and the CRF made of it.
        scales: Factors of height and width to average the probabilities over, such as
            (0.5, 0.75, 1.0, 1.25, 1.5, 1.75); None for the image as it is.
        flip: Whether to average over the mirrored image too.
        crf: True for a dense CRF behind the net, or a dict of options of
            `fcn_keras.crf.dense_crf`.
        samples: Average over so many passes with Dropout on; see `uncertainty`, which tells how
            far they differ too.
        tile: "auto", or the pixels of a tile, to see a large image tile by tile: exactly, and in
            bounded memory. `segment_tiled` writes to files and resumes.

    Returns:
        uint8 (H, W), the class of each pixel (uint16 above 255 classes); with `return_logits` or
        `return_probabilities` the pair with float32 (H, W, num_classes). For a net with several
        outputs either is a dict {output: array}.

    Raises:
        ValueError: if the image cannot be read, has another shape, or values beyond 0-255 (or a
            float image on the scale 0-1); if the model gives no logits of the image's size, or
            has no Dropout and `samples` is given; for `return_logits` together with what averages
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
    predictor = build_predictor(
        model, samples=samples, tile=tile, scales=scales, flip=flip, crf=crf
    )
    plain = samples is None and scales is None and not flip and not crf
    if return_logits:
        if not plain or return_probabilities:
            raise ValueError(
                "`return_logits` gives the net's own logits; with scales, flip, crf or samples "
                "there are probabilities: return_probabilities=True."
            )
        return predictor.segment(image, return_logits=True)
    if not return_probabilities:
        return predictor.segment(image)
    return with_probabilities(predictor).segment(image, return_probabilities=True)
