"""The class-balanced loss of boundaries against its formula in NumPy."""

import keras
import numpy as np
import pytest

from fcn_keras.losses import ClassBalanced
from fcn_keras.tasks import Boundaries
from fcn_keras.training.loss import build_loss

pytestmark = pytest.mark.backend


def by_formula(target, logits):
    """Equation 2 of the paper, summed over the pixels of one image and its maps."""
    known, positive = ~np.isnan(target), np.nan_to_num(target) >= 0.5
    share = (known & ~positive).sum() / known.sum()
    total = 0.0
    for channel in np.moveaxis(logits.astype("float64"), -1, 0):
        probability = 1 / (1 + np.exp(-channel))
        total -= share * np.log(probability[positive]).sum()
        total -= (1 - share) * np.log(1 - probability[known & ~positive]).sum()
    return total


@pytest.fixture
def batch():
    draw = np.random.default_rng(0)
    target = (draw.random((2, 7, 9)) * (draw.random((2, 7, 9)) < 0.4)).astype("float32")
    target[0, 0, :3] = np.nan
    return target, draw.normal(size=(2, 7, 9, 3)).astype("float32")


def test_the_sum_is_that_of_the_formula(batch):
    target, logits = batch
    expected = sum(map(by_formula, target, logits))
    found = ClassBalanced(normalize=False)(target, logits)
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_the_mean_divides_by_the_known_pixels(batch):
    target, logits = batch
    expected = sum(map(by_formula, target, logits)) / (~np.isnan(target)).sum()
    assert float(ClassBalanced()(target[..., None], logits)) == pytest.approx(expected, rel=1e-5)


def test_large_logits_stay_finite_and_nothing_known_is_nothing():
    target = np.array([[[1.0, 0.0]]], "float32")
    right = np.array([[[[300.0], [-300.0]]]], "float32")
    loss = ClassBalanced(normalize=False)
    assert float(loss(target, right)) == 0
    assert float(loss(target, -right)) == pytest.approx(300)
    assert float(loss(np.full_like(target, np.nan), right)) == 0


def test_the_threshold_decides_what_is_a_boundary():
    target, logits = np.array([[[0.3, 0.0, 0.0]]], "float32"), np.ones((1, 1, 3, 1), "float32")
    assert float(ClassBalanced()(target, logits)) == 0  # no boundary, so no others either
    kept = keras.losses.deserialize(keras.losses.serialize(ClassBalanced(threshold=0.3)))
    log = np.log1p(np.exp([-1, 1]))
    assert float(kept(target, logits)) == pytest.approx((2 * log[0] + 2 * log[1]) / 9, rel=1e-5)


@pytest.mark.parametrize(
    ("make", "fragment"),
    [
        (lambda: ClassBalanced(0), "`threshold` must be above 0"),
        (lambda: ClassBalanced(normalize="sum"), "`normalize` must be"),
        (lambda: ClassBalanced()(np.zeros((1, 4, 4)), np.zeros((1, 4, 5, 1))), "takes logits"),
    ],
)
def test_what_does_not_fit_is_refused(make, fragment):
    with pytest.raises(ValueError, match=fragment):
        make()


def test_other_losses_are_not_for_boundaries():
    task = Boundaries()
    assert isinstance(build_loss(None, task, "sum"), ClassBalanced)
    with pytest.raises(ValueError, match="'cross_entropy' is not for the task 'boundaries'"):
        build_loss("cross_entropy", task)
