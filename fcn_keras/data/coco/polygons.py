"""The pixels of COCO's outlines: polygons and run lengths, compressed or not."""

from typing import NamedTuple

import numpy as np


class Window(NamedTuple):
    """A part of an image: rows top to bottom and columns left to right, the ends excluded."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def slices(self):
        """The index of the window in an array (H, W)."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


def window_of(corners, shape):
    """Returns the `Window` of an image that a polygon reaches.

    Args:
        corners: x, y of the corners in order, in pixels.
        shape: (H, W).
    """
    corners = np.asarray(corners, "float64").reshape(-1, 2)
    height, width = shape
    (left, top), (right, bottom) = corners.min(0), corners.max(0)
    return Window(
        _centres_before(top, height),
        _centres_before(bottom, height),
        _centres_before(left, width),
        _centres_before(right, width),
    )


def inside_polygon(corners, shape, window=None):
    """Returns which pixels have their centre in a polygon, by the even-odd rule.

    Args:
        corners: x, y of the corners in order, in pixels: (0, 0) is the top left corner of the
            image, (0.5, 0.5) the centre of its first pixel.
        shape: (H, W).
        window: The `Window` to look at. Default: the whole image.

    Returns:
        bool (H, W), or the size of the window.
    """
    top, bottom, left, right = window or Window(0, shape[0], 0, shape[1])
    corners = np.asarray(corners, "float64").reshape(-1, 2)
    crossings = np.zeros((bottom - top, right - left + 1), "int32")
    for (x, y), (other_x, other_y) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y > other_y:  # an edge there and back crosses the same pixels, and so cancels itself
            (x, y), (other_x, other_y) = (other_x, other_y), (x, y)
        ends = _centres_before(y, shape[0]), _centres_before(other_y, shape[0])
        first, last = np.clip(ends, top, bottom)
        if first == last:
            continue
        rows = np.arange(first, last)
        crossed = x + (rows + 0.5 - y) * (other_x - x) / (other_y - y)
        columns = np.clip(np.ceil(crossed - 0.5), left, right).astype(int)
        crossings[rows - top, columns - left] += 1
    return np.cumsum(crossings, axis=1)[:, : right - left] % 2 == 1


def inside_runs(counts, shape):
    """Returns which pixels are on in a run-length encoding: column by column, off and on in turn.

    Args:
        counts: Lengths of the runs, the first of which is off; or COCO's compressed text.
        shape: (H, W).

    Returns:
        bool (H, W).

    Raises:
        ValueError: if the runs are not height * width pixels.
    """
    counts = decompressed(counts) if isinstance(counts, (str, bytes)) else _whole(counts)
    height, width = shape
    if sum(counts) != height * width or min(counts, default=0) < 0:
        raise ValueError(f"run lengths of {sum(counts)} pixels for an image of {height}x{width}")
    on = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    return on.reshape(width, height).T


def runs_of(inside):
    """Returns the run-length encoding of a mask, as `inside_runs` reads it.

    Args:
        inside: bool (H, W).

    Returns:
        {"size": [H, W], "counts": [...]}.

    Example:

    >>> runs_of(np.array([[0, 1], [1, 1]], bool))
    {'size': [2, 2], 'counts': [1, 3]}
    """
    pixels = np.concatenate([[False], inside.T.reshape(-1)])
    ends = np.flatnonzero(pixels[1:] != pixels[:-1])
    counts = np.diff(np.concatenate([[0], ends, [inside.size]])).tolist()
    return {"size": list(inside.shape), "counts": counts}


def decompressed(text):
    """Returns the run lengths in COCO's compressed text.

    Each character has 5 bits of a number, the lowest first, offset by 48. Bit 5 says that more
    characters follow; the highest bit of the last one is the sign. From the fourth number on, a
    number is the difference to the one two places before.
    """
    text = text.encode() if isinstance(text, str) else text
    counts, value, shift = [], 0, 0
    for character in text:
        bits = character - 48
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
        value, shift = 0, 0
    return counts


def _whole(counts):
    """The run lengths as ints; some tools write them as floats."""
    whole = np.asarray(counts, "float64")
    if whole.ndim != 1 or (whole != np.floor(whole)).any():
        raise ValueError("run lengths that are not whole numbers")
    return whole.astype("int64").tolist()


def _centres_before(place, length):
    """The number of rows (or columns) of an image whose centre is before a place."""
    return int(np.clip(np.ceil(place - 0.5), 0, length))
