"""BiasedLoss, the base of losses that label open pixels by the net itself with one bias a class."""

from keras import ops

from fcn_keras.checks import whole_number
from fcn_keras.losses.weak_base import FAR, WeakLoss, mean_over


class BiasedLoss(WeakLoss):
    """Draws the net towards its own scores plus a bias of each class, over the allowed classes.

    The targets are P = softmax(scores + biases), or its largest class where `soft` is False. They
    are constants for the gradient, and the loss is the Kullback-Leibler divergence from the net's
    probabilities Q, the mean of sum P log(P / Q) over the open pixels of each image. Subclasses
    define `biases(batch)`.
    """

    soft = True

    def __init__(self, stride, ignore_class, name):
        super().__init__(ignore_class, name)
        self.stride = whole_number("stride", stride)

    def of_open(self, batch):
        few = batch.strided(self.stride)
        few = few._replace(logits=ops.stop_gradient(few.logits))
        biases = ops.reshape(self.biases(few), (-1, 1, 1, few.logits.shape[-1]))
        scores = self.possible_scores(few) + biases
        if self.soft:
            logs = ops.log_softmax(scores)
            targets = ops.exp(logs)
        else:
            targets = ops.one_hot(ops.argmax(scores, -1), few.logits.shape[-1])
            logs = ops.zeros_like(targets)
        targets, logs = ops.stop_gradient(targets), ops.stop_gradient(logs)
        apart = ops.where(targets > 0, targets * (logs - few.log_softmax), 0.0)
        return mean_over(few.open, ops.sum(apart, -1))

    def possible_scores(self, batch):
        """Returns the scores of a batch, very low for classes that a pixel cannot have."""
        scores = batch.logits - ops.max(batch.logits, -1, keepdims=True)
        # A void pixel has no class; its scores stay finite and do not count.
        kept = ops.logical_or(batch.allowed, ops.expand_dims(ops.logical_not(batch.counted), -1))
        return ops.where(kept, ops.maximum(scores, FAR / 2), FAR)

    def biases(self, batch):
        """Returns what is added to the scores of each class, (batch, classes).

        Args:
            batch: A `WeakBatch` of every `stride`-th pixel, through whose logits no gradient flows.
        """
        raise NotImplementedError

    def get_config(self):
        return {**super().get_config(), "stride": self.stride}
