"""Focal: cross-entropy with small weights for pixels that are predicted well."""

import keras
from keras import ops

from fcn_keras.checks import number
from fcn_keras.losses.base import cross_entropy
from fcn_keras.losses.pixel_base import PixelLoss


@keras.saving.register_keras_serializable("fcn_keras")
class Focal(PixelLoss):
    """Focal loss from logits, averaged over the pixels that count.

    With p the softmax probability of a pixel's label and w its class's weight:
    loss = sum(w * (1 - p)**gamma * -log p) / sum(w). Void, labels out of range, dtypes and
    `sample_weight` are as in `CrossEntropy`, which gamma=0 gives.

    `keras.losses.CategoricalFocalCrossentropy` takes one-hot truth, counts pixels of zeros in the
    divisor, and clips the probabilities to [1e-7, 1 - 1e-7], where its gradient is 0.

    Args:
        gamma: a number of at least 0; the higher, the smaller the weight of pixels of high p.
        ignore_class, class_weights, name, normalize, sampling, cell, seed: as in `CrossEntropy`;
            `class_weights` are the paper's alpha.

    Raises:
        ValueError: for a negative `gamma`, and where `CrossEntropy` raises.

    Example:

    >>> labels = np.array([[[0, 1, 255]]], "uint8")
    >>> logits = np.zeros((1, 1, 3, 2), "float32")
    >>> round(float(Focal(gamma=2.0)(labels, logits)), 4)  # 0.5**2 * log 2
    0.1733

    Source: Lin et al. (2017), "Focal Loss for Dense Object Detection", section 3.2.
    """

    def __init__(
        self,
        gamma=2.0,
        ignore_class="auto",
        class_weights=None,
        name="focal",
        *,
        normalize=True,
        sampling=None,
        cell=1,
        seed=None,
    ):
        super().__init__(ignore_class, class_weights, name, normalize, sampling, cell, seed)
        self.gamma = number("gamma", gamma)

    def pixel_losses(self, labels, logits):
        entropy = cross_entropy(labels, logits)
        wrong = ops.maximum(
            -ops.expm1(-entropy), 1e-12
        )  # 1 - p; above 0, where powers have gradients
        return wrong**self.gamma * entropy

    def get_config(self):
        return {"gamma": self.gamma, **super().get_config()}
