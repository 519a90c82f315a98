"""Test-time augmentation: outputs averaged over scales, mirrored and turned images."""

import itertools

import keras
import numpy as np
from keras import ops

from fcn_keras.inference.inputs import images_of, shapes_of, size_of, to_batch
from fcn_keras.inference.postprocessor import Postprocessor, activations_of


class TTAPredictor(Postprocessor):
    """Averages over several sizes of an image, its mirror image and its quarter turns.

    The image is resized (bilinearly, with antialiasing where it shrinks), segmented, and the class
    probabilities are resized to the image's size; all have the same weight. Of other tasks the
    values are averaged. The time is the sum of the squared scales, twice that with `flip` and four
    times that with `rotate`.

    Args:
        model: A Keras model of any image size, or a `Segmenter` with probabilities.
        scales: Factors of height and width; 1 is the image as it is.
        flip: Whether the mirrored image is averaged over too.
        rotate: Whether the image turned by 90, 180 and 270 degrees is averaged over too. With
            `flip` these are all eight positions of a square. For images without an up and down.

    Attributes:
        task, labels, halo, size, channels: As of any `Segmenter`.

    Raises:
        ValueError: for no scales, or one that is not a positive number; for `rotate` of a net that
            takes one size that is not square, or of values that are directions in the image.

    Example:

    ```python
    from fcn_keras.inference.test_time_augmentation import TTAPredictor

    predictor = TTAPredictor(model, scales=(0.75, 1.0, 1.25), flip=True)
    labels = predictor.segment("street.jpg")
    ```

    Source: Chen et al. (2018), DeepLab, section 4.1.2, which takes the maximum; averages are more
    usual.
    """

    def __init__(self, model, scales=(1.0,), flip=False, rotate=False):
        super().__init__(model)
        self.scales = checked_scales(scales)
        self.flip = flip
        self.rotate = rotate
        if rotate:
            self._check_turns()

    def activations(self, images):
        """Returns the averages, float32 (batch, H, W, channels)."""
        batch = to_batch(images, shapes_of(self.segmenter, images[0]), self.image_reader)
        size = size_of(batch, axis=1)
        total = 0
        positions = list(itertools.product((False, True)[: 1 + bool(self.flip)], self._turns))
        for scale in self.scales:
            scaled = batch
            if scale != 1:
                new = tuple(max(1, round(side * scale)) for side in size)
                scaled = _each(batch, lambda array, new=new: _resized_images(array, new))
            for mirror, turn in positions:
                moved = _each(scaled, lambda array, m=mirror, t=turn: _moved(array, m, t))
                found = self._on_grid(moved, size[::-1] if turn % 2 else size)
                total = total + self._moved_back(found, mirror, turn)
        return (total / (len(self.scales) * len(positions))).astype("float32")

    @property
    def _turns(self):
        return range(4 if self.rotate else 1)

    def _check_turns(self):
        """Raises ValueError for a segmenter whose images or outputs cannot be turned."""
        if self.size is not None and self.size[0] != self.size[1]:
            raise ValueError(
                "`rotate` turns images by quarters, but the net takes only images of "
                f"{self.size[0]}x{self.size[1]}: leave it out."
            )
        if self.task is not None and self.task.directed:
            raise ValueError(
                f"`rotate` does not turn the values of {self.task.kind!r}, which are directions in "
                "the image: leave it out."
            )

    def _on_grid(self, batch, size):
        """The activations of resized images, resized to `size`."""
        found = activations_of(self.segmenter, images_of(batch))
        if found.shape[1:3] == size:
            return found
        factor = tuple(new / old for new, old in zip(size, found.shape[1:3], strict=True))
        found = _resized(found, size, False)
        return found if self.task is None else self.task.scaled_outputs(found, factor)

    def _moved_back(self, values, mirror, turn):
        """Values of a moved image as they are on the image itself."""
        values = np.rot90(values, -turn, axes=(1, 2))
        if not mirror:
            return values
        values = values[:, :, ::-1]
        return values if self.task is None else self.task.mirrored(values)


def checked_scales(scales):
    """Returns scales as a tuple of floats.

    Raises:
        ValueError: for none, or one that is not a positive number.
    """
    found = [float(scale) for scale in np.ravel(scales)]
    if not found or not all(0 < scale < np.inf for scale in found):
        raise ValueError(f"`scales` must be positive numbers, such as (0.5, 1.0), got {scales!r}.")
    return tuple(found)


def _moved(images, mirror, turn):
    """Images mirrored left-right, then turned counter-clockwise by so many quarters."""
    return np.rot90(images[:, :, ::-1] if mirror else images, turn, axes=(1, 2))


def _each(batch, function):
    return keras.tree.map_structure(function, batch)


def _resized_images(images, size):
    """Images of 0-255 resized; rounding could give a little more than 255, which is cut off."""
    shrinks = size[0] < images.shape[1] or size[1] < images.shape[2]
    return np.clip(_resized(images, size, shrinks), 0, 255)


def _resized(maps, size, antialias):
    floats = np.asarray(maps, "float32")
    resized = ops.image.resize(
        floats, size, interpolation="bilinear", antialias=antialias, data_format="channels_last"
    )
    return ops.convert_to_numpy(resized)
