"""LabelLoss, the base of losses of label maps: ignored values, labels out of range, class weights.

Subclasses receive whole labels, a mask of the pixels that count, and float32 logits.
"""

import keras
import numpy as np
from keras import ops

from fcn_keras.ignore import ignored_values, plain_ignore_class, resolved_ignore_class


class LabelLoss(keras.losses.Loss):
    """A loss of label maps and logits; subclasses define `values(labels, counted, logits)`."""

    tasks = ("classes",)  # kinds of the tasks that it is for

    def __init__(self, ignore_class, class_weights, name, reduction="sum_over_batch_size"):
        super().__init__(name=name, reduction=reduction, dtype="float32")
        self.ignore_class = plain_ignore_class(ignore_class)
        self.class_weights = _checked_weights(class_weights)

    def call(self, y_true, y_pred):
        labels, counted, outside = self.read(y_true, y_pred)
        values = self.values(labels, counted, ops.cast(y_pred, "float32"))
        return values + ops.cast(ops.where(outside, float("nan"), 0.0), values.dtype)

    def read(self, y_true, y_pred):
        """Returns the labels, which pixels count, and whether any label is out of range.

        Args:
            y_true: labels (batch, height, width) or (batch, height, width, 1), float32.
            y_pred: logits (batch, height, width, classes).

        Returns:
            int32 (batch, height, width), -1 where a label is no whole number; bool of the same
            shape, False for void and for labels out of range; a bool scalar.

        Raises:
            ValueError: for shapes that do not fit.
        """
        if len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1] == 1:
            y_true = ops.squeeze(y_true, -1)
        self._check_shapes(y_true, y_pred)
        whole = ops.logical_and(ops.equal(y_true, ops.floor(y_true)), y_true < 1 << 24)
        labels = ops.cast(ops.where(whole, y_true, -1.0), "int32")
        return labels, *self._counted(labels, y_pred.shape[-1])

    def values(self, labels, counted, logits):
        """Returns the losses that Keras averages.

        Args:
            labels, counted: as `read` returns them.
            logits: float32 (batch, height, width, classes).
        """
        raise NotImplementedError

    def pixel_weights(self, labels, counted):
        """Returns the weight of each pixel's class, 0 where it does not count, float32."""
        if self.class_weights is None:
            return ops.cast(counted, "float32")
        table = ops.convert_to_tensor(np.array(self.class_weights, np.float32))
        return ops.where(counted, ops.take(table, ops.where(counted, labels, 0)), 0.0)

    def _counted(self, labels, num_classes):
        """Returns which pixels count, and whether any label is neither a class nor ignored."""
        inside = ops.logical_and(labels >= 0, labels < num_classes)
        void = ops.zeros_like(inside)
        for value in ignored_values(resolved_ignore_class(self.ignore_class, num_classes)):
            void = ops.logical_or(void, ops.equal(labels, value))
        outside = ops.any(ops.logical_not(ops.logical_or(inside, void)))
        return ops.logical_and(inside, ops.logical_not(void)), outside

    def _check_shapes(self, y_true, y_pred):
        if len(y_pred.shape) != len(y_true.shape) + 1:
            raise ValueError(
                f"{type(self).__name__} takes labels (batch, height, width) and logits (batch, "
                f"height, width, classes), got labels of shape {tuple(y_true.shape)} and "
                f"logits of shape {tuple(y_pred.shape)}."
                + (ONE_HOT if is_one_hot(y_true, y_pred) else "")
            )
        sizes = tuple(y_true.shape[1:]), tuple(y_pred.shape[1:-1])
        if any(None not in pair and pair[0] != pair[1] for pair in zip(*sizes, strict=True)):
            raise ValueError(
                f"The labels are {'x'.join(map(str, sizes[0]))} and the logits "
                f"{'x'.join(map(str, sizes[1]))} (height x width): they must be equal. Nets of "
                "this package give logits of the image's size; bring the masks to it by nearest "
                "neighbours."
            )
        if self.class_weights is not None and len(self.class_weights) != y_pred.shape[-1]:
            raise ValueError(
                f"`class_weights` has {len(self.class_weights)} values but the logits have "
                f"{y_pred.shape[-1]} classes."
            )

    def get_config(self):
        return {
            "ignore_class": self.ignore_class,
            "class_weights": self.class_weights,
            "name": self.name,
        }


def is_one_hot(y_true, y_pred):
    """Returns whether the truth has a channel for each class, by its shape."""
    same = len(y_true.shape) == len(y_pred.shape)
    return same and y_true.shape[-1] == y_pred.shape[-1]


ONE_HOT = " These labels are one-hot: pass label maps, one_hot.argmax(-1)."


def cross_entropy(labels, logits):
    """Returns -log softmax(logits)[label] of each pixel; finite where the label is no class."""
    shifted = logits - ops.stop_gradient(ops.max(logits, axis=-1, keepdims=True))
    of_label = is_label(labels, logits)
    return ops.log(ops.sum(ops.exp(shifted), -1)) - ops.sum(ops.where(of_label, shifted, 0.0), -1)


def is_label(labels, logits):
    """Returns the labels one-hot, bool (batch, height, width, classes)."""
    classes = ops.arange(logits.shape[-1], dtype="int32")
    return ops.equal(ops.expand_dims(labels, -1), classes)


def averaged(values, weights, counts=None):
    """Returns values whose plain mean is sum(weights * values) / sum(counts), 0 without counts.

    `counts` are the weights by default. With several replicas of `tf.distribute` the divisor is
    the sum over all of them, so that the mean that Keras takes over the replicas is the mean over
    the pixels of the whole batch.
    """
    total, replicas = _of_all_replicas(ops.sum(weights if counts is None else counts))
    scale = replicas * ops.cast(ops.size(weights), "float32") / ops.where(total > 0, total, 1.0)
    return values * (weights * scale)


def _of_all_replicas(total):
    """Returns the sum over the replicas of `tf.distribute`, and their number."""
    if keras.backend.backend() != "tensorflow":
        return total, 1  # JAX sums over the whole batch, on whatever devices it lies
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return total, 1
    return context.all_reduce(tf.distribute.ReduceOp.SUM, total), context.num_replicas_in_sync


def _checked_weights(class_weights):
    if class_weights is None:
        return None
    weights = np.asarray(class_weights)
    numbers = weights.ndim == 1 and weights.size and weights.dtype.kind in "iuf"
    if not numbers or not np.isfinite(weights).all() or weights.min() < 0:
        raise ValueError(
            "`class_weights` must be one finite number of at least 0 for each class, "
            f"got {class_weights!r}."
        )
    return weights.astype(np.float64).tolist()
