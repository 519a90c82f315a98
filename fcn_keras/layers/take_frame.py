"""One of several frames that an image holds, one after the other in its channels."""

import keras

from fcn_keras.checks import whole_number
from fcn_keras.geometry.protocol import SpatialLayer


@keras.saving.register_keras_serializable("fcn_keras")
class TakeFrame(SpatialLayer, keras.layers.Layer):
    """Takes the channels of one frame.

    Args:
        number: Number of the frame, from 0.
        frames: How many frames the image holds.

    Input shape: (batch, H, W, channels). Output: (batch, H, W, channels / frames).

    Raises:
        ValueError: for a number beyond the frames, or channels that they do not share evenly.

    Example:

    ```python
    fcn_keras.layers.TakeFrame(1)(keras.ops.ones((1, 4, 5, 6))).shape       # (1, 4, 5, 3)
    ```
    """

    def __init__(self, number, frames=2, **kwargs):
        super().__init__(**kwargs)
        self.frames = whole_number("frames", frames)
        self.number = whole_number("number", number, 0, self.frames - 1)

    def build(self, input_shape):
        if input_shape[-1] % self.frames:
            raise ValueError(
                f"{self.name}: {self.frames} frames do not share {input_shape[-1]} channels evenly."
            )
        super().build(input_shape)

    def call(self, x):
        channels = x.shape[-1] // self.frames
        return x[..., self.number * channels : (self.number + 1) * channels]

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] // self.frames)

    def get_config(self):
        return {**super().get_config(), "number": self.number, "frames": self.frames}
