"""Cross-entropy for label maps with void, several ignored values and class weights.

Only what Keras itself lacks.
"""

import keras
import numpy as np
from keras import ops

from fcn_keras.metrics.confusion import (
    ignored_values,
    plain_ignore_class,
    resolved_ignore_class,
)


@keras.saving.register_keras_serializable("fcn_keras")
class CrossEntropy(keras.losses.Loss):
    """Cross-entropy from logits, averaged over the pixels that count.

    With w the weight of a pixel's class (1 without `class_weights`, 0 for void):
    loss = sum(w * -log softmax(logits)[label]) / sum(w). A batch without counted pixels has loss
    0 and gradient 0. Computed in float32, also under mixed precision. Under `tf.distribute` the
    mean is taken on each replica and the replicas are averaged.

    `keras.losses.SparseCategoricalCrossentropy(ignore_class=255, from_logits=True)` was measured
    against the formula (Keras 3.15, TensorFlow and JAX): its values, its mean over the counted
    pixels, uint8 labels and an all-void batch are right on both. What it lacks: it ignores one
    value only; it has no weights of classes; and a label out of range that is not void is an
    error in a TensorFlow graph, NaN with NaN gradients under XLA, and under JAX silently a pixel
    of loss 0. Here such a label makes the loss NaN everywhere, so that it is seen
    (`keras.callbacks.TerminateOnNaN` stops there), while the gradients stay finite.

    Args:
        ignore_class: value or values of the labels that are not counted, or None. "auto" is 255,
            or 65535 for logits of more than 255 classes.
        class_weights: one finite number of 0 or more for each class, or None. Only their ratios
            matter. `fcn_keras.data.class_weights` computes them from a dataset.
        name: name of the loss.

    Call arguments:
        y_true: labels (batch, height, width) or (batch, height, width, 1), any dtype that holds
            whole numbers, in [0, classes) or ignored.
        y_pred: logits (batch, height, width, classes), any float dtype.
        sample_weight: optional; as in Keras it multiplies the pixels' losses and not the divisor.

    Raises:
        ValueError: for a wrong `ignore_class` or `class_weights`, or shapes that do not fit.

    Example:

    >>> loss = CrossEntropy(class_weights=[1.0, 3.0])
    >>> labels = np.array([[[0, 1, 255]]], "uint8")
    >>> logits = np.array([[[[0.0, 0.0], [0.0, 2.0], [5.0, -5.0]]]], "float32")
    >>> round(float(loss(labels, logits)), 4)  # (log 2 + 3 log(1 + exp(-2))) / 4
    0.2685

    Source: Long, Shelhamer, Darrell, "Fully Convolutional Networks for Semantic Segmentation",
    section 4 (per-pixel multinomial logistic loss, void masked out); the weights are those of
    Paszke et al., "ENet", section 5.2.
    """

    def __init__(self, ignore_class="auto", class_weights=None, name="cross_entropy"):
        super().__init__(name=name, dtype="float32")
        automatic = isinstance(ignore_class, str) and ignore_class == "auto"
        self.ignore_class = ignore_class if automatic else plain_ignore_class(ignore_class)
        self.class_weights = _checked_weights(class_weights)

    def call(self, y_true, y_pred):
        if len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1] == 1:
            y_true = ops.squeeze(y_true, -1)
        _check_shapes(y_true, y_pred, self.class_weights)
        whole = ops.logical_and(ops.equal(y_true, ops.floor(y_true)), y_true < 1 << 24)
        labels = ops.cast(ops.where(whole, y_true, -1.0), "int32")
        weights, outside = self._pixel_weights(labels, y_pred.shape[-1])
        total = ops.sum(weights)
        scale = ops.cast(ops.size(labels), "float32") / ops.where(total > 0, total, 1.0)
        return _entropy(labels, y_pred) * (weights * scale) + ops.where(outside, float("nan"), 0.0)

    def _pixel_weights(self, labels, num_classes):
        """The weight of each pixel, and whether any label is neither a class nor ignored."""
        inside = ops.logical_and(labels >= 0, labels < num_classes)
        void = ops.zeros_like(inside)
        for value in ignored_values(resolved_ignore_class(self.ignore_class, num_classes)):
            void = ops.logical_or(void, ops.equal(labels, value))
        outside = ops.any(ops.logical_not(ops.logical_or(inside, void)))
        counted = ops.logical_and(inside, ops.logical_not(void))
        if self.class_weights is None:
            return ops.cast(counted, "float32"), outside
        table = ops.convert_to_tensor(np.array(self.class_weights, np.float32))
        return ops.where(counted, ops.take(table, ops.where(counted, labels, 0)), 0.0), outside

    def get_config(self):
        return {
            "ignore_class": self.ignore_class,
            "class_weights": self.class_weights,
            "name": self.name,
        }


def _entropy(labels, logits):
    """-log softmax(logits)[label]; finite where the label is no class."""
    shifted = logits - ops.stop_gradient(ops.max(logits, axis=-1, keepdims=True))
    classes = ops.arange(logits.shape[-1], dtype="int32")
    of_label = ops.equal(ops.expand_dims(labels, -1), classes)
    return ops.log(ops.sum(ops.exp(shifted), -1)) - ops.sum(ops.where(of_label, shifted, 0.0), -1)


def _checked_weights(class_weights):
    if class_weights is None:
        return None
    weights = np.asarray(class_weights)
    numbers = weights.ndim == 1 and weights.size and weights.dtype.kind in "iuf"
    if not numbers or not np.isfinite(weights).all() or weights.min() < 0:
        raise ValueError(
            "`class_weights` must be one finite number of 0 or more for each class. "
            f"Received: {class_weights!r}"
        )
    return weights.astype(np.float64).tolist()


def _check_shapes(y_true, y_pred, class_weights):
    if len(y_pred.shape) != len(y_true.shape) + 1:
        raise ValueError(
            "CrossEntropy takes labels (batch, height, width) and logits (batch, height, width, "
            f"classes). Received labels of shape {tuple(y_true.shape)} and logits of shape "
            f"{tuple(y_pred.shape)}."
        )
    if class_weights is not None and len(class_weights) != y_pred.shape[-1]:
        raise ValueError(
            f"`class_weights` has {len(class_weights)} values but the logits have "
            f"{y_pred.shape[-1]} classes."
        )
