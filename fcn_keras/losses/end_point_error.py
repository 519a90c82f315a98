"""The loss of optical flow: end-point errors at several resolutions, unknown flow left out."""

import keras
from keras import ops

from fcn_keras.checks import number, positive
from fcn_keras.layers.pad_to_multiple import PadToMultiple
from fcn_keras.losses.base import averaged
from fcn_keras.losses.differences import differences

WEIGHTS = (0.005, 0.01, 0.02, 0.08, 0.32)  # of the paper, from stride 4 to stride 64
FINEST = 4  # stride of the first level


@keras.saving.register_keras_serializable("fcn_keras")
class MultiLevelEndPointError(keras.losses.Loss):
    """End-point errors of optical flow, of every level that a net predicts in training.

    A FlowNet gives its levels as further channels in training (`fcn_keras.layers.SideOutputs`):
    flow at the strides 4, 8, 16, 32 and 64. The truth of a level is the mean of the known flow in
    each of its cells; cells without known flow are left out. With e the distance of a cell's
    predicted end point from the true one, in pixels of the image,

    loss = sum over the levels of weight * sum over the cells of e / scale, divided by the batch.

    An output without levels, as in validation, counts as the finest level alone. Computed in
    float32, also under mixed precision.

    Args:
        weights: The weight of each level, the finest first.
        scale: Pixels of flow that count as 1; 20 in the paper.
        normalize: True divides by the number of known pixels instead, and by the sum of the
            weights that the levels then have: a weighted mean of the levels' mean errors, which
            does not depend on the size of the images. False, or normalization="sum" of a recipe,
            is the sum above.
        epsilon: Added under the root of the distance; 0.01 in the published nets' Caffe layers.
        name: name of the loss.

    Call arguments:
        y_true: flow (batch, height, width, 2) in pixels, NaN where it is not known.
        y_pred: outputs (batch, height, width, 2), or with 2 further channels for each level.
        sample_weight: optional, (batch,).

    Raises:
        ValueError: for shapes that do not fit, or weights of pixels.

    Example:

    >>> loss = MultiLevelEndPointError()
    >>> truth = np.zeros((1, 8, 8, 2), "float32")
    >>> output = np.full((1, 8, 8, 2), (12.0, 16.0), "float32")
    >>> float(loss(truth, output))  # sqrt(12² + 16²) / 20
    1.0

    Source: Dosovitskiy, Fischer et al. (2015), "FlowNet", section 5; the weights are those of the
    published training.
    """

    tasks = ("flow",)  # kinds of the tasks that it is for

    def __init__(
        self, weights=WEIGHTS, scale=20.0, normalize=True, epsilon=0.0, name="end_point_error"
    ):
        super().__init__(name=name, dtype="float32")
        self.weights = [number("weights", weight) for weight in weights]
        if not any(self.weights):
            raise ValueError(f"`weights` needs a weight above 0 for a level, got {weights!r}.")
        self.scale = positive("scale", scale)
        self.normalize = bool(normalize)
        self.epsilon = number("epsilon", epsilon)

    def __call__(self, y_true, y_pred, sample_weight=None):
        if sample_weight is not None and len(ops.shape(sample_weight)) != 1:
            raise ValueError(
                f"{type(self).__name__} takes a weight for each image, (batch,), got weights of "
                f"shape {tuple(ops.shape(sample_weight))}."
            )
        return super().__call__(y_true, y_pred, sample_weight)

    def call(self, y_true, y_pred):
        levels = self._levels(y_pred)
        if not levels:
            per_pixel = self.weights[0] / FINEST**2
            return self._errors(y_true, y_pred, 1.0 if self.normalize else per_pixel)
        shares = self._shares() if self.normalize else self.weights
        target, known = _known(y_true)
        total, stride = 0.0, 1
        for number_, (level, share) in enumerate(zip(levels, shares, strict=True)):
            factor = FINEST if number_ == 0 else 2
            target, known = _coarser(target, factor), _coarser(known, factor)
            stride *= factor
            output = level[:, ::stride, ::stride]
            truth = ops.where(known > 0, target / ops.maximum(known, 1e-9), float("nan"))
            total = total + self._errors(truth, output, share)
        return total

    def _levels(self, y_pred):
        """The channels of each level; none where there is the output alone."""
        channels = y_pred.shape[-1]
        if channels not in (2, 2 + 2 * len(self.weights)):
            raise ValueError(
                f"{type(self).__name__} with {len(self.weights)} weights takes outputs of 2 "
                f"channels, or {2 + 2 * len(self.weights)} with the levels, got {channels}."
            )
        return [y_pred[..., first : first + 2] for first in range(2, channels, 2)]

    def _shares(self):
        """The weights of the levels' mean errors, which sum to 1."""
        strides = [FINEST * 2**level for level in range(len(self.weights))]
        per_pixel = [w / stride**2 for w, stride in zip(self.weights, strides, strict=True)]
        return [one / sum(per_pixel) for one in per_pixel]

    def _errors(self, y_true, y_pred, weight):
        """The weighted error of each image, (batch,), whose mean is that of the batch."""
        difference, known = differences(y_true, y_pred, type(self).__name__)
        squares = ops.sum(ops.square(difference), axis=-1) + self.epsilon
        above = squares > 0  # the root has no gradient at 0
        errors = ops.where(above, ops.sqrt(ops.where(above, squares, 1.0)), 0.0)
        errors, counted = errors * (weight / self.scale), ops.cast(known, "float32")
        if self.normalize:
            return ops.mean(averaged(errors, counted), axis=(1, 2))
        return ops.sum(errors * counted, axis=(1, 2))

    def get_config(self):
        return {
            "weights": self.weights,
            "scale": self.scale,
            "normalize": self.normalize,
            "epsilon": self.epsilon,
            "name": self.name,
        }


def _known(y_true):
    """The flow with 0 where it is not known, and 1 where it is, float32 (..., 1)."""
    target = ops.cast(ops.convert_to_tensor(y_true), "float32")
    known = ops.logical_not(ops.any(ops.isnan(target), axis=-1, keepdims=True))
    return ops.where(known, target, 0.0), ops.cast(known, "float32")


def _coarser(values, factor):
    """The mean of each cell of `factor` x `factor`, as if there were zeros beyond the border."""
    padded = PadToMultiple(factor).call(values)
    return ops.average_pool(padded, factor, strides=factor, padding="valid")
