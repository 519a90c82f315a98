"""The classifiers' own preprocessing, as a layer inside the graph."""

import keras
import numpy as np
from keras import ops

# Means and deviations of ImageNet as keras.applications.imagenet_utils uses them.
_CAFFE_MEAN_BGR = (103.939, 116.779, 123.68)
_TORCH_MEAN = (0.485, 0.456, 0.406)
_TORCH_STD = (0.229, 0.224, 0.225)
MODES = ("tf", "caffe", "torch")


@keras.saving.register_keras_serializable("fcn_keras")
class Preprocess(keras.layers.Layer):
    """Turns RGB values of 0-255 into what an ImageNet classifier was trained on.

    Args:
        mode: "caffe" (VGG, ResNet v1): BGR, ImageNet mean subtracted. "tf" (MobileNet, Xception,
            Inception): scaled to -1..1. "torch" (DenseNet): scaled to 0..1, then ImageNet mean
            and deviation. As `keras.applications.imagenet_utils.preprocess_input`.

    Input shape: (batch, H, W, channels), 0-255. Output: the same shape, float. "caffe" and
    "torch" need three channels; "tf" takes any number.

    Raises:
        ValueError: for an unknown mode, or channels that the mode's means do not fit.

    Example:

    ```python
    fcn_keras.layers.Preprocess("caffe")(keras.ops.zeros((1, 4, 4, 3)))
    ```
    """

    def __init__(self, mode, **kwargs):
        super().__init__(**kwargs)
        if mode not in MODES:
            raise ValueError(f"`mode` must be one of {', '.join(MODES)}, got {mode!r}.")
        self.mode = mode

    def build(self, input_shape):
        if self.mode != "tf" and input_shape[-1] != 3:
            raise ValueError(
                f"Preprocessing {self.mode!r} subtracts the means of three colours, but the input "
                f"has {input_shape[-1]} channels. Pass preprocess='tf', a layer, or None."
            )
        super().build(input_shape)

    def call(self, x):
        if self.mode == "tf":
            return x / 127.5 - 1.0
        if self.mode == "caffe":
            return x[..., ::-1] - ops.cast(np.array(_CAFFE_MEAN_BGR), x.dtype)
        scale = 1 / (255 * np.array(_TORCH_STD))
        shift = np.array(_TORCH_MEAN) / np.array(_TORCH_STD)
        return x * ops.cast(scale, x.dtype) - ops.cast(shift, x.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def sampling_rule(self, grids, axis):
        return grids[0]

    def get_config(self):
        return {**super().get_config(), "mode": self.mode}
