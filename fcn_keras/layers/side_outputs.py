"""Outputs of other levels of a net, which its loss compares in training and nobody needs later."""

import keras
from keras import ops

from fcn_keras.geometry.protocol import SpatialLayer


@keras.saving.register_keras_serializable("fcn_keras")
class SideOutputs(SpatialLayer, keras.layers.Layer):
    """Adds the maps of coarser levels to the channels of an output, in training alone.

    Called on `[output, *sides]`. In inference it returns the output as it is. In training each
    cell of a side is repeated over the pixels that it stands for, and all channels are joined, so
    that a loss finds a level of factor f in every f-th pixel. Always float32.

    Args:
        factors: Pixels of the output for one cell of each side, along each axis.

    Input shapes: (batch, H, W, channels) and, for each factor f, a map of at least H / f and W / f
    cells. Output: (batch, H, W, channels); in training (batch, H, W, channels of all).

    Example:

    ```python
    join = fcn_keras.layers.SideOutputs((4,))
    maps = [keras.ops.ones((1, 8, 8, 2)), keras.ops.ones((1, 2, 2, 2))]
    join(maps).shape, join(maps, training=True).shape       # (1, 8, 8, 2), (1, 8, 8, 4)
    ```
    """

    def __init__(self, factors, **kwargs):
        kwargs["dtype"] = "float32"
        kwargs["autocast"] = False
        super().__init__(**kwargs)
        self.factors = tuple(int(factor) for factor in factors)

    def call(self, inputs, training=None):
        output, *sides = inputs
        if not training:
            return output
        rows, columns = ops.shape(output)[1:3]
        maps = [output]
        for side, factor in zip(sides, self.factors, strict=True):
            side = ops.repeat(ops.repeat(side, factor, axis=1), factor, axis=2)
            maps.append(ops.cast(side[:, :rows, :columns], output.dtype))
        return ops.concatenate(maps, axis=-1)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[0])

    def get_config(self):
        config = {**super().get_config(), "factors": self.factors}
        config.pop("autocast", None)
        return config
