"""Dice and Jaccard: one minus a soft overlap of prediction and truth of each class."""

import keras
from keras import ops

from fcn_keras.losses.region_base import RegionLoss


class _Overlap(RegionLoss):
    """The base of Dice and Jaccard: 1 - `overlap(shared, true, predicted)` of present classes."""

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
    the truth is left out, as its overlap is 0 for every prediction and has no gradient. Without
    counted pixels, loss and gradient are 0; images without counted pixels are left out of the
    mean over images. Labels out of range make the loss NaN. Computed in float32.

    `keras.losses.Dice` and `Tversky` take one-hot truth and probabilities, treat all pixels of
    all classes as one region by default, and count predictions on void.

    Args:
        per: "batch" treats the batch as one region, as the mean IU treats the dataset; "image"
            averages over the images.
        ignore_class: as in `CrossEntropy`.
        class_weights: one number of at least 0 for each class, the weights of the mean over the
            present classes, or None for equal weights. Only their ratios matter.
        name: name of the loss.

    Call arguments:
        y_true, y_pred: labels and logits as for `CrossEntropy`.
        sample_weight: with per="image" one weight for each image, (batch,), which multiplies the
            losses of the images and not the divisor. With per="batch" it must be None.

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

    loss = mean over present classes of 1 - sum(p t) / (sum(p) + sum(t) - sum(p t)). Arguments
    and conventions are those of `Dice`.

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
