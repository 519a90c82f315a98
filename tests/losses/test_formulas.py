"""Each loss and its gradient against its formula in float64, Keras's own, and published figures."""

import keras
import numpy as np
import pytest

from fcn_keras.losses import OHEM, CrossEntropy, Dice, Focal, Jaccard, Lovasz

pytestmark = pytest.mark.backend
WEIGHTS = [1.0, 0.5, 4.0, 2.0]


def softmax(logits):
    odds = np.exp(logits - logits.max(-1, keepdims=True))
    return odds / odds.sum(-1, keepdims=True)


def of_label(labels, logits):
    """Probabilities of the counted pixels' labels, and those labels."""
    counted = labels != 255
    labels = labels[counted].astype(int)
    return softmax(logits)[counted][np.arange(labels.size), labels], labels


def focal(labels, logits, gamma=2.0, weights=None):
    p, labels = of_label(labels, logits)
    w = np.ones(logits.shape[-1])[labels] if weights is None else np.array(weights)[labels]
    return (w * (1 - p) ** gamma * -np.log(p)).sum() / w.sum()


def ohem(labels, logits, threshold=0.7, min_kept=100_000, share=None, weights=None):
    p, labels = of_label(labels, logits)
    w = np.ones(logits.shape[-1])[labels] if weights is None else np.array(weights)[labels]
    ranked = np.argsort(p)
    least = min_kept if share is None else int(np.ceil(share * p.size))
    kept = set(ranked[:least])
    if share is None:
        kept |= set(np.flatnonzero(p <= threshold))
    kept = sorted(kept)
    return (w * -np.log(p))[kept].sum() / w[kept].sum()


def test_class_weights_over_the_number_of_pixels(example):
    """SegNet's reduction: the weighted sum over the pixels that count, not over their weights."""
    labels, logits = example(3)
    p, of_class = of_label(labels, logits)
    expected = (np.array(WEIGHTS)[of_class] * -np.log(p)).sum() / p.size
    loss = CrossEntropy(class_weights=WEIGHTS, normalize="pixels")
    assert float(loss(labels, logits)) == pytest.approx(expected, rel=1e-5)
    again = CrossEntropy.from_config(loss.get_config())
    assert again.normalize == "pixels" and float(again(labels, logits)) == float(
        loss(labels, logits)
    )
    with pytest.raises(ValueError, match="`normalize` must be one of True, False, 'pixels'"):
        CrossEntropy(normalize="count")


def dice(truth, p):
    return 1 - 2 * (truth * p).sum() / (truth.sum() + p.sum())


def jaccard(truth, p):
    return 1 - (truth * p).sum() / (truth.sum() + p.sum() - (truth * p).sum())


def lovasz(truth, p):
    """By the definition of the extension: J of ever larger sets of wrong pixels."""
    errors = np.abs(truth - p)
    wrong, before, total = np.zeros(truth.shape, bool), 0.0, 0.0
    for i in np.argsort(-errors):
        wrong[i] = True
        right = truth.astype(bool) & ~wrong
        union = truth.astype(bool) | wrong
        now = 1 - right.sum() / union.sum()
        total, before = total + errors[i] * (now - before), now
    return total


def by_region(of_class, labels, logits, per="batch", weights=None, everything=False):
    """A mean over classes of `of_class(truth, probabilities)`, then over images."""
    regions = [slice(None)] if per == "batch" else [slice(i, i + 1) for i in range(len(labels))]
    values = []
    for region in regions:
        counted = labels[region] != 255
        p, classes = softmax(logits[region])[counted], labels[region][counted]
        of = [c for c in range(logits.shape[-1]) if everything or (classes == c).any()]
        if classes.size:
            losses = [of_class((classes == c).astype(float), p[:, c]) for c in of]
            values.append(np.average(losses, weights=np.array(weights or np.ones(99))[of]))
    return np.mean(values)


def numerical_gradient(formula, labels, logits, step=1e-5):
    logits = logits.astype("float64")
    gradient = np.zeros_like(logits)
    for index in np.ndindex(logits.shape):
        moved = logits.copy()
        moved[index] += step
        up = formula(labels, moved)
        moved[index] -= 2 * step
        gradient[index] = (up - formula(labels, moved)) / (2 * step)
    return gradient


def region(of_class, **how):
    return lambda labels, logits: by_region(of_class, labels, logits, **how)


CASES = {
    "focal": (Focal(), focal),
    "focal, gamma 0.5": (Focal(0.5), lambda t, x: focal(t, x, 0.5)),
    "focal, weights": (
        Focal(3, class_weights=WEIGHTS),
        lambda t, x: focal(t, x, 3, WEIGHTS),
    ),
    "ohem, threshold": (OHEM(0.4, min_kept=1), lambda t, x: ohem(t, x, 0.4, 1)),
    "ohem, at least": (OHEM(0.01, min_kept=20), lambda t, x: ohem(t, x, 0.01, 20)),
    "ohem, more than there are": (OHEM(0.01), lambda t, x: ohem(t, x, 0.01)),
    "ohem, share": (
        OHEM(share=0.3, class_weights=WEIGHTS),
        lambda t, x: ohem(t, x, share=0.3, weights=WEIGHTS),
    ),
    "dice": (Dice(), region(dice)),
    "dice, image": (Dice(per="image"), region(dice, per="image")),
    "dice, weights": (
        Dice(class_weights=WEIGHTS),
        region(dice, weights=WEIGHTS),
    ),
    "jaccard": (Jaccard(), region(jaccard)),
    "jaccard, image, weights": (
        Jaccard("image", class_weights=WEIGHTS),
        region(jaccard, per="image", weights=WEIGHTS),
    ),
    "lovasz": (Lovasz(), region(lovasz)),
    "lovasz, image": (Lovasz("image"), region(lovasz, per="image")),
    "lovasz, weights": (
        Lovasz(class_weights=WEIGHTS),
        region(lovasz, weights=WEIGHTS),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_value_and_gradient_follow_the_formula(name, example, value_and_gradient):
    loss, formula = CASES[name]
    labels, logits = example(7)
    labels[1][labels[1] == 2] = 0  # class 2 is absent from the second image
    value, gradient = value_and_gradient(loss, labels, logits)
    assert value == pytest.approx(formula(labels, logits.astype("float64")), rel=1e-5)
    expected = numerical_gradient(formula, labels, logits)
    assert np.abs(expected).max() > 1e-3
    np.testing.assert_allclose(gradient, expected, atol=2e-6)


@pytest.mark.parametrize("everything", [False, True])
def test_lovasz_of_absent_classes(everything, example):
    labels, logits = example()
    labels[labels == 1] = 0
    loss = Lovasz(classes="all" if everything else "present")
    expected = by_region(lovasz, labels, logits.astype("float64"), everything=everything)
    assert float(loss(labels, logits)) == pytest.approx(expected, rel=1e-5)


def test_lovasz_of_certain_predictions_is_one_minus_the_mean_iu():
    """3 of 4 pixels of class 0 and 4 of 5 of class 1 are right: IU 3/5 and 4/6."""
    labels = np.array([[[0, 0, 0, 0, 1, 1, 1, 1, 1]]], "uint8")
    predicted = np.array([[[0, 0, 0, 1, 0, 1, 1, 1, 1]]])
    logits = 100 * np.eye(2, dtype="float32")[predicted]
    expected = 1 - (3 / 5 + 4 / 6) / 2
    for loss in (Lovasz(), Jaccard()):
        assert float(loss(labels, logits)) == pytest.approx(expected, rel=1e-5)
    assert float(Dice()(labels, logits)) == pytest.approx(1 - (6 / 8 + 8 / 10) / 2, rel=1e-5)


def test_focal_at_the_papers_probabilities():
    """Section 3.2: with gamma 2, p = 0.9 weighs a hundredth, p = 0.968 nearly a thousandth."""
    labels = np.zeros((1, 1, 1), "uint8")
    for p, factor in ((0.9, 100), (0.968, 1000)):
        logits = np.array([[[[np.log(p / (1 - p)), 0.0]]]], "float32")
        ratio = float(CrossEntropy()(labels, logits)) / float(Focal()(labels, logits))
        assert ratio == pytest.approx(factor, rel=0.03)


def test_without_void_they_are_keras(example):
    labels, logits = example(3)
    labels[labels == 255] = 0
    one_hot = np.eye(4, dtype="float32")[labels]
    focal_of_keras = keras.losses.CategoricalFocalCrossentropy(
        alpha=1.0, gamma=2.0, from_logits=True
    )
    assert float(Focal()(labels, logits)) == pytest.approx(
        float(focal_of_keras(one_hot, logits)), rel=1e-4
    )
    dice_of_keras = keras.losses.Dice(axis=(0, 1, 2))(one_hot, softmax(logits))
    assert float(Dice()(labels, logits)) == pytest.approx(float(dice_of_keras), rel=1e-4)
    assert float(Focal(0.0)(labels, logits)) == pytest.approx(
        float(CrossEntropy()(labels, logits)), rel=1e-6
    )


def test_lovasz_of_many_pixels_keeps_its_digits(value_and_gradient):
    """The increments of 200,000 pixels, a millionth each, against those in float64."""
    rng = np.random.default_rng(0)
    labels = (rng.random((1, 400, 500)) < 0.3).astype("uint8")
    logits = rng.normal(size=(1, 400, 500, 2)).astype("float32")
    _, gradient = value_and_gradient(Lovasz(), labels, logits)
    truth, p = labels.ravel().astype(float), softmax(logits.astype("float64"))[..., 1].ravel()
    expected = np.zeros_like(p)
    for of, prob, sign in ((truth, p, 1), (1 - truth, 1 - p, -1)):
        order = np.argsort(-np.abs(of - prob))
        right, union = of.sum() - np.cumsum(of[order]), of.sum() + np.cumsum(1 - of[order])
        steps = np.diff(1 - right / union, prepend=0.0)
        expected[order] += sign * np.where(of[order] > 0, -steps, steps) / 2
    expected *= p * (1 - p)
    error = np.abs(gradient[..., 1].ravel() - expected)
    assert np.quantile(error / np.abs(expected), 0.99) < 1e-4


def test_only_the_kept_pixels_have_a_gradient(example, value_and_gradient):
    labels, logits = example(5)
    _, gradient = value_and_gradient(OHEM(share=0.25), labels, logits)
    counted = labels != 255
    p = np.take_along_axis(softmax(logits), np.where(counted, labels, 0)[..., None], -1)[..., 0]
    moved = np.abs(gradient).sum(-1) > 0
    assert moved.sum() == np.ceil(0.25 * counted.sum())
    assert p[moved].max() <= p[counted & ~moved].min()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Focal(-1), "`gamma` must be a number of at least 0"),
        (lambda: Focal(float("nan")), "`gamma` must be a number of at least 0"),
        (lambda: OHEM(0), "`threshold` must be a number above 0 and at most 1"),
        (lambda: OHEM(min_kept=0), "`min_kept` must be a whole number"),
        (lambda: OHEM(min_kept=0.5), "`min_kept` must be a whole number"),
        (lambda: OHEM(share=1.5), "`share` must be a number above 0 and at most 1"),
        (lambda: Dice("pixel"), "`per` must be one of 'batch', 'image', got 'pixel'"),
        (lambda: Lovasz(classes="some"), "`classes` must be one of 'present', 'all'"),
    ],
)
def test_wrong_options_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
