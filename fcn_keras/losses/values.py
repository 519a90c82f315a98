"""Losses of maps of values, such as distances: pixels without a value are left out."""

import keras
from keras import ops

from fcn_keras.losses.base import averaged


@keras.saving.register_keras_serializable("fcn_keras")
class AbsoluteError(keras.losses.Loss):
    """Mean absolute error of predicted values, over the pixels that are known.

    loss = mean |prediction - target|, over all channels of all pixels whose target is no NaN in
    any channel. A batch without known pixels has loss 0 and gradient 0; the gradients are finite
    and 0 where nothing is known. Computed in float32, also under mixed precision. Under
    `tf.distribute` the divisor counts the pixels of all replicas.

    `keras.losses.MeanAbsoluteError` becomes NaN where a target is NaN.

    Args:
        squared: True takes the squares of the differences: the mean squared error.
        name: name of the loss.

    Call arguments:
        y_true: targets (batch, height, width, channels), or (batch, height, width) for one
            channel; NaN where there is no value.
        y_pred: outputs (batch, height, width, channels), any float dtype.
        sample_weight: optional, (batch,) or (batch, height, width); as in Keras it multiplies the
            pixels' losses and not the divisor.

    Raises:
        ValueError: for shapes that do not fit.

    Example:

    >>> loss = AbsoluteError()
    >>> target = np.array([[[1.0, 2.0, np.nan]]], "float32")
    >>> output = np.array([[[[1.5], [4.0], [9.0]]]], "float32")
    >>> float(loss(target, output))  # (0.5 + 2) / 2
    1.25
    """

    tasks = ("regression",)  # kinds of the tasks that it is for

    def __init__(self, squared=False, name="absolute_error"):
        super().__init__(name=name, dtype="float32")
        self.squared = bool(squared)

    def __call__(self, y_true, y_pred, sample_weight=None):
        return super().__call__(y_true, y_pred, of_pixels(sample_weight))

    def call(self, y_true, y_pred):
        difference, known = differences(y_true, y_pred, type(self).__name__)
        values = ops.square(difference) if self.squared else ops.abs(difference)
        return averaged(ops.mean(values, axis=-1), ops.cast(known, "float32"))

    def get_config(self):
        return {"squared": self.squared, "name": self.name}


def differences(y_true, y_pred, name):
    """Returns prediction minus target, and which pixels are known.

    Args:
        y_true: (batch, height, width, channels), or (batch, height, width) for one channel.
        y_pred: (batch, height, width, channels).
        name: The name of the loss or metric, for messages.

    Returns:
        float32 (batch, height, width, channels), 0 where the target is not known; and bool
        (batch, height, width).

    Raises:
        ValueError: for shapes that do not fit.
    """
    target = ops.cast(ops.convert_to_tensor(y_true), "float32")
    output = ops.cast(ops.convert_to_tensor(y_pred), "float32")
    shapes = f"targets of shape {tuple(target.shape)} and outputs of shape {tuple(output.shape)}"
    if len(target.shape) == 3 and len(output.shape) == 4 and output.shape[-1] == 1:
        target = ops.expand_dims(target, -1)
    if len(output.shape) != 4 or not _may_agree(target.shape, output.shape):
        raise ValueError(
            f"{name} takes outputs (batch, height, width, channels) and targets of the same shape, "
            f"or (batch, height, width) for one channel, got {shapes}."
        )
    known = ops.logical_not(ops.any(ops.isnan(target), axis=-1))
    counted = ops.expand_dims(known, -1)
    # The inner `where` keeps NaN out of the gradient, which the outer one would not.
    difference = output - ops.where(counted, target, 0.0)
    return ops.where(counted, difference, 0.0), known


def of_pixels(sample_weight):
    """Returns weights (batch,) as (batch, 1, 1), those of pixels and None as they are."""
    if sample_weight is None or len(ops.shape(sample_weight)) != 1:
        return sample_weight
    return ops.reshape(sample_weight, (-1, 1, 1))


def _may_agree(shape, other):
    pairs = zip(shape, other, strict=False)
    return len(shape) == len(other) and all(a == b or a is None or b is None for a, b in pairs)
