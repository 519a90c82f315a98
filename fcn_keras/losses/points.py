"""Points: the objective of point supervision, from clicks, tags and objectness."""

import keras
from keras import ops

from fcn_keras.checks import one_of, positive
from fcn_keras.losses.weak_base import FAR, WeakLoss, mean_over

LEAST = 1e-6  # of the probability that a class is absent


@keras.saving.register_keras_serializable("fcn_keras")
class Points(WeakLoss):
    """The four-term objective of point supervision.

    With S the probabilities, C the classes of the image and C' the others, the loss of an image is
    the sum of

    - the mean of -log S_c over the clicked pixels, c being the label,
    - -mean over C of log max S_c, the maximum over the pixels,
    - -mean over C' of log(1 - max S_c),
    - the mean over the open pixels of -log((1 - o) S_0 + sum over the objects of C of
      (o / their number) S_c), o being the objectness.

    A term without classes or pixels is 0. Images in which every pixel has a label count by the
    first term alone.

    Args:
        objectness: Where the objectness of targets without a channel of it comes from: "centre" is
            a prior that falls off from the middle of the crop, 1 there; None leaves the term out.
        spread: Width of this prior: at this part of half the crop's sides it is 0.6.
        ignore_class: value or values of void in label maps, or None; "auto" is 255, or 65535 for
            logits of more than 255 classes.
        name: name of the loss.

    Call arguments:
        y_true: as for `MILSoftmax`; allowed classes may have a further channel, (batch, height,
            width, classes + 1): the objectness in [0, 1], such as 1 minus the background
            probability of a trained net.
        y_pred, sample_weight: as for `MILSoftmax`.

    Raises:
        ValueError: for another word, a `spread` of 0 or less, and shapes that do not fit.

    Example:

    >>> tags = np.array([[1, 1, 0]], "float32")
    >>> logits = np.zeros((1, 1, 1, 3), "float32")  # 1/3 each
    >>> expected = np.log(3) - np.log(2 / 3)  # of C, and of C'
    >>> bool(np.isclose(float(Points(objectness=None)(tags, logits)), expected))
    True

    Source: Bearman, Russakovsky, Ferrari, Fei-Fei (2016), "What's the Point: Semantic Segmentation
    with Point Supervision", section 3.
    """

    def __init__(self, objectness="centre", spread=0.5, ignore_class="auto", name="points"):
        super().__init__(ignore_class, name)
        self.objectness = one_of("objectness", objectness, ("centre", None))
        self.spread = positive("spread", spread)

    def of_open(self, batch):
        counted = ops.expand_dims(batch.counted, -1)
        present = ops.any(batch.allowed, (1, 2))
        best = ops.max(ops.where(counted, batch.log_softmax, FAR), (1, 2))
        absent = ops.log1p(-ops.minimum(ops.exp(best), 1.0 - LEAST))
        values = -_mean(best, present) - _mean(absent, ops.logical_not(present))
        values = values + self._of_objectness(batch, present)
        return ops.where(batch.has_open, values, 0.0)

    def _of_objectness(self, batch, present):
        objectness = batch.objectness
        if objectness is None and self.objectness is None:
            return 0.0
        if objectness is None:
            objectness = self._centre(batch.logits)
        objectness = ops.expand_dims(ops.clip(objectness, 0.0, 1.0), -1)
        objects = ops.cast(present[:, 1:], "float32")
        share = objects / ops.maximum(ops.sum(objects, -1, keepdims=True), 1.0)
        share = ops.reshape(share, (-1, 1, 1, share.shape[-1]))
        weights = ops.concatenate([1.0 - objectness, objectness * share], -1)
        there = weights > 0
        logs = ops.where(there, ops.log(ops.where(there, weights, 1.0)), FAR)
        expected = ops.logsumexp(logs + ops.maximum(batch.log_softmax, FAR), axis=-1)
        return -mean_over(batch.open, expected)

    def _centre(self, logits):
        """The prior of objects in the middle, float32 (batch, height, width)."""
        rows, columns = (_squares(ops.shape(logits)[axis]) for axis in (1, 2))
        away = ops.expand_dims(rows, -1) + columns
        prior = ops.expand_dims(ops.exp(-away / (2 * self.spread**2)), 0)
        return ops.broadcast_to(prior, ops.shape(logits)[:3])

    def get_config(self):
        own = {"objectness": self.objectness, "spread": self.spread}
        return {**super().get_config(), **own}


def _squares(count):
    """The squared distances of pixels from the middle, 1 at the border, float32 (count,)."""
    places = (ops.cast(ops.arange(count), "float32") + 0.5) / ops.cast(count, "float32")
    return ops.square(2 * places - 1)


def _mean(values, kept):
    kept = ops.cast(kept, "float32")
    return ops.sum(values * kept, -1) / ops.maximum(ops.sum(kept, -1), 1.0)
