"""Calibration images: int8 measures its ranges on them."""

from collections.abc import Sized

from fcn_keras.checks import whole_number
from fcn_keras.data.dataset import Dataset
from fcn_keras.data.images.conversion import DEFAULT
from fcn_keras.export.runner import as_pixels
from fcn_keras.export.tflite.padding import cut_padded
from fcn_keras.inference.tiling.windows import fixed_plan
from fcn_keras.progress import ProgressBar

NEEDED = (
    "quantize='int8' measures the range of every layer's values on images: pass `calibration`, a "
    "fcn_keras.data.Dataset (say, the training split) or about a hundred images. Without images, "
    "quantize='dynamic' and 'int8-weights' quantize the weights alone."
)


class Calibration:
    """Images for the converter: at most `count`, spread evenly, cut and padded as in evaluation.

    Args:
        images: A `fcn_keras.data.Dataset`; or a sequence of images (paths, arrays) or of pairs
            (image, label map).
        count: How many to use.
        size: (H, W) of the net; None for the images' own sizes.
        channels: Number of channels of the net's input.
        padding: The pixel that smaller images are padded with.
        read: The `ImageReader` of files.

    Raises:
        ValueError: if there are none.
    """

    def __init__(self, images, count, size, channels, padding, read=DEFAULT):
        if images is None:
            raise ValueError(NEEDED)
        if not isinstance(images, Sized):
            images = list(images)
        count = whole_number("calibration_images", count)
        if not len(images):
            raise ValueError("`calibration` has no images; about a hundred are good.")
        images = images.read_as(read) if isinstance(images, Dataset) else images
        self._images, self._size = images, size
        self._channels, self._padding, self._read = channels, padding, read
        self._count = min(count, len(images))
        named = isinstance(images, Dataset)
        self.source = f"{images.name} ({images.split})" if named else "images given"

    def __len__(self):
        return self._count

    def feed(self):
        """Yields the inputs of the net, [uint8 (1, H, W, channels)], and shows a progress bar."""
        with ProgressBar(self._count, "calibration image") as bar:
            for number in range(self._count):
                yield [self._array(number)]
                bar.step()

    def feed_of_one_size(self):
        """Yields as `feed`, without the images of another size than the first."""
        first = None
        for (array,) in self.feed():
            first = first or array.shape
            if array.shape == first:
                yield [array]

    def to_config(self):
        """Returns the number and the source of the images in JSON types."""
        return {"images": self._count, "source": self.source}

    def _array(self, number):
        item = self._images[number * len(self._images) // self._count]
        image = item[0] if isinstance(item, tuple) else item
        pixels = as_pixels(image, (None, None, self._channels), self._read)
        if self._size is not None:
            plan = fixed_plan(pixels.shape[:2], self._size)
            window = plan.window(plan.windows[number % len(plan.windows)])
            pixels = cut_padded(pixels, window, self._padding)
        return pixels[None]
