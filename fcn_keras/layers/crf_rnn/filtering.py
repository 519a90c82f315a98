"""Filtering by a Gaussian kernel: splat, blur and slice on a lattice's points, normalised."""

from keras import ops


class Kernel:
    """The kernel D^-1/2 K D^-1/2, with D the row sums of the lattice's K, as in `fcn_keras.crf`.

    Args:
        points: `Points` of n features.
        dtype: dtype of the values to be filtered.
        weights: float32 (n, d + 1), those of the points already divided by the roots of D.
    """

    def __init__(self, points, dtype, weights=None):
        self.points = points
        if weights is None:
            self.weights = points.weights
            weights = points.weights * ops.rsqrt(self(ops.ones_like(points.weights[:, :1]), 1))
        self.weights = ops.stop_gradient(ops.cast(weights, dtype))

    def __call__(self, values, channels):
        """Returns the filtered values, (n, channels)."""
        offsets, room = self.points.offsets, self.points.room
        spread = self.weights[:, :, None] * values[:, None, :]
        spread = ops.reshape(spread, (-1, channels))
        at_points = ops.segment_sum(spread, ops.reshape(offsets, (-1,)), room + 1)
        for before, behind in self.points.neighbors:
            near = ops.take(at_points, before, axis=0) + ops.take(at_points, behind, axis=0)
            at_points = at_points + 0.5 * near
        corners = range(self.weights.shape[-1])
        return sum(
            self.weights[:, k, None] * ops.take(at_points, offsets[:, k], axis=0) for k in corners
        )
