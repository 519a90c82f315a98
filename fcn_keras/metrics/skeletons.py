"""Thinning of masks to lines of one pixel, as MATLAB's `bwmorph(mask, "thin", Inf)`."""

import functools

import numpy as np

# The neighbours x1 to x8 of the paper: east first, then counter-clockwise; (row, column).
AROUND = ((0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1))


def thin(mask):
    """Returns a mask thinned to lines of one pixel, which stay connected.

    Args:
        mask: bool (H, W).

    Returns:
        bool (H, W), True for some of the pixels of the mask.

    Example:

    >>> thin(np.ones((3, 5), bool)).astype(int)
    array([[0, 0, 0, 0, 0],
           [0, 1, 1, 1, 0],
           [0, 0, 0, 0, 0]])

    Source: Guo, Hall (1989), "Parallel thinning with two-subiteration algorithms"; Lam, Lee, Suen
    (1992), "Thinning methodologies", page 879.
    """
    padded = np.pad(np.asarray(mask, bool), 1).view(np.uint8)
    row, flat = padded.shape[1], padded.ravel()
    steps = [row * down + right for down, right in AROUND]
    inside = np.flatnonzero(flat)
    count = None
    while count != len(inside):
        count = len(inside)
        for removed in _removed():
            codes = np.zeros(len(inside), np.uint8)
            for place, step in enumerate(steps):
                codes |= flat[inside + step] << place
            gone = removed[codes]
            flat[inside[gone]] = 0
            inside = inside[~gone]
    return padded[1:-1, 1:-1].astype(bool)


@functools.cache
def _removed():
    """Whether a pixel with neighbours of each code is removed, for both subiterations."""
    tables = np.zeros((2, 256), bool)
    for code in range(256):
        x = [bool(code >> place & 1) for place in range(8)]
        crossings = sum(not x[i] and (x[i + 1] or x[(i + 2) % 8]) for i in (0, 2, 4, 6))
        pairs = sum(x[i] or x[i + 1] for i in (0, 2, 4, 6))
        others = sum(x[i + 1] or x[(i + 2) % 8] for i in (0, 2, 4, 6))
        if crossings == 1 and 2 <= min(pairs, others) <= 3:
            tables[0, code] = not ((x[1] or x[2] or not x[7]) and x[0])
            tables[1, code] = not ((x[5] or x[6] or not x[3]) and x[4])
    return tables
