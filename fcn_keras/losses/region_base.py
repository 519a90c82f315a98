"""RegionLoss, the base of losses with one value for each image, or one for the batch."""

import numpy as np
from keras import ops

from fcn_keras.checks import one_of
from fcn_keras.losses.base import LabelLoss, is_label

PER = ("batch", "image")


class RegionLoss(LabelLoss):
    """Averages `class_losses(truth, probabilities, counted)` over classes, then over images."""

    def __init__(self, per, ignore_class, class_weights, name):
        super().__init__(ignore_class, class_weights, name)
        self.per = one_of("per", per, PER)

    def __call__(self, y_true, y_pred, sample_weight=None):
        if sample_weight is not None and self.per == "batch":
            raise ValueError(
                f"{type(self).__name__}(per='batch') is one number for the whole batch and takes "
                "no sample_weight; per='image' takes one weight for each image, (batch,)."
            )
        return super().__call__(y_true, y_pred, sample_weight)

    def values(self, labels, counted, logits):
        """Returns one loss for each image, (batch,), or one for the batch, (1,)."""
        regions, classes = (1 if self.per == "batch" else -1), logits.shape[-1]
        if self.per == "image":
            regions = ops.shape(logits)[0]
        probabilities = ops.reshape(ops.softmax(logits), (regions, -1, classes))
        counted = ops.reshape(counted, (regions, -1))
        labels = ops.reshape(labels, (regions, -1))
        truth = ops.logical_and(is_label(labels, logits), ops.expand_dims(counted, -1))
        losses, weights = self.class_losses(truth, probabilities, counted)
        if self.class_weights is not None:
            weights = weights * ops.convert_to_tensor(np.array(self.class_weights, np.float32))
        total = ops.sum(weights, -1)
        there = total > 0
        values = ops.sum(weights * losses, -1) / ops.where(there, total, 1.0)
        share = ops.mean(ops.cast(there, "float32"))
        return values / ops.where(share > 0, share, 1.0)

    def class_losses(self, truth, probabilities, counted):
        """Returns the loss of each class and its weight, 0 or 1, both float32 (regions, classes).

        Args:
            truth: bool (regions, pixels, classes), one-hot, all False where void.
            probabilities: float32 of the same shape.
            counted: bool (regions, pixels).
        """
        raise NotImplementedError

    def get_config(self):
        return {"per": self.per, **super().get_config()}
