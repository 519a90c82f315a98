"""Distillation: the labels' loss, and the divergence from the probabilities of a teacher."""

import keras
from keras import ops

from fcn_keras.checks import number, one_of, positive
from fcn_keras.losses.base import LabelLoss, averaged
from fcn_keras.losses.cross_entropy import CrossEntropy


@keras.saving.register_keras_serializable("fcn_keras")
class Distillation(LabelLoss):
    """The loss of labels, mixed with the divergence from a teacher's probabilities.

    With z the logits of the net, t those of the teacher and T the temperature:
    loss = (1 - alpha) * labels' loss + alpha * T^2 * mean KL(softmax(t / T) || softmax(z / T)),
    the mean over the pixels that are taught. T^2 keeps the size of the gradient, which falls with
    1 / T^2, so that `alpha` means the same at every temperature. With alpha 0 it is the labels'
    loss, without a look at the teacher. No gradient flows to the teacher's logits. Computed in
    float32, also under mixed precision; `class_weights` are those of the labels' loss alone.

    `fcn_keras.training.teach` computes the teacher's logits in each step of a `fit`.
    `keras.distillation` (Keras 3.15) has a model for that, whose loss does not get the labels and
    therefore counts void.

    Args:
        loss: the Keras loss of labels and logits. Default: `CrossEntropy(ignore_class)`.
        temperature: T, above 0. Higher values show more of what the teacher knows about the less
            likely classes.
        alpha: weight of the teacher, from 0 to 1; the labels have 1 - alpha.
        void: whether the teacher teaches the ignored pixels too. By default it does not: void is
            what lies outside the images and the classes, and there the teacher itself was never
            trained. True suits masks in which most pixels are not annotated.
        ignore_class: as in `CrossEntropy`.
        name: name of the loss.

    Call arguments:
        y_true: the pair of labels (batch, height, width), as for `CrossEntropy`, and the teacher's
            logits (batch, height, width, classes). Logarithms of probabilities are logits too.
        y_pred: logits (batch, height, width, classes), any float dtype.
        sample_weight: optional; as in Keras it multiplies the pixels' losses and not the divisor.

    Raises:
        ValueError: for a wrong `loss`, `temperature`, `alpha`, `void` or `ignore_class`, or shapes
            that do not fit.

    Example:

    >>> labels = np.array([[[0, 255]]], "uint8")
    >>> logits = np.zeros((1, 1, 2, 2), "float32")
    >>> teacher = np.log(np.array([[[[0.9, 0.1], [0.5, 0.5]]]], "float32"))
    >>> loss = Distillation(temperature=1, alpha=0.5)
    >>> round(float(loss((labels, teacher), logits)), 4)  # (log 2 + log 2 - entropy of 0.9) / 2
    0.5306

    Source: Hinton, Vinyals, Dean (2015), "Distilling the Knowledge in a Neural Network", section
    2; its two terms with T^2 between them.
    """

    def __init__(
        self,
        loss=None,
        temperature=2.0,
        alpha=0.5,
        void=False,
        ignore_class="auto",
        name="distillation",
    ):
        super().__init__(ignore_class, None, name)
        loss = keras.losses.deserialize(loss) if isinstance(loss, dict) else loss
        self.loss = CrossEntropy(ignore_class) if loss is None else loss
        if not isinstance(self.loss, keras.losses.Loss):
            raise ValueError(f"`loss` must be a Keras loss of labels and logits, got {loss!r}.")
        self.temperature = positive("temperature", temperature)
        self.alpha = number("alpha", alpha, 0, 1)
        self.void = bool(one_of("void", void, (True, False)))

    def __call__(self, y_true, y_pred, sample_weight=None):
        if not isinstance(y_true, (tuple, list)) or len(y_true) != 2:
            raise ValueError(
                "Distillation takes the pair (labels, logits of the teacher) as truth, got "
                f"{type(y_true).__name__}. `fcn_keras.training.teach` makes it in each step."
            )
        of_labels = self.loss(y_true[0], y_pred, sample_weight)
        if not self.alpha:
            return of_labels
        taught = super().__call__(tuple(y_true), y_pred, sample_weight)
        return (1 - self.alpha) * of_labels + self.alpha * taught

    def call(self, y_true, y_pred):
        labels, teacher = y_true
        sizes = zip(teacher.shape, y_pred.shape, strict=False)
        fit = all(None in pair or pair[0] == pair[1] for pair in sizes)
        if len(teacher.shape) != len(y_pred.shape) or not fit:
            raise ValueError(
                "The teacher's logits must have the shape of the net's, (batch, height, width, "
                f"classes), got {tuple(teacher.shape)} and {tuple(y_pred.shape)}."
            )
        _, counted, _ = self.read(labels, y_pred)
        if self.void:
            counted = ops.ones_like(counted)
        return averaged(self._divergence(teacher, y_pred), ops.cast(counted, "float32"))

    def _divergence(self, teacher, logits):
        """Returns T^2 KL(teacher || net) of each pixel, (batch, height, width)."""
        teacher = ops.stop_gradient(ops.cast(teacher, "float32"))
        known = ops.log_softmax(teacher / self.temperature)
        learned = ops.log_softmax(ops.cast(logits, "float32") / self.temperature)
        return self.temperature**2 * ops.sum(ops.exp(known) * (known - learned), -1)

    def get_config(self):
        return {
            "loss": keras.losses.serialize(self.loss),
            "temperature": self.temperature,
            "alpha": self.alpha,
            "void": self.void,
            "ignore_class": self.ignore_class,
            "name": self.name,
        }
