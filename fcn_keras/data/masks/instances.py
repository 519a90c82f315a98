"""Masks that number objects, and the background drawn between objects that touch."""

from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np

from fcn_keras.checks import whole_number
from fcn_keras.data.images.npy import is_npy, read_npy
from fcn_keras.data.masks.black_and_white import black_or_not
from fcn_keras.data.masks.reader import MaskReader, joint_code
from fcn_keras.data.masks.storage import StoredMask, read_stored


@dataclass(frozen=True)
class InstanceReader(MaskReader):
    """How masks are read in which each object has a number or a colour of its own.

    The label map has the objects' classes, as `MaskReader` gives them: with `binary` every number
    but 0 is class 1, and `values` are the numbers of each class's objects.

    Attributes:
        separate: Width in pixels of the background, class 0, that is drawn between objects that
            touch; 0 for none. A net without it would learn touching objects as one.

    Raises:
        ValueError: for a negative width, and where `MaskReader` raises.

    Example:

    ```python
    labels = fcn_keras.LabelSet(("background", "cell"))
    reader = fcn_keras.data.InstanceReader(labels, binary=True, separate=2)
    reader.convert(np.array([[3, 3, 3, 8, 8, 8]]), "cells.png")     # [[1, 1, 0, 0, 1, 1]]
    ```
    """

    separate: int = 0

    def __post_init__(self):
        super().__post_init__()
        whole_number("separate", self.separate, least=0)

    @classmethod
    def of(cls, reader, separate=0):
        """Returns the reader of masks that are those of a `MaskReader` and number objects."""
        own = {field.name: getattr(reader, field.name) for field in fields(MaskReader)}
        return cls(**own, separate=separate)

    @cached_property
    def counts_greys(self):
        """False: numbers between those of two neighbours are no blended edges."""
        return False

    def read(self, path):
        """Returns a mask file as label map; see `MaskReader.read`."""
        if not self.separate:
            return super().read(path)
        return self._separated(replace(self, separate=0).read(path), _numbers(path))

    def convert(self, values, path):
        """Returns the label map that the values of an index mask stand for."""
        label = super().convert(values, path)
        return self._separated(label, np.asarray(values)) if self.separate else label

    def read_objects(self, path):
        """Returns the number of each pixel's object in a mask file, int32 (H, W), 0 for none."""
        label = self.read(path)
        numbers = np.where((label == 0) | (label == self.labels.ignore), 0, _numbers(path))
        return numbers.astype("int32")

    def _separated(self, label, numbers):
        known = (label != 0) & (label != self.labels.ignore)
        between = separation_borders(np.where(known, numbers, 0), self.separate)
        label[between] = 0
        return label

    def _black_and_white(self, stored):
        numbers, note = black_or_not(stored)
        if numbers.max(initial=0) > 65535:
            numbers = np.minimum(numbers, 65535)
        return self.convert(numbers, stored.path), note


def separation_borders(objects, width):
    """Returns the pixels that lie between objects that touch.

    Args:
        objects: int (H, W): the number of each pixel's object, 0 for none.
        width: Width of the borders in pixels.

    Returns:
        bool (H, W): the pixels of objects that become border. Without them, no two objects have
        pixels that share an edge. Objects that are `width` or more apart keep all their pixels.

    Example:

    >>> fcn_keras.data.masks.instances.separation_borders(np.array([[1, 1, 2, 2]]), 2)
    array([[False,  True,  True, False]])
    """
    from scipy import ndimage

    if width == 0:
        return np.zeros(objects.shape, bool)
    objects = np.asarray(objects, "int32")
    largest = int(objects.max(initial=0)) + 1
    highest = ndimage.maximum_filter(objects, width + 1, mode="constant", cval=0)
    others = np.where(objects, objects, largest)
    lowest = ndimage.minimum_filter(others, width + 1, mode="constant", cval=largest)
    return (objects > 0) & (highest != lowest)


def _numbers(path):
    """The numbers of a mask file, or those of its colours, int (H, W)."""
    stored = StoredMask.of_array(read_npy(path), path) if is_npy(path) else read_stored(path)
    return joint_code(stored.rgb) if stored.values is None else stored.values
