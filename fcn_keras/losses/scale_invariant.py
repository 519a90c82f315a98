"""ScaleInvariantLog: the loss of log depth that forgives a common factor, in part."""

import keras
from keras import ops

from fcn_keras.checks import number
from fcn_keras.losses.base import averaged
from fcn_keras.losses.differences import differences


@keras.saving.register_keras_serializable("fcn_keras")
class ScaleInvariantLog(keras.losses.Loss):
    """The scale-invariant error of log depth, with the squared differences of its gradients.

    With d = output - log(target) of the n known pixels of an image:

        mean(d²) - scale * mean(d)² + gradients * (mean((d_right - d)²) + mean((d_below - d)²))

    The last two are means over the pairs of neighbours of which both are known. The loss is the
    mean over the images with a known pixel, 0 without any. Known are finite targets above 0.
    Computed in float32, also under mixed precision.

    Args:
        scale: share of the mean error that is forgiven, 0 to 1: 0 is the mean squared error of
            log depth, 1 ignores a factor common to all depths of an image.
        gradients: weight of the differences between neighbours; the paper of 2014 has 0, that of
            2015 has 1.
        name: name of the loss.

    Call arguments:
        y_true: depths (batch, height, width) or (batch, height, width, 1).
        y_pred: log depths (batch, height, width, 1), any float dtype.
        sample_weight: optional, (batch,).

    Raises:
        ValueError: for shapes that do not fit, or weights beyond their limits.

    Example:

    >>> loss = ScaleInvariantLog(gradients=0)
    >>> target = np.array([[[1.0, 1.0, np.nan]]], "float32")
    >>> output = np.array([[[[0.0], [2.0], [9.0]]]], "float32")
    >>> float(loss(target, output))  # (0 + 4) / 2 - 0.5 * 1²
    1.5

    Source: Eigen, Puhrsch, Fergus (2014), section 3.2; Eigen, Fergus (2015), "Predicting Depth,
    Surface Normals and Semantic Labels with a Common Multi-Scale Convolutional Architecture",
    section 4.1.
    """

    tasks = ("depth",)  # kinds of the tasks that it is for

    def __init__(self, scale=0.5, gradients=1.0, name="scale_invariant_log"):
        super().__init__(name=name, dtype="float32")
        self.scale = number("scale", scale, 0, 1)
        self.gradients = number("gradients", gradients)

    def call(self, y_true, y_pred):
        difference, known = differences(y_true, y_pred, type(self).__name__, "log_depth")
        if difference.shape[-1] != 1:
            raise ValueError(
                "ScaleInvariantLog takes log depths (batch, height, width, 1), got outputs of "
                f"shape {tuple(y_pred.shape)}."
            )
        d, known = difference[..., 0], ops.cast(known, "float32")
        loss = _mean(ops.square(d), known) - self.scale * ops.square(_mean(d, known))
        if self.gradients:
            pairs = zip(_neighbours(d), _neighbours(known), strict=True)
            for (first, second), (one, other) in pairs:
                loss = loss + self.gradients * _mean(ops.square(second - first), one * other)
        return averaged(loss, ops.cast(ops.any(known > 0, axis=(1, 2)), "float32"))

    def get_config(self):
        return {"scale": self.scale, "gradients": self.gradients, "name": self.name}


def _mean(values, weights):
    """The mean of each image, (batch,); 0 where all weights are."""
    return ops.sum(values * weights, (1, 2)) / ops.maximum(ops.sum(weights, (1, 2)), 1.0)


def _neighbours(x):
    """Each pixel with its right neighbour, and with the one below."""
    return (x[:, :, :-1], x[:, :, 1:]), (x[:, :-1], x[:, 1:])
