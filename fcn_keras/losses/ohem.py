"""OHEM, online hard example mining: cross-entropy of the pixels that are predicted worst."""

import math

import keras
from keras import ops

from fcn_keras.checks import positive, whole_number
from fcn_keras.losses.base import LabelLoss, averaged, cross_entropy


@keras.saving.register_keras_serializable("fcn_keras")
class OHEM(LabelLoss):
    """Cross-entropy from logits, averaged over the hardest of the pixels that count.

    The counted pixels whose label has a probability of at most `threshold` are kept, but at least
    the `min_kept` hardest of the batch (all, where fewer count); or, with `share`, that share of
    the counted pixels. With w the class weights of the kept pixels:
    loss = sum(w * -log p) / sum(w); the other pixels have gradient 0. The class weights do not
    change which pixels are kept. The losses of the batch are sorted. Void, labels out of range,
    dtypes and `sample_weight` are as in `CrossEntropy`.

    Args:
        threshold: probability of the label in (0, 1] up to which a pixel is hard.
        min_kept: smallest number of pixels of a batch that are kept, at least 1. A sixteenth of
            the pixels is usual: 100,000 for batches of 1.6 million.
        share: None, or the share in (0, 1] of the counted pixels that is kept, instead of
            `threshold` and `min_kept`.
        ignore_class, class_weights, name: as in `CrossEntropy`.

    Raises:
        ValueError: for a wrong `threshold`, `min_kept` or `share`, and where `CrossEntropy` raises.

    Example:

    >>> labels = np.array([[[0, 0, 255]]], "uint8")
    >>> logits = np.array([[[[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]]]], "float32")
    >>> round(float(OHEM(min_kept=1)(labels, logits)), 4)  # log 2: the second pixel is easy
    0.6931

    Source: Shrivastava, Gupta, Girshick (2016), "Training Region-based Object Detectors with
    Online Hard Example Mining", section 4; on pixels Wu, Shen, van den Hengel (2016), "High-
    performance Semantic Segmentation Using Very Deep Fully Convolutional Networks".
    """

    def __init__(
        self,
        threshold=0.7,
        min_kept=100_000,
        share=None,
        ignore_class="auto",
        class_weights=None,
        name="ohem",
    ):
        super().__init__(ignore_class, class_weights, name)
        self.threshold = positive("threshold", threshold, 1)
        self.min_kept = whole_number("min_kept", min_kept)
        self.share = None if share is None else positive("share", share, 1)

    def values(self, labels, counted, logits):
        entropy = cross_entropy(labels, logits)
        hardness = ops.where(counted, ops.stop_gradient(entropy), -1.0)
        kept = ops.logical_and(counted, hardness >= self._limit(hardness, counted))
        weights = self.pixel_weights(labels, counted) * ops.cast(kept, "float32")
        return averaged(entropy, weights)

    def _limit(self, hardness, counted):
        """Returns the smallest cross-entropy of a pixel that is kept."""
        total = ops.sum(ops.cast(counted, "int32"))
        if self.share is None:
            count = ops.minimum(total, self.min_kept)
        else:
            count = ops.cast(ops.ceil(self.share * ops.cast(total, "float32")), "int32")
        upward = ops.sort(ops.reshape(hardness, (-1,)))
        pixels = ops.cast(ops.size(hardness), "int32")
        limit = ops.take(upward, pixels - ops.maximum(count, 1))
        return limit if self.share is not None else ops.minimum(limit, -math.log(self.threshold))

    def get_config(self):
        return {
            "threshold": self.threshold,
            "min_kept": self.min_kept,
            "share": self.share,
            **super().get_config(),
        }
