"""The regions of a label map that an annotator would mark: each object, and the background."""

from typing import NamedTuple

import numpy as np

from fcn_keras.metrics.components import components, small_numbers


class Region(NamedTuple):
    """A part of a label map.

    Attributes:
        label: Its class.
        rows, columns: Slices of its box in the map.
        mask: bool (H, W) of the box: the pixels of the region.
    """

    label: int
    rows: slice
    columns: slice
    mask: np.ndarray

    @property
    def box(self):
        """The box as slices, to index a map with."""
        return self.rows, self.columns


def objects_in(label, objects, ignore, *, background=True, smallest=1):
    """Returns the objects of a label map.

    Args:
        label: Class numbers and void, (H, W).
        objects: The number of the object that each pixel of classes 1, 2, ... belongs to, (H, W).
        ignore: The value of void.
        background: Whether class 0 is the background; else its connected parts are objects too.
        smallest: Objects with fewer pixels are left out.

    Returns:
        A list of `Region`.

    Example:

    >>> label = np.array([[0, 1, 1], [2, 2, 0]], "uint8")
    >>> [(one.label, int(one.mask.sum())) for one in objects_in(label, label, 255)]
    [(1, 2), (2, 2)]
    """
    from scipy import ndimage

    numbers = np.where(label == ignore, 0, objects)
    if not background:
        parts = components(label == 0)
        numbers = np.where(parts, parts.astype("int64") + numbers.max(initial=0), numbers)
    numbers = small_numbers(numbers)
    found = []
    for number, box in enumerate(ndimage.find_objects(numbers), start=1):
        if box is None:
            continue
        mask = numbers[box] == number
        if np.count_nonzero(mask) >= smallest:
            found.append(Region(int(label[box][mask][0]), *box, mask))
    return found


def background_of(label):
    """Returns class 0 of a label map as a list of one `Region`, or none where it does not occur."""
    mask = label == 0
    whole = (slice(0, size) for size in label.shape)
    return [Region(0, *whole, mask)] if mask.any() else []
