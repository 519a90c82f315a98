"""BoundaryFMeasure: the best F of predicted boundaries, quick enough for training."""

import keras
import numpy as np
from keras import ops

from fcn_keras.checks import whole_number
from fcn_keras.keras_internals import set_direction
from fcn_keras.losses.class_balanced import boundary_target


@keras.saving.register_keras_serializable("fcn_keras")
class BoundaryFMeasure(keras.metrics.Metric):
    """The best F = 2 P R / (P + R) of boundaries over some thresholds, without thinning.

    At each threshold precision is the share of the predicted pixels with a true one within the
    tolerance, recall the share of the true pixels with a predicted one. Several may have the same
    partner, and thick boundaries cost nothing but precision, so that the value is above that of
    `boundary_benchmark`; it tells epochs apart in a hundredth of the time.

    Args:
        tolerance: pixels to each side, in rows and columns.
        thresholds: number of thresholds, k / (thresholds + 1).
        name: name of the metric, "boundary_f" by default.
        dtype: dtype of the result, float32 by default.

    `update_state(y_true, y_pred, sample_weight=None)` takes shares of annotators (batch, height,
    width), which are boundaries from 0.5 on, NaN where they are not known; and logits (batch,
    height, width, channels), of which the first counts. Weights are (batch,). With nothing to be
    found `result()` is 0.

    Raises:
        ValueError: for shapes that do not fit.

    Example:

    >>> metric = BoundaryFMeasure(tolerance=1)
    >>> metric.update_state([[[1.0, 0.0, 0.0, 0.0]]], [[[[-9.0], [9.0], [-9.0], [9.0]]]])
    >>> round(float(metric.result()), 4)  # P = 1/2, R = 1
    0.6667
    """

    def __init__(self, tolerance=4, thresholds=19, name="boundary_f", dtype=None):
        super().__init__(name=name, dtype=dtype)
        set_direction(self, "up")
        self.tolerance = whole_number("tolerance", tolerance, 0)
        self.thresholds = whole_number("thresholds", thresholds)
        self._counts = self.add_variable((self.thresholds, 4), "zeros", name="counts")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch."""
        y_pred = ops.convert_to_tensor(y_pred)
        target = boundary_target(y_true, y_pred, type(self).__name__)
        known = ops.cast(ops.logical_not(ops.isnan(target)), "float32")
        if sample_weight is not None:
            known = known * ops.reshape(ops.cast(sample_weight, "float32"), (-1, 1, 1))
        true = ops.cast(target >= 0.5, "float32")
        probabilities = ops.sigmoid(ops.cast(y_pred, "float32")[..., 0]) * ops.sign(known)
        near_true, near_predicted = self._around(true), self._around(probabilities)
        rows = []
        for threshold in np.arange(1, self.thresholds + 1) / (self.thresholds + 1):
            predicted = ops.cast(probabilities >= threshold, "float32") * known
            found = ops.cast(near_predicted >= threshold, "float32") * true * known
            parts = found, true * known, predicted * near_true, predicted
            rows.append(ops.stack([ops.sum(part) for part in parts]))
        self._counts.assign_add(ops.cast(ops.stack(rows), self._counts.dtype))

    def result(self):
        """Returns the best F, a scalar."""
        counts = ops.convert_to_tensor(self._counts)
        recall = counts[:, 0] / ops.maximum(counts[:, 1], 1.0)
        precision = counts[:, 2] / ops.maximum(counts[:, 3], 1.0)
        total = precision + recall
        return ops.max(2 * precision * recall / ops.where(total > 0, total, 1.0))

    def _around(self, maps):
        """The largest value within the tolerance of each pixel."""
        side = 2 * self.tolerance + 1
        pooled = ops.max_pool(
            ops.expand_dims(maps, -1), side, 1, "same", data_format="channels_last"
        )
        return ops.squeeze(pooled, -1)

    def get_config(self):
        return {
            "tolerance": self.tolerance,
            "thresholds": self.thresholds,
            "name": self.name,
            "dtype": self.dtype,
        }
