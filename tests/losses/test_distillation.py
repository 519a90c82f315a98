"""Distillation against Hinton's formula in float64, and what it leaves out."""

import keras
import numpy as np
import pytest

from fcn_keras.losses import CrossEntropy, Dice, Distillation

pytestmark = pytest.mark.backend


def softmax(logits):
    odds = np.exp(logits.astype("float64") - logits.max(-1, keepdims=True))
    return odds / odds.sum(-1, keepdims=True)


@pytest.fixture
def taught(example):
    """Labels with two rows of void, logits, and other logits of a teacher."""
    labels, logits = example()
    return labels, logits, example(1)[1]


@pytest.mark.parametrize("void", [False, True])
@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_value_and_gradient_are_those_of_the_formula(taught, value_and_gradient, temperature, void):
    """T^2 KL has the gradient T (softmax(z / T) - softmax(t / T)) for each pixel that is taught."""
    labels, logits, teacher = taught
    p, q = softmax(teacher / temperature), softmax(logits / temperature)
    counted = np.ones(labels.shape) if void else (labels != 255)
    divergence = temperature**2 * (p * np.log(p / q)).sum(-1)
    expected = (divergence * counted).sum() / counted.sum()
    slope = temperature * (q - p) * counted[..., None] / counted.sum()
    loss = Distillation(temperature=temperature, alpha=1, void=void)
    value, gradient = value_and_gradient(
        lambda labels, logits: loss((labels, teacher), logits), labels, logits
    )
    assert value == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(gradient, slope, atol=1e-7)


def test_alpha_mixes_the_two_and_zero_is_the_labels_loss(taught, value_and_gradient):
    labels, logits, teacher = taught
    parts = [CrossEntropy(class_weights=[1, 2, 3, 4]), Distillation(alpha=1)]

    def of(loss, truth):
        return value_and_gradient(lambda _, logits: loss(truth, logits), labels, logits)

    by_labels, by_teacher = of(parts[0], labels), of(parts[1], (labels, teacher))
    mixed = of(Distillation(parts[0], alpha=0.3), (labels, teacher))
    for found, a, b in zip(mixed, by_labels, by_teacher, strict=True):
        np.testing.assert_allclose(found, 0.7 * a + 0.3 * b, rtol=1e-4, atol=1e-7)
    plain = of(Distillation(parts[0], alpha=0), (labels, np.full_like(teacher, np.nan)))
    assert plain[0] == by_labels[0]
    np.testing.assert_array_equal(plain[1], by_labels[1])


def test_the_same_logits_have_no_divergence_and_void_alone_neither(taught, value_and_gradient):
    labels, logits, _ = taught
    loss = Distillation(alpha=1)
    same = value_and_gradient(lambda labels, z: loss((labels, logits), z), labels, logits)
    assert same[0] == pytest.approx(0, abs=1e-6) and np.abs(same[1]).max() < 1e-7
    labels = np.full_like(labels, 255)
    value, gradient = value_and_gradient(lambda y, z: loss((y, 3 * z), z), labels, logits)
    assert value == 0 and not gradient.any()


def test_a_label_out_of_range_is_nan_even_if_the_teacher_has_all_the_weight(taught):
    labels, logits, teacher = taught
    labels[0, 3, 3] = 9
    assert np.isnan(float(Distillation(alpha=1)((labels, teacher), logits)))


def test_it_is_restored_from_its_config_with_the_labels_loss(taught):
    labels, logits, teacher = taught
    loss = Distillation(Dice(), temperature=3, alpha=0.2, void=True)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.get_config() == loss.get_config()
    assert float(again((labels, teacher), logits)) == float(loss((labels, teacher), logits))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alpha": 1.5}, "`alpha` must be a number from 0 to 1, got 1.5"),
        ({"temperature": 0}, "`temperature` must be a number above 0, got 0"),
        ({"void": "no"}, "`void` must be one of True, False, got 'no'"),
        ({"loss": "dice"}, "`loss` must be a Keras loss of labels and logits, got 'dice'"),
    ],
)
def test_what_does_not_fit_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        Distillation(**options)


def test_truth_without_a_teacher_or_of_another_shape_is_refused(taught):
    labels, logits, teacher = taught
    with pytest.raises(ValueError, match=r"takes the pair \(labels, logits of the teacher\)"):
        Distillation()(labels, logits)
    with pytest.raises(ValueError, match=r"shape of the net's.*\(2, 5, 7, 3\)"):
        Distillation()((labels, teacher[..., :3]), logits)
    with pytest.raises(ValueError, match=r"shape of the net's.*\(2, 4, 7, 4\)"):
        Distillation()((labels, teacher[:, :4]), logits)
