"""Local response normalization across channels, of AlexNet and GoogLeNet, on every backend."""

import keras
import numpy as np
from keras import ops

from fcn_keras.checks import whole_number
from fcn_keras.geometry.protocol import SpatialLayer


@keras.saving.register_keras_serializable("fcn_keras")
class LocalResponseNormalization(SpatialLayer, keras.layers.Layer):
    """Normalizes each value by the squares of its neighbours in the channels.

    `y[c] = x[c] / (bias + alpha * sum of x[c - r]**2 ... x[c + r]**2) ** beta`, channels outside
    the map counting as zero: arguments and numbers of `tf.nn.local_response_normalization`.
    Computed in float32 at least, so that squares do not overflow under mixed precision.

    The sums are one product with a banded matrix, a tenth of the time that shifted slices and
    their gradient take on a CPU; the power -0.75 of both nets is two square roots, a third of the
    time of a general power.

    Args:
        depth_radius: r, an int of at least 0; the window is 2 r + 1 channels.
        bias: Float; keep it positive, so that channels of zeros do not divide by zero.
        alpha: Float. Caffe divides its own by the window: its 1e-4 with `local_size: 5` is
            alpha=2e-5 with depth_radius=2.
        beta: Float.

    Input shape: (..., channels), usually (batch, H, W, channels), float. Output: the same.

    Raises:
        ValueError: for a `depth_radius` that is not a whole number of at least 0.

    Example:

    ```python
    norm1 = fcn_keras.layers.LocalResponseNormalization(depth_radius=2, alpha=2e-5, beta=0.75)
    norm1(keras.ops.ones((1, 27, 27, 96))).shape      # (1, 27, 27, 96)
    ```

    Source: Krizhevsky, Sutskever, Hinton (2012), section 3.3.
    """

    def __init__(self, depth_radius=5, bias=1.0, alpha=1.0, beta=0.5, **kwargs):
        super().__init__(**kwargs)
        self.depth_radius = whole_number("depth_radius", depth_radius, 0)
        self.bias = float(bias)
        self.alpha = float(alpha)
        self.beta = float(beta)

    def call(self, x):
        wide = ops.cast(x, keras.backend.result_type(x.dtype, "float32"))
        places = np.arange(x.shape[-1])
        near = np.abs(places[:, None] - places) <= self.depth_radius
        total = ops.matmul(ops.square(wide), ops.cast(near, wide.dtype))
        return ops.cast(wide * self._power(self.bias + self.alpha * total), x.dtype)

    def _power(self, base):
        """base ** -beta."""
        if self.beta == 0.75:
            root = ops.rsqrt(base)
            return root * ops.sqrt(root)
        return ops.rsqrt(base) if self.beta == 0.5 else ops.power(base, -self.beta)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "depth_radius": self.depth_radius,
            "bias": self.bias,
            "alpha": self.alpha,
            "beta": self.beta,
        }
