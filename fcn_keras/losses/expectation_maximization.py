"""EMFixed and EMAdapt: pixels take the best class after one bias a class, by expectation and
maximization.
"""

import keras
from keras import ops

from fcn_keras.checks import number
from fcn_keras.losses.biased import BiasedLoss

AHEAD = 1e-5  # by which a raised score is above the best one


@keras.saving.register_keras_serializable("fcn_keras")
class EMFixed(BiasedLoss):
    """EM with fixed biases: a pixel's label is its best allowed class after a bias for each.

    The label of an open pixel is the class with the highest score among those that it may have,
    after `background` was added to the score of class 0 and `foreground` to all others; the loss
    is the cross-entropy with these labels, averaged over the open pixels of an image, then over
    the images. No gradient flows through the labels. With boxes it is the paper's Bbox-EM-Fixed:
    outside of them pixels are background.

    Args:
        background: Bias of class 0.
        foreground: Bias of every other class; the larger it is beyond `background`, the larger the
            objects become.
        stride: Every how many pixels, along both axes, open pixels count.
        ignore_class: value or values of void in label maps, or None; "auto" is 255, or 65535 for
            logits of more than 255 classes.
        name: name of the loss.

    Call arguments:
        y_true, y_pred, sample_weight: as for `MILSoftmax`.

    Raises:
        ValueError: for biases that are no numbers, and shapes that do not fit.

    Example:

    >>> tags = np.array([[1, 1, 0]], "float32")
    >>> logits = np.log(np.array([[[[0.5, 0.25, 0.25]]]], "float32"))
    >>> round(float(EMFixed(background=1, foreground=2)(tags, logits)), 4)  # -log 0.25
    1.3863

    Source: Papandreou, Chen, Murphy, Yuille (2015), "Weakly- and Semi-Supervised Learning of a
    DCNN for Semantic Image Segmentation", section 3.2; the biases are those of its code.
    """

    soft = False

    def __init__(
        self, background=1.0, foreground=2.0, stride=1, ignore_class="auto", name="em_fixed"
    ):
        super().__init__(stride, ignore_class, name)
        self.background = number("background", background)
        self.foreground = number("foreground", foreground)

    def biases(self, batch):
        rest = [self.foreground] * (batch.logits.shape[-1] - 1)
        biases = ops.convert_to_tensor([self.background, *rest], dtype="float32")
        return ops.broadcast_to(biases, ops.shape(batch.present))

    def get_config(self):
        own = {"background": self.background, "foreground": self.foreground}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable("fcn_keras")
class EMAdapt(BiasedLoss):
    """EM with adapted biases: each class of an image gets at least its share of the pixels.

    The bias of a class is the smallest for which it is the best allowed class of a given share of
    the open pixels that may have it: a quantile of how much its score is below the best one. It
    is 0 where the class has that share already. Class 0 comes first, then the others in the order
    of their numbers, each with the biases before it. Label and loss are those of `EMFixed`.

    Args:
        background: Share of the pixels that class 0 gets at least, if the image has it.
        foreground: Share that each other class of the image gets at least.
        stride: Every how many pixels, along both axes, open pixels count and biases are found.
            4 costs a sixteenth; scores of a net change little over 4 pixels.
        ignore_class: value or values of void in label maps, or None; "auto" is 255, or 65535 for
            logits of more than 255 classes.
        name: name of the loss.

    Call arguments:
        y_true, y_pred, sample_weight: as for `MILSoftmax`.

    Raises:
        ValueError: for shares outside [0, 1], and shapes that do not fit.

    Example:

    >>> tags = np.array([[1, 1]], "float32")
    >>> ahead = np.array([2.0, 0.5, 1.0, 3.0], "float32")  # of class 0 before class 1
    >>> logits = np.stack([ahead, np.zeros(4, "float32")], -1).reshape(1, 2, 2, 2)
    >>> loss = EMAdapt(background=0.0, foreground=0.5, stride=1)
    >>> round(float(loss(tags, logits)), 4)  # labels 0, 1, 1, 0: the bias of class 1 is 1
    0.6157

    Source: Papandreou, Chen, Murphy, Yuille (2015), section 3.2 (EM-Adapt); shares of section 5.1.
    """

    soft = False

    def __init__(
        self, background=0.4, foreground=0.2, stride=4, ignore_class="auto", name="em_adapt"
    ):
        super().__init__(stride, ignore_class, name)
        self.background = number("background", background, most=1)
        self.foreground = number("foreground", foreground, most=1)

    def biases(self, batch):
        scores, found = self.possible_scores(batch), []
        classes = scores.shape[-1]
        scores = ops.reshape(scores, (ops.shape(scores)[0], -1, classes))
        possible = ops.logical_and(batch.allowed, ops.expand_dims(batch.open, -1))
        possible = ops.reshape(possible, ops.shape(scores))
        best = ops.max(scores, -1)
        for label in range(classes):
            share = self.background if label == 0 else self.foreground
            bias = lowest_bias(best - scores[..., label], possible[..., label], share)
            found.append(bias)
            raised = scores[..., label] + ops.expand_dims(bias, -1)
            best = ops.maximum(best, ops.where(possible[..., label], raised, best))
        return ops.stack(found, -1)

    def get_config(self):
        own = {"background": self.background, "foreground": self.foreground}
        return {**super().get_config(), **own}


def lowest_bias(below, possible, share):
    """Returns the bias after which a share of some pixels is above the best score so far.

    Args:
        below: float32 (batch, pixels): how much the score is below the best, at least 0.
        possible: bool of the same shape: the pixels that count.
        share: Share of these pixels, rounded up to whole ones.

    Returns:
        float32 (batch,), 0 where no pixel counts.
    """
    count = ops.sum(ops.cast(possible, "int32"), -1)
    wanted = ops.cast(ops.ceil(share * ops.cast(count, "float32") - 1e-4), "int32")
    ordered = ops.sort(ops.where(possible, below, float("inf")), -1)
    last = ops.expand_dims(ops.maximum(wanted - 1, 0), -1)
    bias = ops.squeeze(ops.take_along_axis(ordered, last, -1), -1)
    bias = ops.where(wanted > 0, bias, 0.0)
    return ops.where(bias > 0, bias + AHEAD, 0.0)
