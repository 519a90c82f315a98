"""The preprocessing of ImageNet classifiers, as a layer inside the graph."""

import keras
import numpy as np
from keras import ops

from fcn_keras.checks import one_of
from fcn_keras.geometry.protocol import SpatialLayer

# Means and deviations of ImageNet as keras.applications.imagenet_utils uses them.
_CAFFE_MEAN_BGR = (103.939, 116.779, 123.68)
_TORCH_MEAN = (0.485, 0.456, 0.406)
_TORCH_STD = (0.229, 0.224, 0.225)
MODES = ("tf", "caffe", "torch", "lite", "mean")
TAKE_MEAN = ("caffe", "mean")


@keras.saving.register_keras_serializable("fcn_keras")
class Preprocess(SpatialLayer, keras.layers.Layer):
    """Turns RGB values of 0-255 into the values that an ImageNet classifier was trained on.

    Args:
        mode: "caffe" (VGG, ResNet v1): BGR, ImageNet mean subtracted. "tf" (MobileNet, Xception,
            Inception): scaled to -1..1. "torch" (DenseNet): scaled to 0..1, then ImageNet mean
            and deviation. As `keras.applications.imagenet_utils.preprocess_input`. "lite"
            (EfficientNet-Lite): (x - 127) / 128. "mean": `mean` is subtracted, nothing else.
        mean: One value per channel, subtracted instead of ImageNet's, in the order of the
            output: blue, green, red for "caffe". Needed for "mean", refused by the others.

    Input shape: (batch, H, W, channels), 0-255. Output: the same shape, float. Channels after
    red, green and blue (depth, infrared) keep their place; without `mean` they are scaled with
    the average of the colours' constants.

    Raises:
        ValueError: for an unknown mode, or channels that the mode's means do not fit.

    Example:

    ```python
    fcn_keras.layers.Preprocess("caffe")(keras.ops.zeros((1, 4, 4, 3)))
    fcn_keras.layers.Preprocess("mean", mean=(132.4, 94.1, 118.5))(keras.ops.zeros((1, 4, 4, 3)))
    ```
    """

    def __init__(self, mode, mean=None, **kwargs):
        super().__init__(**kwargs)
        one_of("mode", mode, MODES)
        if (mode == "mean") > (mean is not None) or (mean is not None and mode not in TAKE_MEAN):
            raise ValueError(
                "`mean` is needed for mode 'mean', allowed for 'caffe', not used by others; got "
                f"mode {mode!r} with mean={mean!r}."
            )
        self.mode = mode
        self.mean = None if mean is None else tuple(float(value) for value in mean)

    def build(self, input_shape):
        channels = input_shape[-1]
        if self.mean is not None and len(self.mean) != channels:
            raise ValueError(
                f"{self.name}: one mean per channel is needed, got {len(self.mean)} for "
                f"{channels} channels."
            )
        if self.mode in ("caffe", "torch") and channels < 3:
            raise ValueError(
                f"Preprocessing {self.mode!r} takes red, green and blue, but the input has "
                f"{channels} channels. Pass preprocess='tf', a layer, or None."
            )
        super().build(input_shape)

    def call(self, x):
        channels = x.shape[-1]
        if self.mode == "tf":
            return x / 127.5 - 1.0
        if self.mode == "lite":
            return (x - 127.0) / 128.0
        if self.mode == "torch":
            mean, deviation = _for(channels, _TORCH_MEAN), _for(channels, _TORCH_STD)
            scale, shift = 1 / (255 * deviation), mean / deviation
            return x * ops.cast(scale, x.dtype) - ops.cast(shift, x.dtype)
        if self.mode == "caffe":
            x = x[..., ::-1] if channels == 3 else _colours_reversed(x)
        mean = np.array(self.mean) if self.mean else _for(channels, _CAFFE_MEAN_BGR)
        return x - ops.cast(mean, x.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "mode": self.mode, "mean": self.mean}


def _for(channels, colours):
    """Constants of three colours, and their average for each further channel."""
    return np.array([*colours, *[np.mean(colours)] * (channels - 3)])


def _colours_reversed(x):
    return ops.concatenate([x[..., 2::-1], x[..., 3:]], axis=-1)
