"""PixelLoss, the base of losses that are a mean or a sum over pixels, or over a random share."""

import random

import keras
from keras import ops

from fcn_keras.checks import one_of, positive, whole_number
from fcn_keras.losses.base import LabelLoss, averaged

NORMALIZE = (True, False, "pixels")


class PixelLoss(LabelLoss):
    """Averages or sums `pixel_losses(labels, logits)` over the pixels that count."""

    def __init__(self, ignore_class, class_weights, name, normalize, sampling, cell, seed):
        super().__init__(
            ignore_class, class_weights, name, "sum_over_batch_size" if normalize else "sum"
        )
        one_of("normalize", normalize, NORMALIZE)
        self.normalize = normalize if normalize == "pixels" else bool(normalize)
        self.sampling = None if sampling is None else positive("sampling", sampling, 1)
        self.cell = whole_number("cell", cell)
        drawn = sampling is not None and seed is None
        self.seed = random.randint(1, 10**9) if drawn else seed

    def values(self, labels, counted, logits):
        losses = self.pixel_losses(labels, logits)
        weights = self.pixel_weights(labels, counted)
        values = losses * weights
        if self.normalize:
            count = ops.cast(counted, "float32") if self.normalize == "pixels" else None
            values = averaged(losses, weights, count)
        if self.sampling is None:
            return values
        seen = ops.where(counted, ops.stop_gradient(losses), 0.0)
        kept = ops.cast(self._sample(seen), "float32")
        return values * (kept / self.sampling)

    def pixel_losses(self, labels, logits):
        """Returns the loss of each pixel, (batch, height, width)."""
        raise NotImplementedError

    def _sample(self, losses):
        """Returns which pixels are kept, bool; the draw follows from the seed and the losses."""
        batch, height, width = ops.shape(losses)
        side = self.cell
        cells = (batch, (height + side - 1) // side, (width + side - 1) // side)
        kept = keras.random.uniform(cells, seed=_Key(self.seed, losses)) < self.sampling
        if side > 1:
            kept = ops.repeat(ops.repeat(kept, side, axis=1), side, axis=2)
        return kept[:, :height, :width]

    def get_config(self):
        return {
            **super().get_config(),
            "normalize": self.normalize,
            "sampling": self.sampling,
            "cell": self.cell,
            "seed": self.seed,
        }


class _Key(keras.random.SeedGenerator):
    """The key of one draw, made from the seed and the values of the step.

    Keras does not track the state of a loss, so that a seed generator would not advance in a
    compiled JAX step; the losses of the pixels differ from step to step on every backend.
    """

    def __init__(self, seed, values):
        bits = ops.cast(ops.clip(values, 0.0, 2000.0) * float(1 << 20), "int32")
        pair = ops.stack([ops.convert_to_tensor(seed, dtype="int32"), ops.sum(bits)])
        self.key = ops.cast(pair, "uint32")

    def next(self, ordered=True):
        return self.key
