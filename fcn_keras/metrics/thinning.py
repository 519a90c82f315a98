"""Thinning of borders: regions grow over what lies between them until lines of one pixel remain."""

import numpy as np


def thin_borders(regions):
    """Returns the regions of a map grown over their borders, which become one pixel wide.

    It is the classic watershed on 4 neighbours with the regions as its basins: all regions grow by
    a pixel at a time, and a pixel that two of them reach becomes part of a line. Of two
    neighbours that different regions reach at once, the right or lower one becomes the line. A
    border that separates nothing vanishes, and a map without regions is one region.

    Args:
        regions: int (H, W), 0 for borders, another number for each region.

    Returns:
        int32 (H, W), 0 on the lines.

    Example:

    >>> thin_borders(np.array([[1, 0, 0, 0, 2]]))
    array([[1, 1, 0, 2, 2]], dtype=int32)

    Source: Vincent, Soille (1991), "Watersheds in digital spaces".
    """
    from scipy import ndimage

    regions = np.asarray(regions, np.int32)
    if not regions.any():
        return np.ones_like(regions)
    distances = np.pad(ndimage.distance_transform_cdt(regions == 0, "taxicab"), 1)
    labels = np.pad(regions, 1)
    row = labels.shape[1]
    labels, distances = labels.ravel(), distances.ravel()
    border = np.flatnonzero(distances)
    border = border[np.argsort(distances[border], kind="stable")]
    starts = np.searchsorted(distances[border], np.arange(1, distances.max() + 2))
    for first, end in zip(starts[:-1], starts[1:], strict=True):
        _flood(labels, border[first:end], row)
    return labels.reshape(-1, row)[1:-1, 1:-1]


def _flood(labels, pixels, row):
    """Labels the pixels of one distance, in place, as if in the order of rows and columns."""
    least, most = _extremes(labels, pixels, (-row, -1, 1, row))
    while True:  # each pixel waits for its left and its upper neighbour
        lower, higher = _extremes(labels, pixels, (-row, -1))
        lower, higher = np.minimum(lower, least), np.maximum(higher, most)
        found = np.where(lower == higher, higher, 0)
        if (found == labels[pixels]).all():
            return
        labels[pixels] = found


def _extremes(labels, pixels, steps):
    """The lowest and the highest region beside each pixel; the largest int and 0 without one."""
    beside = labels[pixels + np.asarray(steps)[:, None]]
    lowest = np.where(beside, beside, np.iinfo(labels.dtype).max).min(0)
    return lowest, beside.max(0)
