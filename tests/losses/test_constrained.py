"""The constrained loss: its multipliers against SciPy's minimum of the dual, and its bounds."""

import math

import keras
import numpy as np
import pytest
from keras import ops
from scipy.optimize import minimize
from scipy.special import log_softmax, logsumexp, softmax

from fcn_keras.losses import Absent, Background, ConstrainedCNN, Linear, Present, Size
from fcn_keras.losses.weak_base import WeakBatch

SHAPE = (4, 12, 15)  # images, height, width
CLASSES = 5
TAGS = np.array([[1, 2, 0, 1, 0], [1, 1, 0, 0, 0], [1, 1, 2, 1, 1], [1, 0, 0, 0, 2]], "uint8")
SETS = {
    "tags": (Absent(), Present(0.15, slack=2.0), Background(0.3, 0.6)),
    "sizes": (Absent(), Size(0.2, at_most=0.35), Background(0.2, 0.7)),
    "linear": (
        Linear({1: 1.0, 3: -1.0}, at_least=0.05, slack=3.0),
        Linear([0, 1, 1, 1, 1], None, 0.4),
    ),
}


@pytest.fixture(scope="module", params=SETS)
def solved(request):
    """A set of constraints, its loss, scores, rows, and the multipliers found for each image."""
    rng = np.random.default_rng(7)
    smooth = rng.normal(size=(*SHAPE, CLASSES)) + 3 * rng.normal(size=(SHAPE[0], 1, 1, CLASSES))
    logits = (smooth + [2, 0, 0, 0, 0]).astype("float32")
    loss = ConstrainedCNN(SETS[request.param], stride=1)
    rows = loss.rows(CLASSES)

    def multipliers(logits, tags):
        allowed, large, objectness, _ = loss.read(ops.cast(tags, "float32"), logits)
        return loss.multipliers(WeakBatch.of(logits, allowed, large, objectness), rows)

    if keras.backend.backend() == "jax":
        import jax

        multipliers = jax.jit(multipliers)
    found = multipliers(ops.convert_to_tensor(logits), TAGS)
    return loss, logits.astype("float64"), rows, np.asarray(ops.convert_to_numpy(found))


def holding(row, tags):
    """Whether a row holds for the tags of an image."""
    if row.label is None:
        return True
    if row.label == 0 and row.bound < 0:
        return bool(tags[1:].any())
    sizes = {"any": (1, 2), "large": (2,), "small": (1,)}
    return tags[row.label] in sizes[row.size]


def problem(loss, logits, rows, tags):
    """(scores (pixels, classes), A, b, slacks) of an image, in float64."""
    scores = logits.reshape(-1, CLASSES).copy()
    if any(isinstance(one, Absent) for one in loss.constraints):
        scores[:, tags == 0] = -np.inf
    weights, bounds = np.array([r.weights for r in rows]), np.array([r.bound for r in rows])
    slacks = [row.slack if holding(row, tags) else 0.0 for row in rows]
    return scores, weights, bounds, slacks


@pytest.mark.backend
def test_the_multipliers_are_the_minimum_of_the_dual(solved):
    loss, logits, rows, found = solved
    for n, tags in enumerate(TAGS):
        scores, weights, bounds, slacks = problem(loss, logits[n], rows, tags)

        def dual(multipliers, scores=scores, weights=weights, bounds=bounds):
            shifted = scores + multipliers @ weights
            slope = softmax(shifted, -1).mean(0) @ weights.T - bounds
            return logsumexp(shifted, -1).mean() - multipliers @ bounds, slope

        limits = [(0, min(slack, 100)) for slack in slacks]
        options = {"ftol": 1e-15, "gtol": 1e-10, "maxiter": 5000}
        best = minimize(dual, np.zeros(len(rows)), jac=True, bounds=limits, options=options)
        np.testing.assert_allclose(found[n] @ weights, best.x @ weights, atol=1e-4)
    assert (found > 0.1).any()


@pytest.mark.backend
def test_hard_bounds_hold_and_only_tight_ones_have_a_multiplier(solved):
    loss, logits, rows, found = solved
    for n, tags in enumerate(TAGS):
        scores, weights, bounds, slacks = problem(loss, logits[n], rows, tags)
        shares = softmax(scores + found[n] @ weights, -1).mean(0)
        rest = weights @ shares - bounds
        for row, left, multiplier, slack in zip(rows, rest, found[n], slacks, strict=True):
            if not slack:
                assert multiplier == 0
            elif math.isinf(slack) or multiplier < slack:
                assert left > -1e-3, row.name
            if 0 < multiplier < slack:
                assert abs(left) < 1e-3, row.name


@pytest.mark.backend
def test_the_loss_is_the_divergence_and_its_gradient_q_minus_p(solved, value_and_gradient):
    loss, logits, rows, found = solved
    expected, gradient = [], []
    for n, tags in enumerate(TAGS):
        scores, weights, _, _ = problem(loss, logits[n], rows, tags)
        p = softmax(scores + found[n] @ weights, -1)
        q = log_softmax(logits[n].reshape(-1, CLASSES), -1)
        expected.append(np.where(p > 0, p * (np.log(np.maximum(p, 1e-300)) - q), 0).sum(-1).mean())
        gradient.append((np.exp(q) - p) / p.shape[0] / len(TAGS))
    value, slope = value_and_gradient(loss, TAGS, logits.astype("float32"))
    assert value == pytest.approx(np.mean(expected), rel=1e-4)
    np.testing.assert_allclose(slope, np.reshape(gradient, slope.shape), atol=1e-6)


def test_scores_that_keep_the_constraints_are_not_shifted():
    tags, shares = np.array([[1, 1]], "uint8"), np.array([0.5, 0.5])
    logits = np.log(np.broadcast_to(shares, (1, 4, 4, 2))).astype("float32")
    loss = ConstrainedCNN("tags", stride=1)
    allowed, large, _, _ = loss.read(ops.cast(tags, "float32"), ops.convert_to_tensor(logits))
    batch = WeakBatch.of(ops.convert_to_tensor(logits), allowed, large, None)
    assert not np.asarray(loss.multipliers(batch, loss.rows(2))).any()
    assert float(loss(tags, logits)) == pytest.approx(0, abs=1e-7)


def test_contradicting_bounds_are_named():
    crowded = ConstrainedCNN((Absent(), Present(0.25, slack=None), Background(0.3, 0.7)), stride=1)
    crowded.require_feasible([[1, 1, 1, 0], [1, 0, 0, 0]])
    wrong = np.array([[1, 1, 1, 1]], "uint8")
    with pytest.raises(ValueError, match=r"classes 0, 1, 2, 3: .*Present\(at_least=0.25.* class 3"):
        crowded.require_feasible(wrong)
    assert np.isnan(float(crowded(wrong, np.zeros((1, 4, 4, 4), "float32"))))
    road = ConstrainedCNN((Absent(), Linear({1: 1.0, 2: -1.0}, at_least=0.2), Size(0.5, 0.3)))
    with pytest.raises(ValueError, match=r"Linear\(.*; Size\(at_least=0.5"):
        road.require_feasible([[1, 1, 2]])


def test_impossible_constraints_are_refused():
    with pytest.raises(ValueError, match=r"not be above `at_most`, got Background\(at_least=0.8"):
        Background(0.8, 0.3)
    with pytest.raises(ValueError, match="`at_least` must be a number from 0 to 1, got 5"):
        Present(5)
    with pytest.raises(ValueError, match="has no bound"):
        Linear([1, 0])
    with pytest.raises(ValueError, match="must be one of 'tags', 'sizes' or a list"):
        ConstrainedCNN("points")
    with pytest.raises(ValueError, match="does not fit nets of 3 classes"):
        ConstrainedCNN([Linear([1, 0], at_least=0.1)]).rows(3)


def test_constraints_are_saved():
    loss = ConstrainedCNN((Absent(), Size(0.2, 0.1), Linear({1: 1.0}, at_most=0.3, label=2)))
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert again.constraints == loss.constraints and again.rows(4) == loss.rows(4)
