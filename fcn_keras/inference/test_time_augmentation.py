"""Test-time augmentation: probabilities averaged over scales and mirrored images."""

import math

import numpy as np
from keras import ops

from fcn_keras.inference.predictor import as_predictor
from fcn_keras.inference.probabilities import FromProbabilities, pixels_of, probabilities_of


class TTAPredictor(FromProbabilities):
    """Averages the class probabilities over several sizes of an image, and its mirror image.

    The image is resized (bilinearly, antialiased where it shrinks), segmented, and the
    probabilities are resized back onto the image's grid; all count the same. The time is the sum
    of the squared scales, twice that with `flip`.

    Args:
        model: A Keras model of any image size, or anything that gives scores.
        scales: Factors of height and width; 1 is the image as it is.
        flip: Whether to average over the mirrored image too.

    Attributes:
        labels: The `LabelSet`.

    Raises:
        ValueError: for no scales, or one that is not a positive number.

    Example:

    ```python
    averaged = fcn_keras.inference.TTAPredictor(model, scales=(0.75, 1.0, 1.25), flip=True)
    labels = averaged.segment("street.jpg")
    ```

    Source: Chen et al. (2018), DeepLab, section 4.1.2, who take the maximum; the average is the
    usual choice since.
    """

    def __init__(self, model, scales=(1.0,), flip=False):
        super().__init__(as_predictor(model))
        self.scales = checked_scales(scales)
        self.flip = flip

    def probabilities(self, images):
        """float32 (batch, H, W, num_classes) of images of one size, of sum 1 over the classes."""
        images = np.stack(pixels_of(images))
        size = images.shape[1:3]
        total = 0
        for scale in self.scales:
            seen = images if scale == 1 else _seen(images, _scaled(size, scale), scale < 1)
            total = total + _on_grid(probabilities_of(self.predictor, seen), size)
            if self.flip:
                mirrored = probabilities_of(self.predictor, seen[:, :, ::-1])
                total = total + _on_grid(mirrored, size)[:, :, ::-1]
        return (total / (len(self.scales) * (1 + bool(self.flip)))).astype("float32")


def checked_scales(scales):
    """The scales as floats.

    Raises:
        ValueError: for none, or one that is not a positive number.
    """
    found = [float(scale) for scale in np.ravel(scales)]
    if not found or not all(0 < scale < math.inf for scale in found):
        raise ValueError(f"`scales` must be positive numbers, such as (0.5, 1.0), got {scales!r}.")
    return tuple(found)


def _scaled(size, scale):
    return tuple(max(1, round(side * scale)) for side in size)


def _seen(images, size, antialias):
    """Images resized; what rounding makes of 255 stays on the scale."""
    return np.clip(_resized(images, size, antialias), 0, 255)


def _on_grid(maps, size):
    return maps if maps.shape[1:3] == size else _resized(maps, size, False)


def _resized(maps, size, antialias):
    floats = np.asarray(maps, "float32")
    resized = ops.image.resize(
        floats, size, interpolation="bilinear", antialias=antialias, data_format="channels_last"
    )
    return ops.convert_to_numpy(resized)
