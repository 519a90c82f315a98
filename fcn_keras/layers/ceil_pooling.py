"""Caffe's pooling, which rounds the number of cells up, as all published nets have it."""

import keras
from keras import ops

from fcn_keras.checks import one_of
from fcn_keras.geometry.protocol import SpatialLayer

MODES = ("max", "average")


@keras.saving.register_keras_serializable("fcn_keras")
class CeilPooling2D(SpatialLayer, keras.layers.Layer):
    """Pools by maximum or average; the last window may reach beyond the map, as in Caffe.

    n cells become ceil((n + 2 p - k) / s) + 1 for windows of k at stride s with p cells of
    padding. The maximum is over the cells of the map alone. The average counts the padding as
    zeros but not the cells beyond it: a window is divided by its cells up to n + p.

    Args:
        pool_size: Window k, an int or (rows, columns).
        strides: Stride s, an int or (rows, columns). Default: the window.
        mode: "max" or "average".
        padding: Cells p on each side, an int or (rows, columns).

    Input shape: (batch, H, W, channels), H and W may be open. Output: (batch, h, w, channels).

    Raises:
        ValueError: for an unknown mode; for windows that are not larger than p + s - 1, of which
            some could lie outside the map altogether; for a map too small to give a cell.

    Example:

    ```python
    pool = fcn_keras.layers.CeilPooling2D(3, strides=2)
    pool(keras.ops.ones((1, 112, 112, 64))).shape       # (1, 56, 56, 64)
    ```

    Source: Caffe's `Pooling` layer (Jia et al. 2014).
    """

    def __init__(self, pool_size, strides=None, mode="max", padding=0, **kwargs):
        super().__init__(**kwargs)
        self.pool_size = _pair(pool_size)
        self.strides = _pair(pool_size if strides is None else strides)
        self.padding = _pair(padding)
        self.mode = one_of("mode", mode, MODES)
        for window, stride, pad in zip(self.pool_size, self.strides, self.padding, strict=True):
            if stride < 1 or pad < 0 or window <= pad + stride - 1:
                raise ValueError(
                    "The stride must be at least 1, the padding at least 0, and the window larger "
                    f"than padding + stride - 1; got windows of {window} at stride {stride} with "
                    f"padding {pad}."
                )
        self._beyond = [
            (p, p + s - 1) for p, s in zip(self.padding, self.strides, strict=True)
        ]  # then pooling that rounds down gives the cells of pooling that rounds up

    def call(self, x):
        self.compute_output_shape(x.shape)  # refuses a map that is known to be too small
        if self.mode == "max":
            # A window that reaches beyond the map holds the edge itself: repeats change nothing.
            return ops.max_pool(
                self._repeated(x), self.pool_size, self.strides, data_format="channels_last"
            )
        size = ops.shape(x)[1:3]
        padded = ops.pad(x, [[0, 0], *self._beyond, [0, 0]])
        mean = ops.average_pool(padded, self.pool_size, self.strides, data_format="channels_last")
        rows, columns = (self._correction(size[axis], axis) for axis in (0, 1))
        return mean * ops.cast(rows[:, None, None] * columns[:, None], mean.dtype)

    def _repeated(self, x):
        """The map with its edges repeated over the padding and beyond."""
        (top, bottom), (left, right) = self._beyond
        if top or bottom:
            x = ops.concatenate([x[:, :1]] * top + [x] + [x[:, -1:]] * bottom, axis=1)
        if left or right:
            x = ops.concatenate([x[:, :, :1]] * left + [x] + [x[:, :, -1:]] * right, axis=2)
        return x

    def _correction(self, size, axis):
        """Window / cells that count, for each window of one axis."""
        window, stride, pad = self.pool_size[axis], self.strides[axis], self.padding[axis]
        starts = ops.arange((size + 2 * pad + stride - 1 - window) // stride + 1) * stride - pad
        counted = ops.minimum(starts + window, size + pad) - starts
        return window / ops.cast(counted, "float32")

    def compute_output_shape(self, input_shape):
        batch, *size, channels = input_shape
        cells = (self._cells(n, axis, input_shape) for axis, n in enumerate(size))
        return (batch, *cells, channels)

    def _cells(self, size, axis, input_shape):
        if size is None:
            return None
        window, stride, pad = self.pool_size[axis], self.strides[axis], self.padding[axis]
        cells = -((window - size - 2 * pad) // stride) + 1
        if cells < 1:
            raise ValueError(
                f"{self.name}: a map of {tuple(input_shape)} is too small for windows of "
                f"{self.pool_size} at stride {self.strides} with padding {self.padding}."
            )
        return cells

    pools = True

    @property
    def pads(self):
        """Whether it has padding."""
        return any(self.padding)

    def sampling_rule(self, grids, axis):
        return grids[0].window(self.pool_size[axis], self.strides[axis], before=self.padding[axis])

    def get_config(self):
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "strides": self.strides,
            "mode": self.mode,
            "padding": self.padding,
        }


def _pair(value):
    pair = value if isinstance(value, (tuple, list)) else (value, value)
    return tuple(int(n) for n in pair)
