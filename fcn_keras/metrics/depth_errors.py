"""Keras metrics of nets of log depth: relative errors, and how many pixels are within a factor."""

import keras
from keras import ops

from fcn_keras.checks import number
from fcn_keras.losses.differences import differences
from fcn_keras.metrics.errors import PixelMean


@keras.saving.register_keras_serializable("fcn_keras")
class AbsoluteRelativeError(PixelMean):
    """Mean of |depth - truth| / truth over all pixels with a depth, of a net of log depth.

    Args:
        name: name of the metric, "absolute_relative_error" by default.
        dtype: dtype of the result, float32 by default.

    `update_state(y_true, y_pred, sample_weight=None)` takes depths (batch, height, width) or
    (batch, height, width, 1) and log depths (batch, height, width, 1). Known are finite truths
    above 0. With nothing counted `result()` is NaN.

    Raises:
        ValueError: for shapes that do not fit.

    Example:

    >>> metric = AbsoluteRelativeError()
    >>> metric.update_state([[[2.0, 4.0, float("nan")]]], [[[[0.0], [0.0], [9.0]]]])
    >>> float(metric.result())  # (1 / 2 + 3 / 4) / 2
    0.625
    """

    default_name = "absolute_relative_error"

    def values_of(self, y_true, y_pred):
        difference, known = differences(y_true, y_pred, type(self).__name__, "log_depth")
        return ops.mean(ops.abs(ops.exp(difference) - 1), axis=-1), known


@keras.saving.register_keras_serializable("fcn_keras")
class ThresholdAccuracy(PixelMean):
    """Share of the pixels whose depth and truth differ by less than a factor; "delta" in papers.

    Arguments, inputs and what is raised are those of `AbsoluteRelativeError`.

    Args:
        factor: the factor: 1.25, or 1.25² or 1.25³.

    Example:

    >>> metric = ThresholdAccuracy()
    >>> metric.update_state([[[1.0, 1.3, 0.7]]], [[[[0.0], [0.0], [0.0]]]])
    >>> round(float(metric.result()), 4)
    0.3333
    """

    default_name = "threshold_accuracy"
    direction = "up"

    def __init__(self, factor=1.25, name=None, dtype=None):
        super().__init__(name, dtype)
        self.factor = number("factor", factor, 1)

    def values_of(self, y_true, y_pred):
        difference, known = differences(y_true, y_pred, type(self).__name__, "log_depth")
        within = ops.exp(ops.abs(difference)) < self.factor
        return ops.mean(ops.cast(within, "float32"), axis=-1), known

    def get_config(self):
        return {"factor": self.factor, **super().get_config()}
