"""Dice and Jaccard losses: one minus a soft overlap of prediction and truth, class by class."""

import keras
from keras import ops

from fcn_keras.losses.region_base import RegionLoss


class _Overlap(RegionLoss):
    """One minus `overlap(shared, truth, predicted)` of each class that is present."""

    def class_losses(self, truth, probabilities, counted):
        mask = ops.expand_dims(ops.cast(counted, "float32"), 1)
        predicted = ops.squeeze(ops.matmul(mask, probabilities), 1)
        shared = ops.sum(ops.where(truth, probabilities, 0.0), 1)
        true = ops.sum(ops.cast(truth, "float32"), 1)
        present = true > 0
        overlap = self.overlap(shared, ops.where(present, true, 1.0), predicted)
        return 1.0 - overlap, ops.cast(present, "float32")


@keras.saving.register_keras_serializable("fcn_keras")
class Dice(_Overlap):
    """One minus the soft Dice coefficient, averaged over the classes that are present.

    With p the softmax probabilities and t the one-hot truth, over the pixels that count:
    loss = mean over present classes of 1 - 2 sum(p t) / (sum(p) + sum(t)). A class absent from
    the truth has overlap 0 whatever is predicted, hence no gradient, and is left out. Where
    nothing counts, loss and gradient are 0; images without counted pixels are left out of the
    mean over images. Labels out of range make it NaN. Computed in float32.

    `keras.losses.Dice` and `Tversky` take one-hot truth and probabilities, average nothing over
    classes by default (all pixels of all classes are one region), and count what is predicted
    on void.

    Args:
        per: "batch" takes the batch for one region, as the mean IU takes the dataset; "image"
            averages over the images.
        ignore_class: as in `CrossEntropy`.
        class_weights: one number of 0 or more a class, the weights of the mean over the present
            classes, or None for equal ones. Only their ratios matter.
        name: name of the loss.

    Call arguments:
        y_true, y_pred: labels and logits as for `CrossEntropy`.
        sample_weight: with per="image" one weight an image, (batch,): multiplies the images'
            losses and not the divisor. With per="batch" it must be None.

    Raises:
        ValueError: for a wrong `per`, `ignore_class` or `class_weights`, a `sample_weight` with
            per="batch", or shapes that do not fit.

    Example:

    >>> labels = np.array([[[0, 1, 255]]], "uint8")
    >>> logits = np.zeros((1, 1, 3, 2), "float32")
    >>> round(float(Dice()(labels, logits)), 4)  # 1 - 2 * 0.5 / (1 + 1) for both classes
    0.5

    Source: Milletari, Navab, Ahmadi (2016), "V-Net", section 3, with plain sums for its squares;
    Sudre et al. (2017).
    """

    def __init__(self, per="batch", ignore_class="auto", class_weights=None, name="dice"):
        super().__init__(per, ignore_class, class_weights, name)

    def overlap(self, shared, true, predicted):
        return 2.0 * shared / (true + predicted)


@keras.saving.register_keras_serializable("fcn_keras")
class Jaccard(_Overlap):
    """One minus the soft IU, averaged over the classes that are present.

    loss = mean over present classes of 1 - sum(p t) / (sum(p) + sum(t) - sum(p t)). All else,
    arguments included, is as in `Dice`.

    Example:

    >>> labels = np.array([[[0, 1, 255]]], "uint8")
    >>> logits = np.zeros((1, 1, 3, 2), "float32")
    >>> round(float(Jaccard()(labels, logits)), 4)  # 1 - 0.5 / (1 + 1 - 0.5) for both classes
    0.6667

    Source: Rahman, Wang (2016), "Optimizing Intersection-Over-Union in Deep Neural Networks for
    Image Segmentation".
    """

    def __init__(self, per="batch", ignore_class="auto", class_weights=None, name="jaccard"):
        super().__init__(per, ignore_class, class_weights, name)

    def overlap(self, shared, true, predicted):
        return shared / (true + predicted - shared)
