"""The images from which int8 learns its ranges: read, cut and padded as in evaluation."""

import numpy as np

from fcn_keras.data.dataset import Dataset
from fcn_keras.data.images import to_input
from fcn_keras.export.tflite.windows import cut_out, windows
from fcn_keras.progress import ProgressBar

NEEDED = (
    "quantize='int8' measures the range of every layer's values on images: pass `calibration`, a "
    "fcn_keras.data.Dataset (say, the training split) or about a hundred images. Without images, "
    "quantize='dynamic' and 'int8-weights' quantize the weights alone."
)


class Calibration:
    """Images for the converter, at most `count` of them, spread evenly over what was given.

    Args:
        images: A `fcn_keras.data.Dataset`; or a sequence of images (paths, arrays) or of pairs
            (image, label map).
        count: How many to use.
        size: (H, W) of the net; None for the images' own sizes.
        channels: Of the net's input.
        padding: The pixel that smaller images are continued with.

    Raises:
        ValueError: if there are none.
    """

    def __init__(self, images, count, size, channels, padding):
        if images is None:
            raise ValueError(NEEDED)
        if not hasattr(images, "__len__"):
            images = list(images)
        if not len(images) or count < 1:
            raise ValueError(
                f"Calibration needs images; got {len(images)}, of which {count} would be used. "
                "About a hundred are good."
            )
        self._images, self._size = images, size
        self._channels, self._padding = channels, padding
        self._count = min(count, len(images))
        named = isinstance(images, Dataset)
        self.source = f"{images.name} ({images.split})" if named else "images given"

    def __len__(self):
        return self._count

    def feed(self):
        """What the converter asks for, with a bar: the net's inputs, uint8 (1, H, W, channels)."""
        with ProgressBar(self._count, "calibration image") as bar:
            for number in range(self._count):
                yield [self._array(number)]
                bar.step()

    def feed_of_one_size(self):
        """`feed`, without the images of another size than the first."""
        first = None
        for (array,) in self.feed():
            first = first or array.shape
            if array.shape == first:
                yield [array]

    def to_config(self):
        """Number and source, in JSON types."""
        return {"images": self._count, "source": self.source}

    def _array(self, number):
        item = self._images[number * len(self._images) // self._count]
        image = item[0] if isinstance(item, tuple) else item
        pixels = np.rint(to_input(image, (None, None, self._channels))).astype(np.uint8)
        if self._size is not None:
            seen = windows(pixels.shape[:2], self._size)
            pixels = cut_out(pixels, seen[number % len(seen)][0], self._padding)
        return pixels[None]
