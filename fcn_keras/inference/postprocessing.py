"""Scores refined by a dense CRF over the image's own pixels."""

import numpy as np

from fcn_keras.crf import dense_crf
from fcn_keras.inference.predictor import as_predictor
from fcn_keras.inference.probabilities import FromProbabilities, pixels_of, probabilities_of
from fcn_keras.inference.test_time_augmentation import TTAPredictor
from fcn_keras.inference.tiling import segment_tiled
from fcn_keras.inference.uncertainty import MCDropoutPredictor


class CRFPredictor(FromProbabilities):
    """Refines the class probabilities by mean field in a fully connected CRF.

    Args:
        model: A Keras model, or anything that gives scores or probabilities, an `TTAPredictor` too.
        **options: Of `fcn_keras.crf.dense_crf`: steps, the kernels' widths and weights, ...

    Attributes:
        labels: The `LabelSet`.

    Raises:
        TypeError: for an option that `dense_crf` does not have.

    Example:

    ```python
    refined = fcn_keras.inference.CRFPredictor(model, steps=5, bilateral_weight=4)
    labels = refined.segment("street.jpg")
    ```

    Source: Krähenbühl and Koltun (2011); after a net as in Chen et al. (2015), DeepLab.
    """

    def __init__(self, model, **options):
        super().__init__(as_predictor(model))
        dense_crf(np.zeros((1, 1, 2), "float32"), np.zeros((1, 1, 3), "uint8"), **options)
        self.options = options

    def probabilities(self, images):
        """float32 (batch, H, W, num_classes) of RGB images of one size."""
        images = pixels_of(images)
        found = probabilities_of(self.predictor, images)
        return dense_crf(found, np.stack(images), from_logits=False, **self.options)


def with_probabilities(predictor):
    """A predictor whose `segment` can also return probabilities."""
    return predictor if isinstance(predictor, FromProbabilities) else TTAPredictor(predictor)


class Tiled:
    """Segments by `segment_tiled`: memory is that of one window, labels those of the whole image.

    Args:
        model: As `segment_tiled` takes it.
        tile: As there: "auto", or pixels.

    Attributes:
        labels: The `LabelSet`.

    Example:

    ```python
    labels = fcn_keras.inference.Tiled(model, tile=256).segment("street.jpg")
    ```
    """

    def __init__(self, model, tile="auto"):
        self.predictor = as_predictor(model)
        self.tile = tile

    @property
    def labels(self):
        return self.predictor.labels

    def segment(self, image, *, return_logits=False):
        """Labels every pixel of one image; as `fcn_keras.segment`."""
        return segment_tiled(
            self.predictor, image, tile=self.tile, return_logits=return_logits, progress=False
        )


def build_predictor(model, *, samples=None, tile=None, scales=None, flip=False, crf=None):
    """A segmenter that averages over scales and mirror images, and refines by a dense CRF.

    Args:
        model: A Keras model, or anything with `segment`.
        samples: Average over so many passes with Dropout on, or None.
        tile: See images tile by tile, exactly: "auto", or the pixels of a tile; None sees them
            whole.
        scales: Factors of height and width to average over, or None for the image as it is.
        flip: Whether to average over the mirrored image too.
        crf: None or False for none, True for the defaults of `fcn_keras.crf.dense_crf`, or a dict
            of its options.

    Returns:
        What has `segment` and `segment_batch`, for `evaluate` and `predict_files`: without any of
        these the predictor itself.

    Raises:
        ValueError: for scales that are no positive numbers, or `samples` of a net without Dropout.
        TypeError: for an option that `dense_crf` does not have.

    Example:

    ```python
    predictor = fcn_keras.inference.build_predictor(model, flip=True, crf={"steps": 5})
    labels = predictor.segment("street.jpg")
    ```
    """
    predictor = as_predictor(model) if samples is None else MCDropoutPredictor(model, samples)
    if tile is not None:
        predictor = Tiled(predictor, tile)
    if scales is not None or flip:
        predictor = TTAPredictor(predictor, (1.0,) if scales is None else scales, flip)
    if crf is not None and crf is not False:
        predictor = CRFPredictor(predictor, **({} if crf is True else crf))
    return predictor
