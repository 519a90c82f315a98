"""build_predictor: the segmenter that the options of post-processing ask for."""

from fcn_keras.crf import preset
from fcn_keras.inference.crf import CRFPredictor
from fcn_keras.inference.ensemble import Ensemble
from fcn_keras.inference.precision import in_precision
from fcn_keras.inference.segmenters import as_segmenter
from fcn_keras.inference.test_time_augmentation import TTAPredictor
from fcn_keras.inference.tiling import Tiled
from fcn_keras.inference.uncertainty import MCDropoutPredictor


def build_predictor(
    model,
    *,
    precision=None,
    samples=None,
    tile=None,
    scales=None,
    flip=False,
    rotate=False,
    crf=None,
):
    """Returns a segmenter with the post-processing that is asked for.

    In this order: Monte-Carlo dropout, of each member of an `Ensemble`; tiles; test-time
    augmentation; a dense CRF.

    Args:
        model: A Keras model, a `Segmenter`, or an object with `segment`.
        precision: None for the model's own, "mixed" for 16-bit multiplications or "float32": as of
            `fcn_keras.Predictor`. For Keras models only.
        samples: Number of passes with Dropout on to average over, or None.
        tile: Size of the tiles by which large images are segmented, exactly: "auto", or pixels.
            None segments them whole.
        scales: Factors of height and width to average over, or None for the image as it is.
        flip: Whether the mirrored image is averaged over too.
        rotate: Whether the image turned by 90, 180 and 270 degrees is averaged over too.
        crf: None or False for no CRF, True for the default options of `fcn_keras.crf.dense_crf`,
            a name of `fcn_keras.crf.PRESETS` such as "deeplab-largefov" for published ones, or a
            dict of options.

    Returns:
        A `Segmenter`, for `evaluate` and `predict_files`: without any of these options the model
        itself as a `Segmenter`.

    Raises:
        ValueError: for another precision, scales that are not positive numbers, `samples` of a net
            without Dropout, `crf` of a net whose output is not classes, or an unknown preset.
        TypeError: for an option that `dense_crf` does not have.

    Example:

    ```python
    predictor = fcn_keras.inference.build_predictor(model, flip=True, crf={"steps": 5})
    labels = predictor.segment("street.jpg")
    ```
    """
    segmenter = in_precision(as_segmenter(model), precision)
    if samples is not None and isinstance(segmenter, Ensemble):
        segmenter = segmenter.with_members(lambda member: MCDropoutPredictor(member, samples))
    elif samples is not None:
        segmenter = MCDropoutPredictor(segmenter, samples)
    if tile is not None:
        segmenter = Tiled(segmenter, tile)
    if scales is not None or flip or rotate:
        scales = (1.0,) if scales is None else scales
        segmenter = TTAPredictor(segmenter, scales, flip, rotate)
    if crf is not None and crf is not False:
        options = preset(crf) if isinstance(crf, str) else {} if crf is True else crf
        segmenter = CRFPredictor(segmenter, **options)
    return segmenter
