"""CosineDistance: how far directions are from each other, for surface normals."""

import keras
from keras import ops

from fcn_keras.losses.base import averaged
from fcn_keras.losses.differences import of_one_shape, of_pixels


@keras.saving.register_keras_serializable("fcn_keras")
class CosineDistance(keras.losses.Loss):
    """One minus the cosine of the angle between output and target, over the pixels that are known.

    loss = mean(1 - n · t) with n the output divided by its length, and t the target, which has
    length 1. Pixels with NaN in the target are left out; without known pixels the loss is 0. The
    paper's loss is the same without the 1. Computed in float32, also under mixed precision.

    Args:
        name: name of the loss.

    Call arguments:
        y_true: unit vectors (batch, height, width, channels), NaN where they are not known.
        y_pred: vectors (batch, height, width, channels), any float dtype and length.
        sample_weight: optional, (batch,) or (batch, height, width); as in Keras it multiplies the
            pixels' losses and not the divisor.

    Raises:
        ValueError: for shapes that do not fit.

    Example:

    >>> loss = CosineDistance()
    >>> target = np.array([[[[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]]], "float32")
    >>> output = np.array([[[[0.0, 0.0, 5.0], [0.0, 2.0, 0.0]]]], "float32")
    >>> float(loss(target, output))  # (0 + 1) / 2
    0.5

    Source: Eigen, Fergus (2015), section 4.2.
    """

    tasks = ("normals",)  # kinds of the tasks that it is for

    def __init__(self, name="cosine_distance"):
        super().__init__(name=name, dtype="float32")

    def __call__(self, y_true, y_pred, sample_weight=None):
        return super().__call__(y_true, y_pred, of_pixels(sample_weight))

    def call(self, y_true, y_pred):
        cosine, known = cosines(y_true, y_pred, type(self).__name__)
        return averaged(1 - cosine, ops.cast(known, "float32"))

    def get_config(self):
        return {"name": self.name}


def cosines(y_true, y_pred, name):
    """Returns the cosine of the angle of each pixel, and which pixels are known.

    Args:
        y_true, y_pred: As `CosineDistance` takes them.
        name: The name of the loss or metric, for messages.

    Returns:
        float32 (batch, height, width), 1 where the target is not known; and bool of that shape.
    """
    target, output = of_one_shape(y_true, y_pred, name)
    known = ops.logical_not(ops.any(ops.isnan(target), axis=-1))
    counted = ops.expand_dims(known, -1)
    target, output = ops.where(counted, target, 0.0), ops.where(counted, output, 0.0)
    # An output of length 0 has no direction: its cosine is 0, and its gradient is finite.
    length = ops.sqrt(ops.sum(ops.square(output), axis=-1) + 1e-12)
    return ops.where(known, ops.sum(target * output, axis=-1) / length, 1.0), known
