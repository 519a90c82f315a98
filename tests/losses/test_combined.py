"""Sums of losses."""

import keras
import numpy as np
import pytest

from fcn_keras.losses import CrossEntropy, Dice, Focal, Sum

pytestmark = pytest.mark.backend


def test_value_and_gradient_are_the_weighted_sum(example, value_and_gradient):
    labels, logits = example()
    parts = [CrossEntropy(class_weights=[1, 2, 3, 4]), Dice(), Focal()]
    value, gradient = value_and_gradient(Sum(parts, [1.0, 0.25, 3.0]), labels, logits)
    alone = [value_and_gradient(part, labels, logits) for part in parts]
    expected = [a + 0.25 * b + 3 * c for a, b, c in zip(*alone, strict=True)]
    assert value == pytest.approx(expected[0], rel=1e-6)
    np.testing.assert_allclose(gradient, expected[1], atol=1e-6)
    assert float(Sum(parts)(labels, logits)) == pytest.approx(sum(v for v, _ in alone), rel=1e-6)


def test_sample_weights_reach_every_loss(example):
    labels, logits = example()
    weights = np.array([1.0, 0.0]).reshape(2, 1, 1)
    both = Sum([CrossEntropy(), Focal()])(labels, logits, sample_weight=weights)
    parts = [float(loss(labels, logits, weights)) for loss in (CrossEntropy(), Focal())]
    assert float(both) == pytest.approx(sum(parts), rel=1e-6)


def test_sums_nest_and_serialize(example):
    labels, logits = example()
    loss = Sum([Sum([CrossEntropy(), Dice("image")], [2, 1]), Focal(3.0)], name="all")
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.get_config() == loss.get_config() and again.name == "all"
    assert float(again(labels, logits)) == float(loss(labels, logits))


@pytest.mark.parametrize(
    ("losses", "weights", "message"),
    [
        ([], None, "list of Keras losses"),
        (["dice"], None, "list of Keras losses"),
        ([CrossEntropy()], [1, 2], "for each of the 1 losses"),
        ([CrossEntropy()], [-1], "at least 0"),
        ([CrossEntropy()], [float("nan")], "finite"),
    ],
)
def test_what_does_not_fit_is_named(losses, weights, message):
    with pytest.raises(ValueError, match=message):
        Sum(losses, weights)
