"""MILSoftmax: multiple instance learning from tags, by the best pixel of each class."""

import keras
from keras import ops

from fcn_keras.losses.weak_base import FAR, WeakLoss


@keras.saving.register_keras_serializable("fcn_keras")
class MILSoftmax(WeakLoss):
    """Multiple instance learning: of each class of an image, the highest probability counts.

    loss = -(1 / |L|) sum over the classes l of the image of max over its pixels of
    log softmax(logits)_l, averaged over the images. Only |L| pixels of an image have a gradient;
    the softmax makes the classes compete. Tag the background as the other classes.

    A net with random scores collapses to the background, since nothing forbids it everywhere but
    at one pixel: start from scores that know the classes (`surgery.scores_from_classifier`).

    Args:
        ignore_class: value or values of void in label maps, or None; "auto" is 255, or 65535 for
            logits of more than 255 classes.
        name: name of the loss.

    Call arguments:
        y_true: tags (batch, classes), 1 for the classes of the image; or the classes that each
            pixel may have, (batch, height, width, classes), as batches of weak labels have them.
            Pixels with one class count by their cross-entropy, so that masks and points may be in
            the same batch; so do all pixels of label maps (batch, height, width).
        y_pred: logits (batch, height, width, classes), any float dtype.
        sample_weight: optional, (batch,).

    Raises:
        ValueError: for shapes that do not fit.

    Example:

    >>> tags = np.array([[1, 1, 0]], "float32")
    >>> logits = np.zeros((1, 1, 2, 3), "float32")
    >>> logits[0, 0, 0, 0] = logits[0, 0, 1, 1] = np.log(2)  # 1/2 of background, 1/2 of class 1
    >>> round(float(MILSoftmax()(tags, logits)), 4)  # log 2
    0.6931

    Source: Pathak, Shelhamer, Long, Darrell (2014), "Fully Convolutional Multi-Class Multiple
    Instance Learning", section 3.
    """

    def __init__(self, ignore_class="auto", name="mil"):
        super().__init__(ignore_class, name)

    def of_open(self, batch):
        possible = ops.logical_and(batch.allowed, ops.expand_dims(batch.open, -1))
        best = ops.max(ops.where(possible, batch.log_softmax, FAR), (1, 2))
        present = ops.cast(batch.present, "float32")
        total = ops.sum(ops.where(batch.present, best, 0.0), -1)
        return -total / ops.maximum(ops.sum(present, -1), 1.0)
