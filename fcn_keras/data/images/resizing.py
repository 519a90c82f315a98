"""Bringing an image to the size of its target, where one is a smaller version of the other."""

import numpy as np
from PIL import Image

TOLERANCE = 0.05


def is_scaled(size, other):
    """Returns whether two sizes, (height, width), are those of one picture at two scales.

    Example:

    ```python
    is_scaled((590, 800), (232, 315))       # True
    ```
    """
    if min(*size, *other) < 1:
        return False
    width = size[1] * other[0] / size[0]
    return abs(width - other[1]) <= max(1.5, TOLERANCE * other[1])


def to_size(image, size):
    """Returns an image in another size, bilinear; pixels are averaged where it becomes smaller.

    Args:
        image: Array (H, W, channels), uint8 or float32.
        size: (height, width).

    Returns:
        An array (height, width, channels) of the image's dtype.
    """
    bands = [
        np.asarray(Image.fromarray(band).resize(size[::-1], Image.Resampling.BILINEAR))
        for band in np.moveaxis(image, -1, 0)
    ]
    return np.stack(bands, axis=-1)
