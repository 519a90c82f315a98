"""Boxes: rectangles around objects, as coordinates and painted as a label map."""

from typing import NamedTuple

import numpy as np


class Box(NamedTuple):
    """A rectangle around an object, in pixels; the last row and column are exclusive.

    Attributes:
        label: Class number.
        top, left, bottom, right: Its edges.
    """

    label: int
    top: int
    left: int
    bottom: int
    right: int

    @property
    def area(self):
        """Number of pixels."""
        return max(self.bottom - self.top, 0) * max(self.right - self.left, 0)


def boxes_around(regions):
    """Returns the `Box` of each `Region`."""
    return [
        Box(one.label, one.rows.start, one.columns.start, one.rows.stop, one.columns.stop)
        for one in regions
    ]


def painted(boxes, size, outside, dtype="uint8"):
    """Returns boxes as a label map: smaller boxes lie over larger ones.

    Args:
        boxes: `Box`es.
        size: (H, W) of the map.
        outside: Label of the pixels in no box: the background, or void.
        dtype: dtype of the map.

    Returns:
        (H, W) of `dtype`. Parts of boxes beyond the map are left out.

    Example:

    >>> painted([Box(1, 0, 0, 2, 3), Box(2, 1, 1, 2, 2)], (2, 4), outside=0)
    array([[1, 1, 1, 0],
           [1, 2, 1, 0]], dtype=uint8)

    Source: Papandreou, Chen, Murphy, Yuille (2015), "Weakly- and Semi-Supervised Learning of a
    DCNN for Semantic Image Segmentation" (Bbox-Rect).
    """
    label = np.full(size, outside, dtype)
    for box in sorted(boxes, key=lambda box: -box.area):
        label[max(box.top, 0) : max(box.bottom, 0), max(box.left, 0) : max(box.right, 0)] = (
            box.label
        )
    return label
