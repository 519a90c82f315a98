"""Padding by the values at the border, so that an upsampled constant stays constant."""

import keras
from keras import ops

from fcn_keras.geometry.protocol import SpatialLayer


@keras.saving.register_keras_serializable("fcn_keras")
class EdgePadding2D(SpatialLayer, keras.layers.Layer):
    """Pads a map by repeating its first and last rows and columns.

    Args:
        padding: ((top, bottom), (left, right)), in cells.

    Input shape: (batch, H, W, channels). Output: (batch, top + H + bottom, left + W + right,
    channels).

    Example:

    ```python
    fcn_keras.layers.EdgePadding2D(((1, 1), (1, 0)))(keras.ops.ones((1, 2, 2, 3))).shape
    ```
    """

    def __init__(self, padding, **kwargs):
        super().__init__(**kwargs)
        self.padding = tuple(tuple(int(n) for n in pair) for pair in padding)

    def call(self, x):
        (top, bottom), (left, right) = self.padding
        rows = [x[:, :1]] * top + [x] + [x[:, -1:]] * bottom
        x = ops.concatenate(rows, axis=1) if len(rows) > 1 else x
        columns = [x[:, :, :1]] * left + [x] + [x[:, :, -1:]] * right
        return ops.concatenate(columns, axis=2) if len(columns) > 1 else x

    def compute_output_shape(self, input_shape):
        batch, rows, columns, channels = input_shape
        (top, bottom), (left, right) = self.padding
        rows = None if rows is None else top + rows + bottom
        columns = None if columns is None else left + columns + right
        return (batch, rows, columns, channels)

    pads = True

    def sampling_rule(self, grids, axis):
        return grids[0].shifted(-self.padding[axis][0])

    def get_config(self):
        return {**super().get_config(), "padding": self.padding}
