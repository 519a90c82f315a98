"""Padding of an image to a size that every stride of a net divides."""

import keras
from keras import ops

from fcn_keras.geometry.protocol import SpatialLayer


@keras.saving.register_keras_serializable("fcn_keras")
class PadToMultiple(SpatialLayer, keras.layers.Layer):
    """Pads with zeros at the bottom and right to a multiple of a stride.

    Every tensor of the net after it then samples the image at a constant offset: SAME
    convolutions pad differently for sizes that their stride does not divide.

    Args:
        multiple: The net's deepest stride, in pixels.
        minimum: Smallest size that the net takes, in pixels.

    Input shape: (batch, H, W, channels), any H and W from 1. Output: the same with H and W raised
    to the next multiple that is at least `minimum`.

    Example:

    ```python
    fcn_keras.layers.PadToMultiple(32)(keras.ops.ones((1, 97, 131, 3))).shape  # (1, 128, 160, 3)
    ```
    """

    def __init__(self, multiple, minimum=1, **kwargs):
        super().__init__(**kwargs)
        self.multiple = int(multiple)
        self.minimum = int(minimum)

    def _padded(self, size):
        cells = -(-size // self.multiple)
        least = -(-self.minimum // self.multiple)
        if isinstance(size, int):
            return max(cells, least) * self.multiple
        return ops.maximum(cells, least) * self.multiple

    def call(self, x):
        rows, columns = ops.shape(x)[1:3]
        below, right = self._padded(rows) - rows, self._padded(columns) - columns
        if isinstance(below, int) and isinstance(right, int) and below == right == 0:
            return x
        padded = ops.pad(x, [[0, 0], [0, below], [0, right], [0, 0]])
        if isinstance(below, int) and isinstance(right, int) or x.shape[-1] is None:
            return padded
        # TFLite's converter forgets the number of channels at a padding that depends on the image,
        # and refuses the next convolution; a reshape says it again.
        return ops.reshape(padded, (-1, rows + below, columns + right, x.shape[-1]))

    def compute_output_shape(self, input_shape):
        batch, rows, columns, channels = input_shape
        rows, columns = (None if n is None else self._padded(n) for n in (rows, columns))
        return (batch, rows, columns, channels)

    pads = True

    def get_config(self):
        return {**super().get_config(), "multiple": self.multiple, "minimum": self.minimum}
