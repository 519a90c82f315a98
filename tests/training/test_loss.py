"""Losses in words against the losses themselves, and the summed loss against NumPy."""

import keras
import numpy as np
import pytest

from fcn_keras import losses, tasks
from fcn_keras.training.loss import build_loss, parsed

pytestmark = pytest.mark.backend
THREE = tasks.Classes(num_classes=3)


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
    with pytest.raises(ValueError, match="`loss` must be one of cross_entropy, .*, got '"):
        parsed(text)


def test_a_sum_of_losses(batch):
    made = build_loss("cross_entropy + 0.5 * dice(per='image')", THREE)
    expected = float(losses.CrossEntropy()(*batch)) + 0.5 * float(losses.Dice(per="image")(*batch))
    assert float(made(*batch)) == pytest.approx(expected, rel=1e-5)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(made))
    assert float(again(*batch)) == pytest.approx(expected, rel=1e-5)


def test_the_sum_over_the_pixels(batch):
    expected = entropies(*batch).sum()
    assert float(build_loss("cross_entropy", THREE, "sum")(*batch)) == pytest.approx(
        expected, rel=1e-5
    )
    mean = expected / (batch[0] != 255).sum()
    assert float(build_loss("cross_entropy", THREE, "mean")(*batch)) == pytest.approx(
        mean, rel=1e-5
    )


def test_class_weights_go_to_every_loss_that_takes_them(batch):
    weights = [1.0, 2.0, 5.0]
    table = np.array([*weights, *[0.0] * 253])
    expected = (entropies(*batch) * table[batch[0]]).sum() / table[batch[0]].sum()
    made = build_loss("cross_entropy", THREE, class_weights=weights)
    assert float(made(*batch)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    "text, normalization, message",
    [
        ("focal(alpha=1)", "mean", "focal has no option 'alpha'. Its options: gamma"),
        ("dice(ignore_class=3)", "mean", "dice has no option 'ignore_class'"),
        ("cross_entropy + lovasz", "sum", "which lovasz is not"),
    ],
)
def test_options_that_a_loss_does_not_have(text, normalization, message):
    with pytest.raises(ValueError, match=message):
        build_loss(text, THREE, normalization)


def test_a_loss_of_another_task_is_refused():
    task = tasks.Regression()
    made = build_loss("absolute_error(squared=True)", task)
    assert made.squared and isinstance(made, losses.AbsoluteError)
    with pytest.raises(
        ValueError, match="'focal' is not for the task 'regression'.*absolute_error"
    ):
        build_loss("focal", task)
    with pytest.raises(ValueError, match="not for the task 'classes', whose losses are cross_ent"):
        build_loss("dice + absolute_error", THREE)


def test_the_default_is_that_of_the_task():
    assert type(build_loss(None, THREE)) is losses.CrossEntropy
    assert type(build_loss(None, tasks.Regression())) is losses.AbsoluteError
    weighted = build_loss(None, THREE, "sum", [1.0, 2.0, 3.0]).get_config()
    assert weighted["normalize"] is False and list(weighted["class_weights"]) == [1.0, 2.0, 3.0]
