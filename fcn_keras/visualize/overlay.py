"""Label maps in colour, alone or laid over their image.

Void is hatched, so that no palette can hide it.
"""

import numpy as np
from scipy import ndimage

from fcn_keras.checks import number
from fcn_keras.labels import VOID_COLOR


def paint(label_map, labels):
    """Returns a label map in its classes' colours, void hatched.

    Args:
        label_map: Integers (H, W), each a class of `labels` or its ignored value.
        labels: A `fcn_keras.LabelSet`.

    Returns:
        uint8 (H, W, 3), RGB.

    Raises:
        ValueError: for a map that is not (H, W), or a value that is no class.

    Example:

    ```python
    labels = fcn_keras.LabelSet(("road", "sky"))
    fcn_keras.visualize.paint(np.array([[0, 1], [1, 255]]), labels)
    ```
    """
    label_map = checked_map(label_map)
    colors = np.array(labels.colorize(label_map), np.uint8)
    void = label_map == labels.ignore
    if void.any():
        colors[void & stripes(label_map.shape)] = np.array(VOID_COLOR) * 0.55
    return colors


def overlay(image, label_map, labels, alpha=0.5):
    """Returns an image with its label map laid over it, regions outlined in their full colour.

    Args:
        image: (H, W, 3) or (H, W), 0-255.
        label_map: Integers (H, W), each a class of `labels` or its ignored value.
        labels: A `fcn_keras.LabelSet`.
        alpha: How much of the colour covers the image, 0 (none) to 1 (all).

    Returns:
        uint8 (H, W, 3), RGB, of the image's size.

    Raises:
        ValueError: if the sizes differ, alpha lies outside 0..1, or a value is no class.

    Example:

    ```python
    labels = fcn_keras.LabelSet(("road", "sky"))
    fcn_keras.visualize.overlay(np.zeros((4, 6, 3), "uint8"), np.ones((4, 6), "uint8"), labels)
    ```
    """
    colors = paint(label_map, labels)
    laid = mixed(rgb(image), colors, alpha)
    if alpha:
        outline = boundaries(np.asarray(label_map))
        laid[outline] = colors[outline]
    return laid


def mixed(image, colors, alpha):
    """Returns a mean of image and colours, weighed by `alpha`.

    Args:
        image: uint8 (H, W, 3).
        colors: uint8 (H, W, 3), a map in colours.
        alpha: The weight of the colours, 0 to 1.

    Raises:
        ValueError: for different sizes, or another `alpha`.
    """
    number("alpha", alpha, 0, 1)
    if image.shape != colors.shape:
        raise ValueError(
            f"The image is {size_text(image)} and its map {size_text(colors)}: "
            "they must have the same height and width."
        )
    return np.rint(image + alpha * (colors.astype(np.float32) - image)).astype(np.uint8)


def rgb(image):
    """An image array as uint8 (H, W, 3): floats are rounded, grey is repeated."""
    image = np.asarray(image)
    if image.ndim == 2:
        image = image[..., None]
    if image.ndim != 3 or image.shape[-1] not in (1, 3):
        raise ValueError(f"An image is (H, W, 3) or (H, W); got an array of shape {image.shape}.")
    if image.dtype != np.uint8:
        image = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    return np.repeat(image, 3, axis=-1) if image.shape[-1] == 1 else image


def checked_map(label_map):
    """A label map as an integer array of rank 2."""
    label_map = np.asarray(label_map)
    if label_map.ndim != 2 or label_map.dtype.kind not in "iu":
        raise ValueError(
            f"A label map is integers of shape (H, W); got {label_map.dtype} {label_map.shape}."
        )
    return label_map


def stripes(shape):
    """A boolean (H, W) pattern of diagonal stripes, wider in larger pictures."""
    width = max(2, round(min(shape) / 90))
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return (rows + columns) // width % 2 == 0


def boundaries(label_map):
    """True where a region ends, as thick as the picture's size makes visible."""
    thickness = 2 * max(1, round(min(label_map.shape) / 700)) + 1
    highest = ndimage.maximum_filter(label_map, size=thickness, mode="nearest")
    return highest != ndimage.minimum_filter(label_map, size=thickness, mode="nearest")


def size_text(array):
    """Height and width, as a person writes them."""
    return f"{array.shape[0]}x{array.shape[1]}"
