"""Pooling with holes, which a pooling becomes when strides in front of it are removed.

Keras's own pooling has no dilation and no padding of a given size.
"""

import keras
from keras import ops

from fcn_keras.checks import one_of
from fcn_keras.geometry.protocol import SpatialLayer

MODES = ("max", "average")


@keras.saving.register_keras_serializable("fcn_keras")
class DilatedPooling2D(SpatialLayer, keras.layers.Layer):
    """Pools by maximum or average over a window with holes, with padding of a given size.

    Padding does not change the result: it is minus infinity for the maximum, and the average is
    over the cells of the map alone, as in Keras's "same".

    Args:
        pool_size: Rows and columns of the window, (rows, columns) or one int.
        strides: Cells from one window to the next, (rows, columns) or one int.
        dilation_rate: Cells from one tap of the window to the next, (rows, columns) or one int.
        padding: ((top, bottom), (left, right)) in cells, or 0.
        mode: "max" or "average".

    Input shape: (batch, H, W, channels). Output: (batch, h, w, channels) with
    h = (top + H + bottom - (rows - 1) * dilation - 1) // stride + 1, and w likewise.

    Raises:
        ValueError: for another mode, for sizes below 1, for a padding with which a window may
            hold nothing but padding, and for a map smaller than the window.

    Example:

    ```python
    fcn_keras.layers.DilatedPooling2D(2, dilation_rate=4)(keras.ops.ones((1, 16, 20, 3))).shape
    ```

    Source: Long et al. (2015), section 3.2 (filter rarefaction).
    """

    def __init__(self, pool_size, strides=1, dilation_rate=1, padding=0, mode="max", **kwargs):
        super().__init__(**kwargs)
        self.pool_size = _pair(pool_size)
        self.strides = _pair(strides)
        self.dilation_rate = _pair(dilation_rate)
        pairs = [(0, 0), (0, 0)] if padding == 0 else padding
        self.padding = tuple(tuple(int(n) for n in pair) for pair in pairs)
        self.mode = mode
        self._check()

    def _check(self):
        one_of("mode", self.mode, MODES)
        if min(*self.pool_size, *self.strides, *self.dilation_rate) < 1:
            raise ValueError(
                f"{self.name}: pool_size {self.pool_size}, strides {self.strides} and "
                f"dilation_rate {self.dilation_rate} must be at least 1."
            )
        reaches = [self._reach(axis) for axis in (0, 1)]
        if any(
            not 0 <= n <= reach
            for reach, pair in zip(reaches, self.padding, strict=True)
            for n in pair
        ):
            raise ValueError(
                f"{self.name}: padding {self.padding} must be between 0 and the cells of the "
                f"window beyond its first, {reaches} (rows, columns)."
            )

    def _reach(self, axis):
        return (self.pool_size[axis] - 1) * self.dilation_rate[axis]

    def _cells(self, size, axis, padding):
        return (size + padding - self._reach(axis) - 1) // self.strides[axis] + 1

    def call(self, x):
        self.compute_output_shape(tuple(x.shape))
        if self.mode == "max":
            return self._pooled(self._padded(x, -float("inf")) if self.pads else x)
        mean = self._pooled(self._padded(x, 0) if self.pads else x)
        if not self.pads:
            return mean
        rows, columns = ops.shape(x)[1:3]
        ones = ops.ones((1, rows, columns, 1), dtype=x.dtype)
        return mean / self._pooled(self._padded(ones, 0))

    def _padded(self, x, value):
        return ops.pad(x, [[0, 0], *self.padding, [0, 0]], constant_values=value)

    def _pooled(self, x):
        if self.dilation_rate == (1, 1):
            pool = ops.max_pool if self.mode == "max" else ops.average_pool
            return pool(x, self.pool_size, self.strides, "valid", data_format="channels_last")
        for axis in (0, 1):
            parts = self._taps(x, axis)
            x = parts[0]
            for part in parts[1:]:
                x = ops.maximum(x, part) if self.mode == "max" else x + part
        return x if self.mode == "max" else x / (self.pool_size[0] * self.pool_size[1])

    def _taps(self, x, axis):
        """The cells of the map under each row (or column) of the windows."""
        last = self._cells(ops.shape(x)[1 + axis], axis, padding=0) - 1
        step, span = self.strides[axis], last * self.strides[axis] + 1
        starts = [tap * self.dilation_rate[axis] for tap in range(self.pool_size[axis])]
        cells = [slice(start, start + span, step) for start in starts]
        return [x[:, part] if axis == 0 else x[:, :, part] for part in cells]

    def compute_output_shape(self, input_shape):
        batch, *size, channels = input_shape
        cells = [
            None if n is None else self._cells(n, axis, sum(self.padding[axis]))
            for axis, n in enumerate(size)
        ]
        if any(n is not None and n < 1 for n in cells):
            raise ValueError(
                f"{self.name}: windows of {self._reach(0) + 1}x{self._reach(1) + 1} cells do not "
                f"fit in a map of {size[0]}x{size[1]} with padding {self.padding}."
            )
        return (batch, *cells, channels)

    pools = True

    @property
    def pads(self):
        """Whether it has padding."""
        return any(map(any, self.padding))

    def sampling_rule(self, grids, axis):
        return grids[0].window(
            self.pool_size[axis],
            self.strides[axis],
            self.dilation_rate[axis],
            self.padding[axis][0],
        )

    def get_config(self):
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "strides": self.strides,
            "dilation_rate": self.dilation_rate,
            "padding": self.padding,
            "mode": self.mode,
        }


def _pair(value):
    return tuple(int(n) for n in value) if isinstance(value, (tuple, list)) else (int(value),) * 2
