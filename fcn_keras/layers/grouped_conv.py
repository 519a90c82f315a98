"""A grouped convolution, computed as one convolution per group: AlexNet's conv2, conv4, conv5."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("fcn_keras")
class GroupedConv2D(keras.layers.Conv2D):
    """Computes `Conv2D` with `groups` as one convolution per group: same weights, same numbers.

    Keras has XLA compile a grouped convolution on TensorFlow, anew for every new size of the map,
    and exports contain that compiled function. With AlexNet's two groups, splitting and
    concatenating takes less than half of its time on a CPU, at any size.

    Args:
        filters, kernel_size, groups, ...: As `keras.layers.Conv2D`.

    Input shape: (batch, H, W, channels), channels a multiple of `groups`. Output:
    (batch, h, w, filters), as `keras.layers.Conv2D`.

    Raises:
        ValueError: as `keras.layers.Conv2D`, where `groups` does not divide filters or channels.

    Example:

    ```python
    conv2 = fcn_keras.layers.GroupedConv2D(16, 5, padding="same", groups=2)
    conv2(keras.ops.ones((1, 27, 27, 6))).shape         # (1, 27, 27, 16)
    ```

    Source: Krizhevsky, Sutskever, Hinton (2012), section 3.2.
    """

    def convolution_op(self, inputs, kernel):
        if self.groups == 1:
            return super().convolution_op(inputs, kernel)
        if self.groups == self._channels(inputs) and len({*self.strides}) == 1:
            return self._depthwise(inputs, kernel)
        axis = -1 if self.data_format == "channels_last" else 1
        parts = [
            super(GroupedConv2D, self).convolution_op(part, filters)
            for part, filters in zip(
                ops.split(inputs, self.groups, axis=axis),
                ops.split(kernel, self.groups, axis=-1),
                strict=True,
            )
        ]
        return ops.concatenate(parts, axis=axis)

    def _depthwise(self, inputs, kernel):
        filters = kernel.shape[-1] // self.groups
        return ops.depthwise_conv(
            inputs,
            ops.reshape(kernel, (*self.kernel_size, self.groups, filters)),
            strides=self.strides[0],
            padding=self.padding,
            data_format=self.data_format,
            dilation_rate=self.dilation_rate,
        )

    def _channels(self, inputs):
        return inputs.shape[-1 if self.data_format == "channels_last" else 1]
