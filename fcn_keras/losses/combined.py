"""Sum: a weighted sum of losses, as one loss."""

import keras
import numpy as np


@keras.saving.register_keras_serializable("fcn_keras")
class Sum(keras.losses.Loss):
    """A weighted sum of losses on the same labels and logits.

    Each loss reduces its own values; the sum is w_1 loss_1 + w_2 loss_2 + ..., a scalar.

    Args:
        losses: Keras losses, of this package or others that take the same truth.
        weights: one finite number of at least 0 for each; 1 each by default.
        name: name of the loss.

    Call arguments:
        y_true, y_pred: passed to every loss unchanged.
        sample_weight: passed to every loss.

    Raises:
        ValueError: for an empty list, an entry that is no loss, or weights that do not fit.

    Example:

    ```python
    from fcn_keras.losses import CrossEntropy, Lovasz, Sum

    model.compile("adamw", Sum([CrossEntropy(), Lovasz()], weights=[1.0, 0.5]))
    ```
    """

    def __init__(self, losses, weights=None, name="sum"):
        super().__init__(name=name, dtype="float32")
        self.losses = [
            keras.losses.deserialize(loss) if isinstance(loss, dict) else loss for loss in losses
        ]
        wrong = [loss for loss in self.losses if not isinstance(loss, keras.losses.Loss)]
        if wrong or not self.losses:
            raise ValueError(f"`losses` must be a list of Keras losses, got {losses!r}.")
        self.weights = [1.0] * len(self.losses) if weights is None else list(map(float, weights))
        fit = len(self.weights) == len(self.losses) and np.isfinite(self.weights).all()
        if not fit or min(self.weights) < 0:
            raise ValueError(
                f"`weights` must be one finite number of at least 0 for each of the "
                f"{len(self.losses)} losses, got {weights!r}."
            )

    def __call__(self, y_true, y_pred, sample_weight=None):
        pairs = zip(self.weights, self.losses, strict=True)
        return sum(weight * loss(y_true, y_pred, sample_weight) for weight, loss in pairs)

    def call(self, y_true, y_pred):
        return self(y_true, y_pred)

    def get_config(self):
        losses = [keras.losses.serialize(loss) for loss in self.losses]
        return {"losses": losses, "weights": self.weights, "name": self.name}
