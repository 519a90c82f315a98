"""Adaptive average pooling: a map of any size becomes a fixed number of bins."""

import keras
from keras import ops

from fcn_keras.checks import whole_number
from fcn_keras.geometry.protocol import SpatialLayer


@keras.saving.register_keras_serializable("fcn_keras")
class BinPooling2D(SpatialLayer, keras.layers.Layer):
    """Averages a map of any size in a fixed number of bins a side.

    Of n cells, bin i of k is the mean of the cells from floor(i n / k) up to, and without,
    ceil((i + 1) n / k), as PyTorch's `AdaptiveAvgPool2d`: neighbouring bins share a cell where k
    does not divide n, and a map of fewer cells than bins repeats its cells. The size may be open.

    Args:
        bins: Number of bins along each axis.

    Input shape: (batch, H, W, channels). Output: (batch, bins, bins, channels).

    Raises:
        ValueError: for a number below 1.

    Example:

    ```python
    fcn_keras.layers.BinPooling2D(6)(keras.ops.ones((1, 23, 30, 8))).shape      # (1, 6, 6, 8)
    ```

    Source: Zhao et al. (2017), "Pyramid Scene Parsing Network", section 3.2.
    """

    def __init__(self, bins, **kwargs):
        super().__init__(**kwargs)
        self.bins = whole_number("bins", bins)

    def call(self, x):
        batch, rows, columns = ops.shape(x)[:3]
        channels, bins = x.shape[3], self.bins
        x = ops.reshape(x, (batch, rows, columns * channels))
        x = ops.matmul(self._shares(rows, x.dtype), x)
        x = ops.reshape(x, (batch * bins, columns, channels))
        x = ops.matmul(self._shares(columns, x.dtype), x)
        return ops.reshape(x, (batch, bins, bins, channels))

    def _shares(self, cells, dtype):
        """The weight of each cell in each bin: (bins, cells), each row sums to 1."""
        first = ops.arange(self.bins) * cells // self.bins
        end = -(-(ops.arange(self.bins) + 1) * cells // self.bins)
        cell = ops.arange(cells)
        inside = ops.logical_and(cell >= first[:, None], cell < end[:, None])
        shares = ops.cast(inside, "float32") / ops.cast(end - first, "float32")[:, None]
        return ops.cast(shares, dtype)

    def compute_output_shape(self, input_shape):
        batch, _, _, channels = input_shape
        return (batch, self.bins, self.bins, channels)

    def multiply_adds(self, input_shape):
        """Returns the multiply-adds of the two matrix products for one image."""
        _, rows, columns, channels = input_shape
        return channels * columns * self.bins * (rows + self.bins)

    def sampling_rule(self, grids, axis):
        return grids[0].gone()

    def get_config(self):
        return {**super().get_config(), "bins": self.bins}
