"""Losses in words against the losses themselves, and the summed loss against NumPy."""

import keras
import numpy as np
import pytest

from fcn_keras import losses, tasks
from fcn_keras.training.objective import objective, parsed

pytestmark = pytest.mark.backend


@pytest.fixture
def batch():
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, (2, 5, 4)).astype("uint8")
    labels[0, :2] = 255
    return labels, random.normal(size=(2, 5, 4, 3)).astype("float32")


def entropies(labels, logits):
    """-log softmax of each pixel's label, 0 where void."""
    shares = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    known = np.where(labels == 255, 0, labels)
    chosen = np.take_along_axis(shares, known[..., None], -1)[..., 0]
    return np.where(labels == 255, 0, -np.log(chosen))


def test_words():
    assert parsed("dice") == [(1.0, "dice", {})]
    assert parsed("cross_entropy + 0.5*focal(gamma=3)+2 * ohem(share=0.25)") == [
        (1.0, "cross_entropy", {}),
        (0.5, "focal", {"gamma": 3}),
        (2.0, "ohem", {"share": 0.25}),
    ]


@pytest.mark.parametrize(
    "text",
    ["", "entropy", "dice(2)", "dice - focal", "-1 * dice", "0 * dice", "dice * 2", "a.b", "dice("],
)
def test_words_without_meaning_are_quoted(text):
    with pytest.raises(ValueError, match="`loss` must be one of cross_entropy, .* got '"):
        parsed(text)


def test_a_sum_of_losses(batch):
    made = objective("cross_entropy + 0.5 * dice(per='image')", ignore_class=255)
    expected = float(losses.CrossEntropy()(*batch)) + 0.5 * float(losses.Dice(per="image")(*batch))
    assert float(made(*batch)) == pytest.approx(expected, rel=1e-5)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(made))
    assert float(again(*batch)) == pytest.approx(expected, rel=1e-5)


def test_the_sum_over_the_pixels(batch):
    expected = entropies(*batch).sum()
    assert float(objective("cross_entropy", "sum")(*batch)) == pytest.approx(expected, rel=1e-5)
    mean = expected / (batch[0] != 255).sum()
    assert float(objective("cross_entropy", "mean")(*batch)) == pytest.approx(mean, rel=1e-5)


def test_class_weights_go_to_every_loss_that_takes_them(batch):
    weights = [1.0, 2.0, 5.0]
    table = np.array([*weights, *[0.0] * 253])
    expected = (entropies(*batch) * table[batch[0]]).sum() / table[batch[0]].sum()
    made = objective("cross_entropy", class_weights=weights)
    assert float(made(*batch)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    "text, normalization, message",
    [
        ("focal(alpha=1)", "mean", "focal has no option 'alpha'; it has gamma"),
        ("dice(ignore_class=3)", "mean", "dice has no option 'ignore_class'"),
        ("cross_entropy + lovasz", "sum", "lovasz is no sum over pixels"),
    ],
)
def test_options_that_a_loss_does_not_have(text, normalization, message):
    with pytest.raises(ValueError, match=message):
        objective(text, normalization)


def test_a_loss_of_another_task_is_refused():
    task = tasks.Regression()
    made = objective("absolute_error(squared=True)", task=task)
    assert made.squared and isinstance(made, losses.AbsoluteError)
    with pytest.raises(
        ValueError, match="'focal' is not for the task 'regression'.*absolute_error"
    ):
        objective("focal", task=task)
    with pytest.raises(ValueError, match="not for the task 'classes', whose losses are cross_ent"):
        objective("dice + absolute_error", task=tasks.Classes(num_classes=2))
