"""Sources: images that are read window by window.

Arrays and .npy files are sliced; other files are decoded once, one byte a channel.
"""

import dataclasses
import os

import numpy as np
from PIL import Image

from fcn_keras.data.images.alpha import array_on_white
from fcn_keras.data.images.conversion import DEFAULT, check_channels, to_input
from fcn_keras.data.images.npy import is_npy

SAMPLED = 512  # rows and columns of an array whose alpha is looked at


def open_source(image, channels, read=DEFAULT):
    """Returns a `Sliced` or a `Decoded` source for an image.

    Args:
        image: A path, a PIL image, or anything with `shape` and slicing.
        channels: Number of channels that the model takes.
        read: The `ImageReader` of files.

    Raises:
        FileNotFoundError, ValueError: if a file is missing or cannot be read.
        TypeError: if it is none of these.
    """
    if isinstance(image, (str, os.PathLike)):
        if str(image).lower().endswith(".npy"):
            return Sliced(image, channels, read)
        if is_npy(image):
            return Sliced(read(image), channels, read)
        try:
            return Decoded(read.picture(image), channels, read)
        except ValueError as error:
            raise error if str(image) in str(error) else ValueError(f"{image}: {error}") from None
    if isinstance(image, Image.Image):
        return Decoded(read.converted(image), channels, read)
    if not hasattr(image, "shape") or not hasattr(image, "__getitem__"):
        raise TypeError(
            "An image must be a path, a PIL image, or anything with `shape` and slicing, such as a "
            f"NumPy, memory-mapped, zarr or HDF5 array; got {type(image).__name__}."
        )
    return Sliced(image, channels, read)


class Sliced:
    """An array (H, W) or (H, W, channels) of 0-255, or the path of a .npy file of one.

    A file is mapped again for each window, so that what was read does not stay in memory.
    """

    def __init__(self, image, channels, read=DEFAULT):
        self._image, self._channels, self._read = image, channels, read
        array = self._array()
        self.kind, shape = str(getattr(array, "dtype", "")), tuple(array.shape)
        if len(shape) not in (2, 3) or 0 in shape:
            raise ValueError(
                f"One image must be (H, W, {channels}) or (H, W), of one pixel or more; "
                f"got {shape}."
            )
        self.size = shape[:2]
        self._highest = None
        check_channels(shape, channels, read.alpha)
        self._settle_alpha(array, shape[2:])
        self.window((slice(0, 1), slice(0, 1)))  # raises for channels that do not fit
        self._highest = None

    def window(self, place):
        """Returns the pixels at a pair of slices, uint8 or float32 (H, W, channels)."""
        pixels = np.asarray(self._array()[place])
        if pixels.dtype.kind != "f":
            return to_input(pixels, (None, None, self._channels), self._read)
        # One window may be dark; `check` judges the whole image at the end.
        highest = float(pixels.max())
        self._highest = max(highest, highest if self._highest is None else self._highest)
        bright = np.full_like(pixels[:1], 255)
        pixels = np.concatenate([pixels, bright])
        return to_input(pixels, (None, None, self._channels), self._read)[:-1]

    def check(self):
        """Raises ValueError if the pixels of all windows that were read are on the scale 0-1."""
        if self._highest is not None and 0 < self._highest <= 1:
            raise ValueError(
                "Pixels are 0-255; the float values of this image end at "
                f"{self._highest:g}, as on the scale 0-1. Pass image * 255 (or uint8, if it "
                "really is that dark)."
            )

    def _settle_alpha(self, array, channels):
        """Looks at alpha once, on a part of the pixels, so that all windows treat it alike."""
        if self._channels == 3 and channels == (4,) and self._read.alpha is None:
            step = max(1, max(self.size) // SAMPLED)
            array_on_white(np.asarray(array[::step, ::step]))  # raises where it may be a band
            self._read = dataclasses.replace(self._read, alpha="composite")

    def _array(self):
        if isinstance(self._image, (str, os.PathLike)):
            return np.load(self._image, mmap_mode="r")
        return self._image


class Decoded:
    """A PIL image as `ImageReader.picture` returns it."""

    kind = "uint8"

    def __init__(self, image, channels, read=DEFAULT):
        self._image, self._channels, self._read = image, channels, read
        self.size = image.height, image.width
        depth = {"L": 3, "RGB": 3, "LA": 2, "RGBA": 4}[image.mode]  # grey files are read as RGB
        check_channels((*self.size, depth), channels, read.alpha)
        self.window((slice(0, 1), slice(0, 1)))

    def window(self, place):
        """Returns the pixels at a pair of slices, uint8 (H, W, channels)."""
        rows, columns = place
        part = self._image.crop((columns.start, rows.start, columns.stop, rows.stop))
        return to_input(np.asarray(part), (None, None, self._channels), self._read)

    def check(self):
        """Does nothing: decoded images are 0-255."""
