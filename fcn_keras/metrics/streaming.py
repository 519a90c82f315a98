"""Keras metrics that count pixels exactly inside the training step.

Every metric has a count of its own; the metrics of a step share the histogram of its pixels.
"""

import keras
import numpy as np
from keras import ops

from fcn_keras.checks import whole_number
from fcn_keras.ignore import ignored_values, plain_ignore_class, resolved_ignore_class
from fcn_keras.keras_internals import set_direction
from fcn_keras.metrics.confusion import outside_message, scores
from fcn_keras.metrics.counting import step_counts

_LIMB = 1 << 24


class _Confusion(keras.metrics.Metric):
    """The base of the metrics: a confusion matrix that grows with every update.

    Subclasses define `read`, the metric's value from the matrix. Void and labels out of range are
    counted too, so that no pixel is lost. The count consists of two int32 limbs of base 2**24, as
    JAX silently turns int64 into int32: it is exact up to 2**55 pixels, and the sum of the limbs
    of up to 127 replicas is still a count. One update takes up to 2**31 - 1 pixels.
    """

    def __init__(self, num_classes, ignore_class="auto", name=None, dtype=None):
        super().__init__(name=name or self.default_name, dtype=dtype)
        self.num_classes = whole_number("num_classes", num_classes)
        ignore_class = resolved_ignore_class(ignore_class, self.num_classes)
        self.ignore_class = plain_ignore_class(ignore_class)
        self.ignored = ignored_values(ignore_class)
        set_direction(self, "up")
        self.step = None
        shape = (self.num_classes + 2, self.num_classes + 1)
        self._low = self.add_variable(shape, "zeros", dtype="int32", name="low")
        self._high = self.add_variable(shape, "zeros", dtype="int32", name="high")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Counts a batch.

        Args:
            y_true: label maps (batch, height, width) or (batch, height, width, 1); or the classes
                that each pixel may have, (batch, height, width, classes), as weak labels have
                them: pixels with one class are counted, the others are void.
            y_pred: logits or probabilities (batch, height, width, classes), or label maps.
            sample_weight: must be None: pixels are counted, not weighted.

        Raises:
            ValueError: for shapes that do not fit, or with `sample_weight`.
        """
        if sample_weight is not None:
            raise ValueError(
                f"{type(self).__name__} counts pixels and takes no sample_weight. Pass it in "
                "`metrics`, not in `weighted_metrics`; mark pixels to leave out with a value of "
                f"`ignore_class`, here {self.ignore_class!r}."
            )
        counts = step_counts(self, y_true, y_pred)
        low = self._low + counts % _LIMB
        self._low.assign(low % _LIMB)
        self._high.assign(self._high + counts // _LIMB + low // _LIMB)

    def merge_state(self, metrics):
        """Adds the counts of other metrics with as many classes to this one."""
        for metric in metrics:
            if metric.num_classes != self.num_classes:
                raise ValueError(
                    f"Cannot merge a count of {metric.num_classes} classes into one of "
                    f"{self.num_classes}."
                )
            low = self._low + metric._low
            self._low.assign(low % _LIMB)
            self._high.assign(self._high + metric._high + low // _LIMB)

    def confusion(self):
        """Returns the exact count so far: NumPy int64 (C, C), rows are the truth.

        Raises:
            ValueError: if there were labels out of range.
        """
        low, high = (ops.convert_to_numpy(x).astype(np.int64) for x in (self._low, self._high))
        counts, n = high * _LIMB + low, self.num_classes
        for what, outside in (("truth", counts[n]), ("prediction", counts[:n, n])):
            if outside.any():
                raise ValueError(outside_message(what, "", outside.sum(), n, self.ignored))
        return counts[:n, :n]

    def scores(self):
        """Returns the exact `Scores` of `fcn_keras.metrics.scores`; raises as `confusion` does."""
        return scores(self.confusion(), self.ignore_class)

    def result(self):
        dtype = "float64" if self.dtype == "float64" else "float32"
        counts = ops.cast(self._high, dtype) * _LIMB + ops.cast(self._low, dtype)
        n = self.num_classes
        outside = ops.sum(counts[n]) + ops.sum(counts[:n, n])
        value = ops.where(outside > 0, float("nan"), self.read(counts[:n, :n]))
        return ops.cast(value, self.dtype)

    def read(self, confusion):
        """Returns the value of the metric from a float tensor (C, C)."""
        raise NotImplementedError

    def iou_and_presence(self, confusion):
        """Returns the IU of each class, 0 where absent, and which classes are present, bool."""
        right = ops.diagonal(confusion)
        union = ops.sum(confusion, axis=1) + ops.sum(confusion, axis=0) - right
        kept = [c not in self.ignored for c in range(self.num_classes)]
        present = ops.logical_and(union > 0, ops.convert_to_tensor(kept, dtype="bool"))
        return _ratio(right, union, 0.0), present

    def get_config(self):
        return {
            "num_classes": self.num_classes,
            "ignore_class": self.ignore_class,
            "name": self.name,
            "dtype": self.dtype,
        }


@keras.saving.register_keras_serializable("fcn_keras")
class PixelAccuracy(_Confusion):
    """Share of the counted pixels that are predicted right: sum_i n_ii / sum_i t_i.

    Arguments, inputs and what is raised are those of `MeanIoU`.

    Example:

    >>> metric = PixelAccuracy(num_classes=2)
    >>> metric.update_state([[[0, 0, 0, 1, 255]]], [[[0, 0, 1, 1, 1]]])
    >>> round(float(metric.result()), 4)  # 3 of 4
    0.75

    Source: Long, Shelhamer, Darrell, "Fully Convolutional Networks for Semantic Segmentation",
    section 5.
    """

    default_name = "pixel_accuracy"

    def read(self, confusion):
        return _ratio(ops.sum(ops.diagonal(confusion)), ops.sum(confusion), float("nan"))


@keras.saving.register_keras_serializable("fcn_keras")
class MeanAccuracy(_Confusion):
    """Mean of n_ii / t_i over the classes that truly occur.

    Arguments, inputs and what is raised are those of `MeanIoU`.

    Example:

    >>> metric = MeanAccuracy(num_classes=2)
    >>> metric.update_state([[[0, 0, 0, 1, 255]]], [[[0, 0, 1, 1, 1]]])
    >>> round(float(metric.result()), 4)  # (2/3 + 1/1) / 2
    0.8333

    Source: Long, Shelhamer, Darrell, "Fully Convolutional Networks for Semantic Segmentation",
    section 5.
    """

    default_name = "mean_accuracy"

    def read(self, confusion):
        truth = ops.sum(confusion, axis=1)
        return _mean(_ratio(ops.diagonal(confusion), truth, 0.0), truth > 0)


@keras.saving.register_keras_serializable("fcn_keras")
class MeanIoU(_Confusion):
    """Mean of the classes' IU, n_ii / (t_i + sum_j n_ji - n_ii), over the classes that occur.

    A class that is predicted but never true counts as 0; a class absent from both is left out.
    n_ij is the number of pixels of class i predicted as class j, t_i = sum_j n_ij.

    Args:
        num_classes: C, at least 1.
        ignore_class: value or values of the truth that are not counted, or None. An ignored class
            is left out of the means even if it was predicted.
        name: name of the metric; by default that of the class in small letters, `"mean_iou"`.
        dtype: dtype of the result, float32 by default, also under mixed precision.

    `update_state(y_true, y_pred)` takes label maps (batch, height, width) of whole numbers in
    any dtype, and logits or probabilities (batch, height, width, C) or label maps. A compiled
    step cannot raise: labels out of range make `result()` NaN until `reset_state()`;
    `confusion()` and `scores()`, which return exact NumPy values, raise with their number.
    Without counted pixels `result()` is NaN.

    Raises:
        ValueError: for a wrong `num_classes` or `ignore_class`, shapes that do not fit, or a
            `sample_weight`.

    Example:

    >>> metric = MeanIoU(num_classes=2)
    >>> metric.update_state([[[0, 0, 0, 1, 255]]], [[[0, 0, 1, 1, 1]]])
    >>> round(float(metric.result()), 4)  # (2/3 + 1/2) / 2
    0.5833

    Source: Long, Shelhamer, Darrell, "Fully Convolutional Networks for Semantic Segmentation",
    section 5.
    """

    default_name = "mean_iou"

    def read(self, confusion):
        return _mean(*self.iou_and_presence(confusion))


@keras.saving.register_keras_serializable("fcn_keras")
class FrequencyWeightedIoU(_Confusion):
    """IU of the classes weighted by their share of the truth: sum_i t_i IU_i / sum_i t_i.

    Arguments, inputs and what is raised are those of `MeanIoU`.

    Example:

    >>> metric = FrequencyWeightedIoU(num_classes=2)
    >>> metric.update_state([[[0, 0, 0, 1, 255]]], [[[0, 0, 1, 1, 1]]])
    >>> round(float(metric.result()), 4)  # (3 * 2/3 + 1 * 1/2) / 4
    0.625

    Source: Long, Shelhamer, Darrell, "Fully Convolutional Networks for Semantic Segmentation",
    section 5.
    """

    default_name = "frequency_weighted_iou"

    def read(self, confusion):
        truth = ops.sum(confusion, axis=1)
        iou, _ = self.iou_and_presence(confusion)
        return _ratio(ops.sum(truth * iou), ops.sum(truth), float("nan"))


@keras.saving.register_keras_serializable("fcn_keras")
class PerClassIoU(_Confusion):
    """IU of each class, shape (C,), NaN for a class absent from truth and predictions.

    Arguments, inputs and what is raised are those of `MeanIoU`.

    Example:

    >>> metric = PerClassIoU(num_classes=2)
    >>> metric.update_state([[[0, 0, 0, 1, 255]]], [[[0, 0, 1, 1, 1]]])
    >>> [round(float(iou), 4) for iou in metric.result()]
    [0.6667, 0.5]
    """

    default_name = "per_class_iou"

    def read(self, confusion):
        iou, present = self.iou_and_presence(confusion)
        return ops.where(present, iou, float("nan"))


@keras.saving.register_keras_serializable("fcn_keras")
class ConfusionMatrix(_Confusion):
    """The confusion matrix itself, shape (C, C); rows are the truth.

    `result()` is a tensor of floats, exact up to 2**24 pixels in each cell in float32;
    `confusion()` is exact, NumPy int64.

    Arguments, inputs and what is raised are those of `MeanIoU`.

    Example:

    >>> metric = ConfusionMatrix(num_classes=2)
    >>> metric.update_state([[[0, 0, 0, 1, 255]]], [[[0, 0, 1, 1, 1]]])
    >>> metric.confusion()
    array([[2, 1],
           [0, 1]])
    """

    default_name = "confusion_matrix"

    def read(self, confusion):
        return confusion


def segmentation(num_classes, ignore_class="auto", dtype=None):
    """Returns the field's four metrics for `model.compile(metrics=...)`; each step is counted once.

    Args:
        num_classes, ignore_class, dtype: as for each metric.

    Returns:
        A list: PixelAccuracy, MeanAccuracy, MeanIoU, FrequencyWeightedIoU. The first that is
        updated with the tensors of a step counts their pixels, and the others use its histogram.
        Each adds it to a count of its own, so that each is also right alone, on different outputs
        of a model, and after loading.

    Example:

    >>> [metric.name for metric in segmentation(num_classes=21)]
    ['pixel_accuracy', 'mean_accuracy', 'mean_iou', 'frequency_weighted_iou']
    """
    four = (PixelAccuracy, MeanAccuracy, MeanIoU, FrequencyWeightedIoU)
    return [metric(num_classes, ignore_class, dtype=dtype) for metric in four]


def _ratio(part, whole, otherwise):
    there = whole > 0
    return ops.where(there, part / ops.where(there, whole, 1.0), otherwise)


def _mean(values, present):
    present = ops.cast(present, values.dtype)
    return _ratio(ops.sum(values * present), ops.sum(present), float("nan"))
