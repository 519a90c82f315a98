"""The dual of the constrained loss: one multiplier for each constraint, by projected Newton steps.

It is convex, and has as many unknowns for each image as there are constraints.
"""

from keras import ops

STEPS = 40  # Newton steps at most; some 6 are usual
REACH = 8.0  # a multiplier changes at most by this in a step
ENOUGH = 2e-6  # error of a share at which the search ends
LARGEST = 200.0  # of multipliers without a bound of their own
SHORTER = (1.0, 0.5, 0.2, 0.05)  # of a Newton step, the first that lowers the dual enough
CURVATURE = 1e-6  # added to the curvature, which is 0 where a class has no pixel


def multipliers(scores, counted, weights, bounds, slacks):
    """Returns the multipliers of constraints on the shares of classes.

    They minimise mean over pixels of logsumexp(scores + A' l) - b' l over 0 <= l <= slack. The
    distribution closest to softmax(scores) in Kullback-Leibler divergence that keeps the shares at
    A share >= b is softmax(scores + A' l): the same shift of the classes' scores at all pixels.

    Args:
        scores: float32 (batch, pixels, classes), very low where a pixel cannot have a class.
        counted: float32 (batch, pixels), 1 for the pixels that make up the shares.
        weights: A, float32 (rows, classes).
        bounds: b, float32 (rows,).
        slacks: float32 (batch, rows): the largest multipliers, 0 for rows that do not hold for an
            image.

    Returns:
        float32 (batch, rows), through which no gradient flows. Where bounds contradict each other
        the search ends all the same.
    """
    scores = ops.stop_gradient(scores)
    scores = scores - ops.logsumexp(scores, axis=-1, keepdims=True)  # the dual is 0 at l = 0
    count = ops.maximum(ops.sum(counted, -1, keepdims=True), 1.0)
    dual = _Dual(scores, counted / count, weights, bounds)
    top = ops.minimum(ops.stop_gradient(slacks), LARGEST)

    def unfinished(step, found, error):
        return ops.logical_and(step < STEPS, ops.max(error) > ENOUGH)

    def improve(step, found, error):
        slope, curvature = dual.slope_and_curvature(found)
        error = ops.max(ops.abs(_inward(found, slope, top)), -1)
        better = dual.lower(found, slope, _newton(found, slope, curvature, top), top)
        done = ops.expand_dims(error <= ENOUGH, -1)
        return step + 1, ops.where(done, found, better), error

    start = ops.zeros_like(top), ops.ones_like(top[:, 0])
    return ops.while_loop(unfinished, improve, (ops.zeros((), "int32"), *start))[1]


class _Dual:
    """The dual function of a batch of images and its derivatives."""

    def __init__(self, scores, shares, weights, bounds):
        self.scores, self.shares = scores, shares
        self.weights, self.bounds = weights, bounds

    def value(self, found):
        """The dual, (batch,)."""
        free = ops.logsumexp(self._shifted(found), axis=-1)
        return ops.sum(self.shares * free, -1) - ops.sum(found * self.bounds, -1)

    def slope_and_curvature(self, found):
        """Its gradient (batch, rows) and Hessian (batch, rows, rows)."""
        shares = ops.expand_dims(self.shares, -1)
        probabilities = ops.softmax(self._shifted(found))
        of_classes = ops.sum(shares * probabilities, 1)
        slope = ops.matmul(of_classes, ops.transpose(self.weights)) - self.bounds
        along = ops.matmul(probabilities, ops.transpose(self.weights))
        both = ops.matmul(ops.transpose(shares * along, (0, 2, 1)), along)
        squares = ops.expand_dims(of_classes, 1) * self.weights
        return slope, ops.matmul(squares, ops.transpose(self.weights)) - both

    def lower(self, found, slope, direction, top):
        """Multipliers along a direction where the dual is lower, within the bounds."""
        before, chosen = self.value(found), found
        done = ops.zeros_like(before, dtype="bool")
        for length in SHORTER:
            there = ops.clip(found + length * direction, 0.0, top)
            fall = ops.sum(slope * (found - there), -1)
            room = 2e-7 * (1.0 + ops.abs(before))  # of float32
            enough = self.value(there) <= before - 0.1 * fall + room
            if length == SHORTER[-1]:
                enough = ops.ones_like(enough)
            take = ops.logical_and(enough, ops.logical_not(done))
            chosen = ops.where(ops.expand_dims(take, -1), there, chosen)
            done = ops.logical_or(done, take)
        return chosen

    def _shifted(self, found):
        return self.scores + ops.expand_dims(ops.matmul(found, self.weights), 1)


def _held(found, slope, top):
    """Which multipliers are at a bound that the dual falls towards."""
    low = ops.logical_and(found <= 0, slope >= 0)
    return ops.logical_or(low, ops.logical_and(found >= top, slope <= 0))


def _inward(found, slope, top):
    """The slope of the multipliers that may still move."""
    return ops.where(_held(found, slope, top), 0.0, slope)


def _newton(found, slope, curvature, top):
    """The Newton step of the multipliers that may move, each of limited length."""
    free = ops.cast(ops.logical_not(_held(found, slope, top)), "float32")
    eye = ops.eye(curvature.shape[-1])
    pairs = ops.expand_dims(free, -1) * ops.expand_dims(free, 1)
    matrix = curvature * pairs + eye * ops.expand_dims(1.0 - free + CURVATURE, -1)
    step = ops.solve(matrix, ops.expand_dims(-slope * free, -1))[..., 0]
    return ops.clip(step, -REACH, REACH)
