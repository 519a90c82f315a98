"""Pairs of frames: two image files that are read as one image of six channels."""

import os
from dataclasses import dataclass

from fcn_keras.data.images.conversion import stacked
from fcn_keras.data.images.reader import ImageReader

CHANNELS = 6


class Frames(str):
    """The files of two frames, as a str that names both.

    Args:
        first, second: Paths of images of one size.

    Example:

    ```python
    frames = fcn_keras.data.Frames("frame10.png", "frame11.png")
    frames.second       # "frame11.png"
    ```
    """

    def __new__(cls, first, second):
        frames = super().__new__(cls, f"{first} + {second}")
        frames.first, frames.second = os.fspath(first), os.fspath(second)
        return frames

    def __getnewargs__(self):
        return self.first, self.second


@dataclass(frozen=True)
class FrameReader:
    """Reads `Frames` as one image: the RGB of the first frame, then that of the second.

    Attributes:
        read: The `ImageReader` of a frame.

    Example:

    ```python
    read = fcn_keras.data.FrameReader()
    read(fcn_keras.data.Frames("street.jpg", "street.jpg")).shape[-1]       # 6
    ```
    """

    read: ImageReader = ImageReader()

    def __call__(self, frames):
        """Returns both frames, uint8 (H, W, 6).

        Raises:
            FileNotFoundError: if one is missing.
            ValueError: naming the files, if one cannot be read, or their sizes differ.
        """
        return stacked([self.read(frames.first), self.read(frames.second)], frames)

    def to_config(self):
        """Returns the options of the `ImageReader`."""
        return self.read.to_config()
