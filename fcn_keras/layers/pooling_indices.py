"""Pooling indices: a max pooling that keeps where its maxima were, and the unpooling that uses it.

Written with comparisons, choices and reshapes, so that every backend and TFLite has them.
"""

import keras
from keras import ops

from fcn_keras.geometry.protocol import SpatialLayer


@keras.saving.register_keras_serializable("fcn_keras")
class MaxPooling2DWithIndices(SpatialLayer, keras.layers.Layer):
    """Pools by maximum and also returns where in its window each maximum was.

    The stride is the window. The number of cells is rounded up: of a map that the window does not
    divide, the last windows are smaller. Of several maxima the first in row-major order counts,
    in the indices and in the gradient; a window of zeros after ReLU gives index 0.

    Args:
        pool_size: Rows and columns of the window, (rows, columns) or one int.

    Input shape: (batch, H, W, channels), float, H and W may be open. Output: the pair
    (maxima, indices) of shape (batch, ceil(H / rows), ceil(W / columns), channels). The indices
    are int32, row * columns + column within the window: 0 to rows * columns - 1.

    Raises:
        ValueError: for a window of less than one cell.

    Example:

    ```python
    x = keras.ops.array([[[[1.0], [5.0]], [[5.0], [2.0]]]])
    maxima, indices = fcn_keras.layers.MaxPooling2DWithIndices()(x)
    maxima[0, 0, 0, 0], indices[0, 0, 0, 0]     # 5.0, 1
    ```

    Source: Badrinarayanan, Kendall, Cipolla (2017), "SegNet", section 3; the first maximum and
    the rounding are those of its Caffe code.
    """

    def __init__(self, pool_size=2, **kwargs):
        super().__init__(**kwargs)
        self.pool_size = _window(pool_size)

    def call(self, x):
        rows, columns = self.pool_size
        channels = x.shape[-1]
        x = _whole(_whole(x, rows, axis=1), columns, axis=2)
        _, tall, wide, _ = ops.shape(x)
        tall, wide = tall // rows, wide // columns
        # The cells beside each other in a window become channels, without a copy.
        x = ops.reshape(x, (-1, rows, wide, columns * channels))
        maxima, indices = x[:, :1, :, :channels], None
        for index in range(1, rows * columns):
            row, column = divmod(index, columns)
            cells = x[:, row : row + 1, :, column * channels : (column + 1) * channels]
            larger = ops.greater(cells, maxima)
            maxima = ops.where(larger, cells, maxima)
            indices = ops.where(larger, index, 0 if indices is None else indices)
        if indices is None:
            indices = ops.zeros_like(maxima, dtype="int32")
        shape = (-1, tall, wide, channels)
        return ops.reshape(maxima, shape), ops.reshape(ops.cast(indices, "int32"), shape)

    def compute_output_shape(self, input_shape):
        batch, *size, channels = input_shape
        cells = (_cells(n, window) for n, window in zip(size, self.pool_size, strict=True))
        shape = (batch, *cells, channels)
        return shape, shape

    def compute_output_spec(self, x):
        """Returns the symbolic maxima, of the layer's precision, and indices, int32."""
        maxima, indices = self.compute_output_shape(x.shape)
        return (
            keras.KerasTensor(maxima, dtype=self.compute_dtype),
            keras.KerasTensor(indices, dtype="int32"),
        )

    pools = True

    def sampling_rule(self, grids, axis):
        return grids[0].window(self.pool_size[axis], self.pool_size[axis])

    def get_config(self):
        return {**super().get_config(), "pool_size": self.pool_size}


@keras.saving.register_keras_serializable("fcn_keras")
class MaxUnpooling2D(SpatialLayer, keras.layers.Layer):
    """Puts each value of a pooled map where the maximum of its window was, and zeros elsewhere.

    Called on `[map, indices, reference]`: the indices that a `MaxPooling2DWithIndices` returned,
    and the map that it pooled, whose height and width the output has. Without a reference the
    output has whole windows.

    Args:
        pool_size: Window of that pooling, (rows, columns) or one int.

    Input shapes: (batch, h, w, channels) of map and indices, (batch, H, W, any) of the reference,
    with h = ceil(H / rows) and w = ceil(W / columns). Output: (batch, H, W, channels).

    Raises:
        ValueError: for a window of less than one cell; if map and indices, or map and reference,
            are known to differ in size, or come from other strides of a net.

    Example:

    ```python
    x = keras.random.normal((1, 45, 60, 8))
    maxima, indices = fcn_keras.layers.MaxPooling2DWithIndices()(x)     # (1, 23, 30, 8)
    fcn_keras.layers.MaxUnpooling2D()([maxima, indices, x]).shape       # (1, 45, 60, 8)
    ```

    Source: Badrinarayanan, Kendall, Cipolla (2017), "SegNet", section 3.2.
    """

    def __init__(self, pool_size=2, **kwargs):
        super().__init__(**kwargs)
        self.pool_size = _window(pool_size)

    def call(self, inputs):
        x, indices, *reference = inputs
        self.compute_output_shape([one.shape for one in inputs])  # refuses maps that do not fit
        rows, columns = self.pool_size
        _, tall, wide, _ = ops.shape(x)
        places = [
            ops.where(ops.equal(indices, index), x, ops.zeros_like(x))
            for index in range(rows * columns)
        ]
        lines = []  # cells beside each other in a window become columns, then lines become rows
        for row in range(rows):
            cells = ops.concatenate(places[row * columns : (row + 1) * columns], axis=-1)
            lines.append(ops.reshape(cells, (-1, tall, wide * columns, x.shape[-1])))
        whole = ops.concatenate(lines, axis=2)
        whole = ops.reshape(whole, (-1, tall * rows, wide * columns, x.shape[-1]))
        if not reference:
            return whole
        height, width = ops.shape(reference[0])[1:3]
        return whole[:, :height, :width]

    def compute_output_shape(self, input_shape):
        x, indices, *reference = map(tuple, input_shape)
        if not all(map(_may_equal, x, indices)):
            raise ValueError(
                f"{self.name}: map and indices must have one shape, got {x} and {indices}."
            )
        if not reference:
            size = (n and n * k for n, k in zip(x[1:3], self.pool_size, strict=True))
            return (x[0], *size, x[-1])
        size = reference[0][1:3]
        cells = [_cells(n, window) for n, window in zip(size, self.pool_size, strict=True)]
        if not all(map(_may_equal, x[1:3], cells)):
            raise ValueError(
                f"{self.name}: the reference must be the map that was pooled. A map of {size} "
                f"pooled by {self.pool_size} has {tuple(cells)} cells, but {x[1:3]} were given."
            )
        return (x[0], *size, x[-1])

    def compute_output_spec(self, inputs):
        """Returns the symbolic output, of the layer's precision."""
        shape = self.compute_output_shape([one.shape for one in inputs])
        return keras.KerasTensor(shape, dtype=self.compute_dtype)

    def sampling_rule(self, grids, axis):
        window = self.pool_size[axis]
        pooled = grids[0].union(grids[1])
        strides = [grid.stride for grid in grids]
        if pooled is None or any(grid.stride * window != strides[0] for grid in grids[2:]):
            raise ValueError(
                f"The unpooling {self.name!r} by {window} takes a map and indices of one stride "
                f"and a reference {window} times as fine; their strides are "
                f"{', '.join(map(str, strides))} input pixels a cell."
            )
        return pooled.resample(window, 1, lambda r: [r // window])

    def get_config(self):
        return {**super().get_config(), "pool_size": self.pool_size}


def _whole(x, window, axis):
    """The map with its last line repeated until windows divide it.

    As a later repeat of a cell of the same window it never is a first maximum.
    """
    size = ops.shape(x)[axis]
    lacking = -size % window
    if isinstance(lacking, int):
        ends = [size - 1] * lacking
    else:  # a slice from `size` on is empty
        ends = [size - ops.clip(lacking - before, 0, 1) for before in range(window - 1)]
    lines = [x[:, end:] if axis == 1 else x[:, :, end:] for end in ends]
    return ops.concatenate([x, *lines], axis=axis) if lines else x


def _cells(size, window):
    return None if size is None else -(-size // window)


def _may_equal(a, b):
    return a is None or b is None or a == b


def _window(pool_size):
    pair = pool_size if isinstance(pool_size, (tuple, list)) else (pool_size, pool_size)
    pair = tuple(int(n) for n in pair)
    if len(pair) != 2 or min(pair) < 1:
        raise ValueError(
            f"`pool_size` must be one or two whole numbers of at least 1, got {pool_size!r}."
        )
    return pair
