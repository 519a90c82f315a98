"""CrossEntropy: of all pixels, or of a random share of them."""

import keras

from fcn_keras.checks import whole_number
from fcn_keras.losses.base import cross_entropy
from fcn_keras.losses.pixel_base import PixelLoss


@keras.saving.register_keras_serializable("fcn_keras")
class CrossEntropy(PixelLoss):
    """Cross-entropy from logits, averaged over the pixels that count.

    With w the weight of a pixel's class (1 without `class_weights`, 0 for void):
    loss = sum(w * -log softmax(logits)[label]) / sum(w). A batch without counted pixels has loss
    0 and gradient 0. Computed in float32, also under mixed precision. Under `tf.distribute` the
    divisor is the sum over all replicas, so that void may lie unevenly.

    `keras.losses.SparseCategoricalCrossentropy(ignore_class=255, from_logits=True)` (Keras 3.15)
    computes the same values on TensorFlow and JAX. It lacks three things: it ignores one value
    only; it has no class weights; and a label out of range that is not void is an error in a
    TensorFlow graph, NaN with NaN gradients under XLA, and silently a pixel of loss 0 under JAX.
    Here such a label makes the loss NaN on every backend, so that
    `keras.callbacks.TerminateOnNaN` stops the training, and the gradients stay finite.

    Args:
        ignore_class: value or values of the labels that are not counted, or None. "auto" is 255,
            or 65535 for logits of more than 255 classes.
        class_weights: one finite number of at least 0 for each class, or None. Only their ratios
            matter, unless `normalize` says otherwise. `fcn_keras.data.class_weights` computes them
            from a dataset.
        name: name of the loss.
        normalize: False gives the sum over the counted pixels of the batch, as Caffe's
            `normalize: false`, for learning rates such as 1e-10; "pixels" divides that sum by the
            number of counted pixels, as SegNet's loss. Then the absolute values of
            `class_weights` matter.
        sampling: None, or the share in (0, 1] of the cells that count in a step. Each cell is kept
            with that probability, independently, and has weight 1 / share, so that loss and
            gradient are unbiased. A batch larger by 1 / share has as many counted pixels as
            without sampling. The loss is sampled in evaluation too; metrics are not.
        cell: side of the square cells in pixels; the pixels of a cell are kept or left out
            together. 1 draws single pixels, 32 is about a cell of the score map of an FCN-32s.
        stride: 1 for all pixels. n: every n-th row and column of labels and logits counts, from
            the first on. The loss of a net of stride n whose first cell is centred on the first
            pixel (`deeplab_v1`) then is that of its own map, and no label is interpolated.
        seed: whole number that seeds the draws, or None: then one is drawn from Python's `random`,
            which `keras.utils.set_random_seed` seeds. Each draw follows from the seed and the
            pixel losses of the step: every step draws other cells, and the same weights and
            batch draw the same cells again on the same device.

    Call arguments:
        y_true: labels (batch, height, width) or (batch, height, width, 1), whole numbers of any
            dtype, in [0, classes) or ignored.
        y_pred: logits (batch, height, width, classes), any float dtype.
        sample_weight: optional; as in Keras it multiplies the pixels' losses and not the divisor.

    Raises:
        ValueError: for a wrong `ignore_class`, `class_weights`, `sampling`, `cell` or `stride`, or
            shapes that do not fit.

    Example:

    >>> loss = CrossEntropy(class_weights=[1.0, 3.0])
    >>> labels = np.array([[[0, 1, 255]]], "uint8")
    >>> logits = np.array([[[[0.0, 0.0], [0.0, 2.0], [5.0, -5.0]]]], "float32")
    >>> round(float(loss(labels, logits)), 4)  # (log 2 + 3 log(1 + exp(-2))) / 4
    0.2685

    Source: Long, Shelhamer, Darrell, "Fully Convolutional Networks for Semantic Segmentation",
    section 4 (per-pixel multinomial logistic loss, void masked out) and 3.4 (patchwise training
    is loss sampling); the weights are those of Paszke et al., "ENet", section 5.2.
    """

    def __init__(
        self,
        ignore_class="auto",
        class_weights=None,
        name="cross_entropy",
        *,
        normalize=True,
        sampling=None,
        cell=1,
        stride=1,
        seed=None,
    ):
        super().__init__(ignore_class, class_weights, name, normalize, sampling, cell, seed)
        self.stride = whole_number("stride", stride)

    def __call__(self, y_true, y_pred, sample_weight=None):
        if self.stride > 1 and len(getattr(sample_weight, "shape", ())) > 2:
            sample_weight = self._sliced(sample_weight)
        return super().__call__(y_true, y_pred, sample_weight)

    def values(self, labels, counted, logits):
        return super().values(*map(self._sliced, (labels, counted, logits)))

    def pixel_losses(self, labels, logits):
        return cross_entropy(labels, logits)

    def _sliced(self, maps):
        """Every `stride`-th row and column of maps (batch, height, width, ...)."""
        return maps[:, :: self.stride, :: self.stride]

    def get_config(self):
        return {**super().get_config(), "stride": self.stride}
