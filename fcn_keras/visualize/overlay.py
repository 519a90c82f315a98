"""Label maps in colours, alone or laid over their image.

Void is hatched, so that it differs from every class of every palette.
"""

import numpy as np

from fcn_keras.checks import number
from fcn_keras.labels import VOID_COLOR


def paint(label_map, labels):
    """Returns a label map in the colours of its classes, with void hatched.

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
    colors = labels.colorize(label_map)
    void = label_map == labels.ignore
    if void.any():
        colors[void & stripes(label_map.shape)] = np.array(VOID_COLOR) * 0.55
    return colors


def overlay(image, label_map, labels, alpha=0.5):
    """Returns an image with its label map laid over it, and the regions outlined.

    Args:
        image: (H, W, 3) or (H, W), 0-255.
        label_map: Integers (H, W), each a class of `labels` or its ignored value.
        labels: A `fcn_keras.LabelSet`.
        alpha: The weight of the colours, 0 (only the image) to 1 (only the colours).

    Returns:
        uint8 (H, W, 3), RGB, of the image's size.

    Raises:
        ValueError: for different sizes, an alpha outside 0 to 1, or a value that is no class.

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
    """Returns the weighted mean of an image and colours.

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
    weight = np.uint16(round(256 * alpha))  # whole numbers: ten times as fast as floats
    total = image * (np.uint16(256) - weight) + colors * weight
    return (total + np.uint16(128) >> 8).astype(np.uint8)


def rgb(image):
    """Returns an image as uint8 (H, W, 3): floats are rounded, grey is repeated.

    Of more than three channels the first three are shown, of two the first.

    Raises:
        ValueError: for an array that is not (H, W) or (H, W, channels).
    """
    image = np.asarray(image)
    if image.ndim == 2:
        image = image[..., None]
    if image.ndim != 3 or not image.shape[-1]:
        raise ValueError(f"An image must be (H, W, 3) or (H, W), got shape {image.shape}.")
    image = image[..., : 3 if image.shape[-1] >= 3 else 1]
    if image.dtype != np.uint8:
        image = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    return np.repeat(image, 3, axis=-1) if image.shape[-1] == 1 else image


def checked_map(label_map):
    """Returns a label map as an array, after checking that it is integers (H, W)."""
    label_map = np.asarray(label_map)
    if label_map.ndim != 2 or label_map.dtype.kind not in "iu":
        raise ValueError(
            f"A label map must be integers (H, W), got {label_map.dtype} {label_map.shape}."
        )
    return label_map


def stripes(shape):
    """Returns a boolean (H, W) pattern of diagonal stripes, wider in larger pictures."""
    width = max(2, round(min(shape) / 90))
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return (rows + columns) // width % 2 == 0


def boundaries(label_map):
    """Returns where regions end, bool (H, W); the lines are thicker in larger pictures."""
    reach = max(1, round(min(label_map.shape) / 700))
    across = _on_both_sides(label_map[:, 1:] != label_map[:, :-1], reach, 1)
    along = _on_both_sides(label_map[1:] != label_map[:-1], reach, 0)
    return _spread(across, reach, 0) | _spread(along, reach, 1)


def _on_both_sides(ends, reach, axis):
    """The cells within `reach` of an end of a region, which lies between two cells of an axis."""
    missing = np.zeros_like(ends, shape=[1 if a == axis else n for a, n in enumerate(ends.shape)])
    before = np.concatenate([ends, missing], axis)
    after = np.concatenate([missing, ends], axis)
    return _spread(before | after, reach - 1, axis)


def _spread(cells, reach, axis):
    """The cells within `reach` of one of `cells` along an axis."""
    found = cells.copy()
    for step in range(1, reach + 1):
        later = [slice(step, None) if a == axis else slice(None) for a in range(2)]
        earlier = [slice(None, -step) if a == axis else slice(None) for a in range(2)]
        found[tuple(later)] |= cells[tuple(earlier)]
        found[tuple(earlier)] |= cells[tuple(later)]
    return found


def size_text(array):
    """Returns height and width as text: "360x480"."""
    return f"{array.shape[0]}x{array.shape[1]}"
