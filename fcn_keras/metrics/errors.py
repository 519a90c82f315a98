"""Keras metrics of predicted values: mean absolute and root mean squared error, NaN left out."""

import keras
from keras import ops

from fcn_keras.checks import one_of
from fcn_keras.keras_internals import set_direction
from fcn_keras.losses.differences import SPACES, differences, of_pixels


class PixelMean(keras.metrics.Metric):
    """A mean over all pixels that are known; subclasses say of what, in `values_of`."""

    direction = "down"

    def __init__(self, name=None, dtype=None):
        super().__init__(name=name or self.default_name, dtype=dtype)
        set_direction(self, self.direction)
        self._total = self.add_variable((), "zeros", name="total")
        self._count = self.add_variable((), "zeros", name="count")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch.

        Args:
            y_true: values (batch, height, width) or (batch, height, width, channels), float;
                pixels with NaN in any channel are left out.
            y_pred: outputs (batch, height, width, channels), any float dtype.
            sample_weight: None, or weights (batch,) or (batch, height, width) of the mean.

        Raises:
            ValueError: for shapes that do not fit.
        """
        values, known = self.values_of(y_true, y_pred)
        weights = self.weights_of(known)
        if sample_weight is not None:
            weights = weights * ops.cast(of_pixels(sample_weight), "float32")
        self._total.assign_add(ops.cast(ops.sum(values * weights), self._total.dtype))
        self._count.assign_add(ops.cast(ops.sum(weights), self._count.dtype))

    def values_of(self, y_true, y_pred):
        """Returns what is averaged, finite, and which pixels are known: (batch, height, width)."""
        raise NotImplementedError

    def weights_of(self, known):
        """Returns the weight of each pixel in the mean, float32 (batch, height, width)."""
        return ops.cast(known, "float32")

    def result(self):
        """Returns the mean, a scalar; NaN where nothing was counted."""
        total, count = (ops.convert_to_tensor(x) for x in (self._total, self._count))
        mean = total / ops.where(count > 0, count, 1.0)
        return ops.where(count > 0, mean, float("nan"))

    def get_config(self):
        return {"name": self.name, "dtype": self.dtype}


class _Error(PixelMean):
    """A mean of differences of outputs and targets; subclasses say of what of them."""

    def __init__(self, space="values", name=None, dtype=None):
        super().__init__(name, dtype)
        self.space = one_of("space", space, SPACES)

    def values_of(self, y_true, y_pred):
        difference, known = differences(y_true, y_pred, type(self).__name__, self.space)
        return ops.mean(self.of_differences(difference), axis=-1), known

    def of_differences(self, difference):
        """Returns what is averaged, a tensor of the same shape."""
        raise NotImplementedError

    def get_config(self):
        return {"space": self.space, **super().get_config()}


@keras.saving.register_keras_serializable("fcn_keras")
class MeanAbsoluteError(_Error):
    """Mean absolute error of predicted values over the pixels that are known.

    Args:
        space: "values" compares outputs with targets. For a net of log depth: "depth", exp(output)
            with the target; "log_depth", the output with the target's logarithm.
        name: name of the metric, "mean_absolute_error" by default.
        dtype: dtype of the result, float32 by default.

    `update_state(y_true, y_pred, sample_weight=None)` takes values (batch, height, width) or
    (batch, height, width, channels) and outputs (batch, height, width, channels). Pixels with NaN
    in any channel of the truth are left out; `keras.metrics.MeanAbsoluteError` becomes NaN there.
    With nothing counted `result()` is NaN.

    Raises:
        ValueError: for shapes that do not fit, or another `space`.

    Example:

    >>> metric = MeanAbsoluteError()
    >>> metric.update_state([[[1.0, 2.0, float("nan")]]], [[[[1.5], [2.0], [9.0]]]])
    >>> float(metric.result())  # (0.5 + 0) / 2
    0.25
    """

    default_name = "mean_absolute_error"

    def of_differences(self, difference):
        return ops.abs(difference)


@keras.saving.register_keras_serializable("fcn_keras")
class RootMeanSquaredError(_Error):
    """Root mean squared error of predicted values over the pixels that are known.

    Arguments, inputs and what is raised are those of `MeanAbsoluteError`.

    Example:

    >>> metric = RootMeanSquaredError()
    >>> metric.update_state([[[1.0, 2.0, float("nan")]]], [[[[4.0], [6.0], [9.0]]]])
    >>> round(float(metric.result()), 4)  # sqrt((9 + 16) / 2)
    3.5355
    """

    default_name = "root_mean_squared_error"

    def of_differences(self, difference):
        return ops.square(difference)

    def result(self):
        """Returns the root of the mean, a scalar; NaN where nothing was counted."""
        return ops.sqrt(super().result())
