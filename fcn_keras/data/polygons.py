"""The pixels of COCO's outlines: polygons and run lengths, compressed or not."""

import numpy as np


def inside_polygon(corners, shape):
    """Returns which pixels have their centre in a polygon, by the even-odd rule.

    Args:
        corners: x, y of the corners in order, in pixels: (0, 0) is the top left corner of the
            image, (0.5, 0.5) the centre of its first pixel.
        shape: (H, W).

    Returns:
        bool (H, W).
    """
    height, width = shape
    corners = np.asarray(corners, "float64").reshape(-1, 2)
    crossings = np.zeros((height, width + 1), "int32")
    for (x, y), (other_x, other_y) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        first, last = sorted((_centres_before(y, height), _centres_before(other_y, height)))
        if first == last:
            continue
        rows = np.arange(first, last)
        crossed = x + (rows + 0.5 - y) * (other_x - x) / (other_y - y)
        crossings[rows, np.clip(np.ceil(crossed - 0.5), 0, width).astype(int)] += 1
    return np.cumsum(crossings, axis=1)[:, :width] % 2 == 1


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
    counts = decompressed(counts) if isinstance(counts, (str, bytes)) else list(counts)
    height, width = shape
    if sum(counts) != height * width or min(counts, default=0) < 0:
        raise ValueError(f"run lengths of {sum(counts)} pixels for an image of {height}x{width}")
    on = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    return on.reshape(width, height).T


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


def _centres_before(y, height):
    """The number of rows whose centre is above y."""
    return int(np.clip(np.ceil(y - 0.5), 0, height))
