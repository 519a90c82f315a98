"""Suppression of non-maxima: of a soft boundary only its crest is left, in NumPy and SciPy."""

import numpy as np

SMOOTHING = 4  # radius of the blur under the orientation, in pixels
FADE = 5  # pixels at the border of the image over which boundaries fade
MARGIN = 1.01  # factor by which a neighbour must be higher


def suppress_nonmaxima(probabilities):
    """Returns boundary probabilities that are 0 but for the crests of the boundaries.

    The map is smoothed slightly. Its orientation comes from the second derivatives of a stronger
    blur; a pixel is set to 0 if the map is higher by 1 % one pixel away across the boundary, on
    either side. Within five pixels of the image's border the probabilities fade to 0.

    Args:
        probabilities: float (H, W), at least 0.

    Returns:
        float32 (H, W).

    Example:

    >>> ridge = np.repeat([[0, 0.2, 0.6, 0.8, 0.6, 0.2, 0]], 20, axis=0)
    >>> np.flatnonzero(suppress_nonmaxima(ridge)[10])
    array([3])

    Source: Canny (1986), section VIII, as in the evaluation of Dollár, Zitnick (2015), "Fast edge
    detection using structured forests"; Xie, Tu (2015), "HED", section 4.
    """
    probabilities = np.asarray(probabilities, np.float32)
    edges = _triangle_blur(probabilities, 1)
    rows, columns = _gradient(_triangle_blur(probabilities, SMOOTHING))
    row_row, row_column = _gradient(rows)
    column_column = _gradient(columns)[1]
    # The sign of 0 would be 0, and a horizontal boundary taken for a vertical one.
    slope = row_row * np.where(row_column > 0, -1, 1) / (column_column + 1e-5)
    angle = np.mod(np.arctan(slope), np.pi)
    suppressed = np.zeros(edges.shape, bool)
    for step in (-1, 1):
        beside = _sampled(edges, step * np.sin(angle), step * np.cos(angle))
        suppressed |= edges * np.float32(MARGIN) < beside
    return np.where(suppressed, 0, edges) * _fading(edges.shape)


def _triangle_blur(image, radius):
    from scipy.ndimage import convolve1d

    up = np.arange(1, radius + 2, dtype=np.float32)
    weights = np.concatenate([up, up[-2::-1]]) / (radius + 1) ** 2
    for axis in (0, 1):
        image = convolve1d(image, weights, axis=axis, mode="reflect")
    return image


def _gradient(image):
    """Central differences along rows and columns; a side of one pixel has none."""
    return [
        np.gradient(image, axis=axis) if image.shape[axis] > 1 else np.zeros_like(image)
        for axis in (0, 1)
    ]


def _sampled(image, down, right):
    """The image read bilinearly at each pixel plus a step, within its border."""
    height, width = image.shape
    rows = np.clip(np.arange(height)[:, None] + down, 0, height - 1)
    columns = np.clip(np.arange(width) + right, 0, width - 1)
    top, left = np.floor(rows).astype(int), np.floor(columns).astype(int)
    below, beside = np.minimum(top + 1, height - 1), np.minimum(left + 1, width - 1)
    rows, columns = rows - top, columns - left
    return (1 - rows) * ((1 - columns) * image[top, left] + columns * image[top, beside]) + rows * (
        (1 - columns) * image[below, left] + columns * image[below, beside]
    )


def _fading(shape):
    """Factors that grow from 0 at the border to 1."""
    factors = []
    for length in shape:
        fade = min(FADE, length // 2)
        distance = np.minimum(np.arange(length), np.arange(length)[::-1])
        factors.append(np.minimum(1, distance / max(fade, 1)).astype(np.float32))
    return np.outer(*factors)
