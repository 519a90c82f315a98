"""ClassBalanced: the loss of HED, which outweighs the many pixels that are no boundary."""

import keras
from keras import ops

from fcn_keras.checks import number, one_of
from fcn_keras.losses.base import averaged
from fcn_keras.losses.differences import of_pixels
from fcn_keras.losses.pixel_base import NORMALIZE


@keras.saving.register_keras_serializable("fcn_keras")
class ClassBalanced(keras.losses.Loss):
    """Class-balanced cross-entropy of boundaries: both kinds of pixels weigh the same.

    For each image, with N+ boundary pixels and N- others among its known pixels and p the sigmoid
    of a logit, every boundary pixel adds N- / (N+ + N-) * -log p and every other one
    N+ / (N+ + N-) * -log(1 - p). The logits of all channels (HED's fusion and side outputs) are
    compared with the same target, and their losses added. Gradients are finite and 0 where nothing
    is known. Computed in float32, also under mixed precision.

    Args:
        threshold: share of annotators from which on a pixel is a boundary, above 0, at most 1.
        normalize: True or "pixels" divides the sum over the pixels of a batch by their number;
            False is the sum, as published, for learning rates such as 1e-6.
        name: name of the loss.

    Call arguments:
        y_true: share of annotators (batch, height, width) or (batch, height, width, 1), 0 to 1,
            NaN where it is not known.
        y_pred: logits (batch, height, width, channels), any float dtype.
        sample_weight: optional, (batch,) or (batch, height, width).

    Raises:
        ValueError: for shapes that do not fit, or a `threshold` or `normalize` that is not
            possible.

    Example:

    >>> loss = ClassBalanced(normalize=False)
    >>> truth = np.array([[[1.0, 0.0, 0.0, 0.0, np.nan]]], "float32")
    >>> round(float(loss(truth, np.zeros((1, 1, 5, 1)))), 4)  # (3/4 + 3 * 1/4) log 2
    1.0397

    Source: Xie, Tu (2015), "Holistically-nested edge detection", equation 2.
    """

    tasks = ("boundaries",)  # kinds of the tasks that it is for

    def __init__(self, threshold=0.5, *, normalize=True, name="class_balanced"):
        one_of("normalize", normalize, NORMALIZE)
        super().__init__(name=name, reduction="sum_over_batch_size" if normalize else "sum")
        self.threshold = number("threshold", threshold, 0, 1)
        if not self.threshold:
            raise ValueError("`threshold` must be above 0, got 0: every pixel is a boundary.")
        self.normalize = normalize

    def __call__(self, y_true, y_pred, sample_weight=None):
        return super().__call__(y_true, y_pred, of_pixels(sample_weight))

    def call(self, y_true, y_pred):
        target = boundary_target(y_true, y_pred, type(self).__name__)
        known = ops.cast(ops.logical_not(ops.isnan(target)), "float32")
        positive = ops.cast(target >= self.threshold, "float32")
        negative = known - positive
        counts = [ops.sum(part, (1, 2), keepdims=True) for part in (positive, negative)]
        total = ops.maximum(counts[0] + counts[1], 1.0)
        weights = positive * (counts[1] / total) + negative * (counts[0] / total)
        logits = ops.cast(y_pred, "float32")
        losses = ops.relu(logits) + ops.log1p(ops.exp(-ops.abs(logits)))
        losses = ops.sum(losses - logits * ops.expand_dims(positive, -1), -1)
        return averaged(losses, weights, known) if self.normalize else losses * weights

    def get_config(self):
        return {"threshold": self.threshold, "normalize": self.normalize, "name": self.name}


def boundary_target(y_true, y_pred, name):
    """Returns the target of boundaries as float32 (batch, height, width).

    Args:
        y_true: (batch, height, width) or (batch, height, width, 1).
        y_pred: (batch, height, width, channels).
        name: Name of the loss or metric, for the message.

    Raises:
        ValueError: for shapes that do not fit.
    """
    target = ops.cast(ops.convert_to_tensor(y_true), "float32")
    if len(target.shape) == 4 and target.shape[-1] == 1:
        target = ops.squeeze(target, -1)
    shape = tuple(y_pred.shape)
    pairs = zip(target.shape, shape[:-1], strict=False)
    fit = len(target.shape) == 3 and len(shape) == 4
    if not fit or any(None not in pair and pair[0] != pair[1] for pair in pairs):
        raise ValueError(
            f"{name} takes logits (batch, height, width, channels) and targets (batch, height, "
            f"width), got targets of shape {tuple(y_true.shape)} and logits of shape {shape}."
        )
    return target
