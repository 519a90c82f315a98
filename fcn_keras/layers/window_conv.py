"""A convolution with a large window over a small map, computed as a matrix product."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("fcn_keras")
class WindowConv2D(keras.layers.Conv2D):
    """Computes `Conv2D` for fc6 as one matrix product: same weights, same numbers.

    A direct convolution reads VGG's 411 MB of fc6 anew for every few cells of its 16x16 map; a
    matrix product reads them once. The patches are 7 x 7 times as large as the map, smaller than
    the output of VGG's first convolution. Stride 1, no dilation, no groups.

    Args:
        filters, kernel_size, padding, activation, ...: As `keras.layers.Conv2D`.

    Input shape: (batch, H, W, channels). Output: (batch, H, W, filters) for padding "same", else
    (batch, H - rows + 1, W - columns + 1, filters).

    Raises:
        ValueError: for strides, dilation or groups other than 1.

    Example:

    ```python
    fcn_keras.layers.WindowConv2D(64, 7, padding="same")(keras.ops.ones((1, 16, 16, 128)))
    ```

    Source: Long et al. (2015), section 3.1: fc6 as a 7x7 convolution.
    """

    def __init__(self, filters, kernel_size, **kwargs):
        super().__init__(filters, kernel_size, **kwargs)
        plain = {*self.strides, *self.dilation_rate, self.groups} == {1}
        if not plain or self.data_format != "channels_last":
            raise ValueError(
                f"{self.name}: strides {self.strides}, dilation {self.dilation_rate}, groups "
                f"{self.groups} and {self.data_format}: only 1, 1, 1 and channels_last work."
            )

    def call(self, x):
        rows, columns = self.kernel_size
        if self.padding == "same":
            x = ops.pad(x, [[0, 0], *(_around(n) for n in (rows, columns)), [0, 0]])
        shape = ops.shape(x)
        tall, wide = shape[1] - rows + 1, shape[2] - columns + 1
        patches = ops.concatenate(
            [x[:, i : i + tall, j : j + wide] for i in range(rows) for j in range(columns)], axis=-1
        )
        result = ops.matmul(patches, ops.reshape(self.kernel, (-1, self.filters)))
        if self.use_bias:
            result = result + self.bias
        return self.activation(result)


def _around(window):
    return [(window - 1) // 2, window // 2]
