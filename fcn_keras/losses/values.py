"""Losses of maps of values, such as distances: pixels without a value are left out."""

import keras
from keras import ops

from fcn_keras.checks import one_of, positive
from fcn_keras.losses.base import averaged
from fcn_keras.losses.differences import SPACES, differences, of_pixels


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
        space: what is compared. "values": outputs with targets. For a net of log depth: "depth",
            exp(output) with the target; "log_depth", the output with the target's logarithm.
        name: name of the loss.

    Call arguments:
        y_true: targets (batch, height, width, channels), or (batch, height, width) for one
            channel; NaN where there is no value.
        y_pred: outputs (batch, height, width, channels), any float dtype.
        sample_weight: optional, (batch,) or (batch, height, width); as in Keras it multiplies the
            pixels' losses and not the divisor.

    Raises:
        ValueError: for shapes that do not fit, or another `space`.

    Example:

    >>> loss = AbsoluteError()
    >>> target = np.array([[[1.0, 2.0, np.nan]]], "float32")
    >>> output = np.array([[[[1.5], [4.0], [9.0]]]], "float32")
    >>> float(loss(target, output))  # (0.5 + 2) / 2
    1.25
    """

    tasks = ("regression", "depth")  # kinds of the tasks that it is for

    def __init__(self, squared=False, space="values", name="absolute_error"):
        super().__init__(name=name, dtype="float32")
        self.squared = bool(squared)
        self.space = one_of("space", space, SPACES)

    def __call__(self, y_true, y_pred, sample_weight=None):
        return super().__call__(y_true, y_pred, of_pixels(sample_weight))

    def call(self, y_true, y_pred):
        difference, known = differences(y_true, y_pred, type(self).__name__, self.space)
        values = ops.mean(self.values(difference), axis=-1)
        return averaged(values, ops.cast(known, "float32"))

    def values(self, difference):
        """Returns the loss of each difference, a tensor of the same shape."""
        return ops.square(difference) if self.squared else ops.abs(difference)

    def get_config(self):
        return {"squared": self.squared, "space": self.space, "name": self.name}


@keras.saving.register_keras_serializable("fcn_keras")
class BerHu(AbsoluteError):
    """The reverse Huber loss: absolute errors that are small, squares of those that are large.

    With e = prediction - target and c = share * max |e| over the known pixels of the batch, a
    pixel has |e| where |e| <= c, else (e² + c²) / (2 c); the loss is the mean over all channels of
    the known pixels. c is a constant for the gradient. Everything else is as in `AbsoluteError`;
    under `tf.distribute` each replica has a c of its own.

    Args:
        share: c as a share of the largest error, above 0, at most 1.
        space: as in `AbsoluteError`. The paper's is "depth".
        name: name of the loss.

    Raises:
        ValueError: for shapes that do not fit, another `space`, or a `share` beyond its limits.

    Example:

    >>> loss = BerHu()
    >>> target = np.zeros((1, 1, 3), "float32")
    >>> output = np.array([[[[1.0], [2.0], [10.0]]]], "float32")
    >>> float(loss(target, output))  # c = 2: (1 + 2 + (100 + 4) / 4) / 3
    9.666666984558105

    Source: Laina et al. (2016), "Deeper Depth Prediction with Fully Convolutional Residual
    Networks", section 3.2.
    """

    def __init__(self, share=0.2, space="values", name="berhu"):
        super().__init__(space=space, name=name)
        self.share = positive("share", share, most=1)

    def values(self, difference):
        """Returns the loss of each difference, a tensor of the same shape."""
        size = ops.abs(difference)
        limit = ops.stop_gradient(self.share * ops.max(size))
        limit = ops.where(limit > 0, limit, 1.0)
        return ops.where(size <= limit, size, (ops.square(size) + limit**2) / (2 * limit))

    def get_config(self):
        return {"share": self.share, "space": self.space, "name": self.name}
