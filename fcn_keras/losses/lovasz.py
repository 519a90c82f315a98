"""Lovasz: a convex surrogate of the mean IU, computed by sorting the errors of the pixels."""

import keras
from keras import ops

from fcn_keras.checks import one_of
from fcn_keras.losses.region_base import RegionLoss

CLASSES = ("present", "all")


@keras.saving.register_keras_serializable("fcn_keras")
class Lovasz(RegionLoss):
    """The Lovasz-softmax loss, averaged over the classes.

    With a class's errors e = |t - p| of the counted pixels, sorted from the largest, and J(i) the
    Jaccard loss, 1 - IU, if the first i of them were wrong: loss = sum_i e_i (J(i) - J(i - 1)).
    For predictions of probability 1 it is 1 - IU. It takes many times as long as cross-entropy,
    as the errors of each class are sorted. Void, labels out of range, dtypes and `sample_weight`
    are as in `Dice`.

    Args:
        per: "batch" treats the batch as one image, as the mean IU treats the dataset; "image"
            averages over the images.
        classes: "present" averages over the classes of the truth, "all" over all classes: the
            loss of an absent class is its highest probability.
        ignore_class, class_weights, name: as in `Dice`.

    Raises:
        ValueError: for wrong `classes`, and where `Dice` raises.

    Example:

    >>> labels = np.array([[[0, 1, 255]]], "uint8")
    >>> logits = np.zeros((1, 1, 3, 2), "float32")
    >>> round(float(Lovasz()(labels, logits)), 4)  # all errors 0.5, and the increments add up to 1
    0.5
    >>> mixed = fcn_keras.losses.Sum([fcn_keras.losses.CrossEntropy(), Lovasz()])

    Source: Berman, Rannen Triki, Blaschko (2018), "The Lovasz-Softmax Loss".
    """

    def __init__(
        self,
        per="batch",
        classes="present",
        ignore_class="auto",
        class_weights=None,
        name="lovasz",
    ):
        super().__init__(per, ignore_class, class_weights, name)
        self.classes = one_of("classes", classes, CLASSES)

    def class_losses(self, truth, probabilities, counted):
        signed = ops.where(truth, 1.0 - probabilities, -probabilities)
        signed = ops.where(ops.expand_dims(counted, -1), signed, 0.0)
        signed = _sorted(ops.transpose(signed, (0, 2, 1)))
        true = ops.sum(ops.cast(truth, "float32"), 1)
        steps = _increments(ops.stop_gradient(signed) > 0, ops.expand_dims(true, -1))
        losses = ops.sum(ops.abs(signed) * steps, -1)
        if self.classes == "present":
            return losses, ops.cast(true > 0, "float32")
        anything = ops.cast(ops.any(counted, -1, keepdims=True), "float32")
        return losses, anything * ops.ones_like(losses)

    def get_config(self):
        return {"classes": self.classes, **super().get_config()}


def _sorted(signed):
    """Returns the values sorted along the last axis, the largest magnitude first."""
    order = ops.argsort(-ops.abs(ops.stop_gradient(signed)), axis=-1)
    regions, classes, pixels = ops.shape(signed)
    rows = ops.reshape(ops.arange(regions * classes), (regions, classes, 1))
    return ops.take(ops.reshape(signed, (-1,)), ops.cast(rows, order.dtype) * pixels + order)


def _increments(of_class, true):
    """Returns J(i) - J(i - 1) in closed form; differences of J itself would lose most digits.

    A wrong pixel of the class reduces the intersection I by one: 1 / U. Any other wrong pixel
    enlarges the union U by one: I / (U (U - 1)).
    """
    missed = ops.cumsum(ops.cast(of_class, "float32"), axis=-1)
    position = ops.cast(ops.arange(1, ops.shape(of_class)[-1] + 1), "float32")
    shared, union = true - missed, true + position - missed
    added = shared / (union * ops.maximum(union - 1.0, 1.0))
    absent = ops.cast(ops.equal(position, 1.0), "float32")
    return ops.where(of_class, 1.0 / union, ops.where(true > 0, added, absent))
