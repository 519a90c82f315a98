"""Convolutions and poolings at a finer stride: their new strides, dilations and paddings."""

import math

import keras

from fcn_keras.geometry.rules import same_padding
from fcn_keras.layers import CeilPooling2D, DilatedPooling2D

L = keras.layers

CONVOLUTIONS = (L.Conv2D, L.DepthwiseConv2D, L.SeparableConv2D)
POOLINGS = (L.MaxPooling2D, L.AveragePooling2D, CeilPooling2D, DilatedPooling2D)


class WindowAxis:
    """One axis of a convolution or pooling in the finer net.

    Args:
        layer: The convolution or pooling.
        traced: Its output, a `Traced` of the given net.
        axis: 0 for rows, 1 for columns.
        removed: The factor removed from the stride of its input.
        to_stride: Strides that lead beyond it are removed.
        padded: Whether the net pads its maps anywhere.

    Attributes:
        size: Taps of its window.
        left: Its new stride.
        dilation: Its new dilation.
    """

    def __init__(self, layer, traced, axis, removed, to_stride, padded):
        parent = traced.parents[0]
        self.layer, self.axis, self.removed = layer, axis, removed
        self.cells, self.cells_after = parent.shape[1 + axis], traced.shape[1 + axis]
        self.padded_by = None
        if isinstance(parent.operation, L.ZeroPadding2D):
            self.padded_by = sum(parent.operation.padding[axis])
        self.size, self.stride = _size(layer)[axis], layer.strides[axis]
        self.reach = (self.size - 1) * _dilation(layer)[axis]
        self.dilation = _dilation(layer)[axis] * self.removed
        room = to_stride / (parent.grids[axis].stride / self.removed)
        self.left = math.gcd(self.stride, int(room)) if room.denominator == 1 else 1
        side_by_side = self.reach < self.stride and self.cells % self.stride == 0
        self.same = layer.padding == "same" or (padded and side_by_side)

    def padding(self):
        """Returns the cells of zeros, and of padding that pooling ignores, before and after."""
        if isinstance(self.layer, CeilPooling2D):
            return self._ceil()
        if isinstance(self.layer, DilatedPooling2D):
            return (0, 0), tuple(n * self.removed for n in self.layer.padding[self.axis])
        if self.same:
            before = same_padding(self.cells, self.reach + 1, self.stride) * self.removed
            return (0, 0), (before, self._lacking(before))
        return (0, self._beyond()), (0, 0)

    def _lacking(self, padded):
        """Cells of padding that are missing for as many windows as the map has cells."""
        return max(self.reach * self.removed + 1 - self.left - padded, 0)

    def _beyond(self):
        """Zeros to add after a ZeroPadding2D that stands for "same" padding.

        It is just enough for the windows at the old stride; the last new ones reach further.
        """
        if self.padded_by is None or self.padded_by < self.reach + 1 - self.stride:
            return 0
        return self._lacking(self.padded_by * self.removed)

    def _ceil(self):
        pad = self.layer.padding[self.axis]
        end = self.cells + pad
        after = min(self.stride * self.cells_after, end) - end + self.reach
        before, after = pad * self.removed, after * self.removed
        if self.layer.mode == "max":
            return (0, 0), (before, after)
        return (before, min(before, after)), (0, max(after - before, 0))


def _dilation(layer):
    return layer.dilation_rate if isinstance(layer, (*CONVOLUTIONS, DilatedPooling2D)) else (1, 1)


def _size(layer):
    return layer.kernel_size if isinstance(layer, CONVOLUTIONS) else layer.pool_size
