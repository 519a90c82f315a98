"""Losses of weak labels against their formulas in NumPy, and what they all do alike."""

import keras
import numpy as np
import pytest
from scipy.special import log_softmax

from fcn_keras.losses import (
    ConstrainedCNN,
    CrossEntropy,
    EMAdapt,
    EMFixed,
    MILSoftmax,
    Points,
    Present,
)

LOSSES = {
    "mil": MILSoftmax,
    "constrained": lambda: ConstrainedCNN(stride=1),
    "em_fixed": EMFixed,
    "em_adapt": lambda: EMAdapt(stride=1),
    "points": Points,
}


@pytest.fixture(params=LOSSES)
def loss(request):
    return LOSSES[request.param]()


def scores(seed=0, shape=(2, 6, 8), classes=4, scale=2.0):
    rng = np.random.default_rng(seed)
    return (scale * rng.normal(size=(*shape, classes))).astype("float32")


def spread(tags, logits):
    """Tags as the allowed classes of each pixel."""
    tags = np.asarray(tags, "uint8")
    return np.broadcast_to(tags[:, None, None], logits.shape).copy()


TAGS = np.array([[1, 1, 0, 1], [1, 0, 1, 0]], "uint8")


def test_mil_is_the_best_pixel_of_each_class():
    logits = scores()
    logs = log_softmax(logits, -1).reshape(2, -1, 4).max(1)
    expected = np.mean([-logs[n][TAGS[n] > 0].mean() for n in range(2)])
    assert float(MILSoftmax()(TAGS, logits)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.backend
def test_mil_has_a_gradient_at_one_pixel_a_class(value_and_gradient):
    logits = scores()
    gradient = value_and_gradient(MILSoftmax(), TAGS, logits)[1]
    touched = np.abs(gradient).max(-1) > 0
    np.testing.assert_array_equal(touched.sum((1, 2)), [3, 2])


@pytest.mark.backend
def test_em_fixed_takes_the_best_class_after_the_biases():
    logits = scores()
    bias = np.array([1.0, 2.5, 2.5, 2.5])
    possible = np.where(TAGS[:, None, None] > 0, logits + bias, -np.inf)
    logs = np.take_along_axis(log_softmax(logits, -1), possible.argmax(-1)[..., None], -1)
    found = float(EMFixed(1.0, 2.5)(TAGS, logits))
    assert found == pytest.approx(-logs.mean(), rel=1e-5)


def adapted(logits, tags, background, foreground):
    """The labels of EM-Adapt, one image, by the steps of the paper's code."""
    f = logits.reshape(-1, logits.shape[-1]).astype("float64").copy()
    f[:, tags == 0] = -np.inf
    for label in np.flatnonzero(tags):
        share = background if label == 0 else foreground
        below = np.sort(f.max(1) - f[:, label])
        f[:, label] += below[int(np.ceil(share * len(f))) - 1] + 1e-7
    return f.argmax(1)


@pytest.mark.backend
def test_em_adapt_gives_each_class_its_share():
    logits = scores(1)
    logits[..., 0] += 6  # background alone wins before
    expected = []
    for one, tags in zip(logits, TAGS, strict=True):
        labels = adapted(one, tags, 0.4, 0.25)
        assert {*np.unique(labels)} == {*np.flatnonzero(tags)}
        logs = log_softmax(one, -1).reshape(-1, 4)
        expected.append(-logs[np.arange(len(logs)), labels].mean())
    found = float(EMAdapt(0.4, 0.25, stride=1)(TAGS, logits))
    assert found == pytest.approx(np.mean(expected), rel=1e-5)


@pytest.mark.backend
def test_the_point_objective_is_its_four_terms():
    logits, allowed = scores(), spread(TAGS, scores())
    objectness = np.random.default_rng(3).uniform(size=logits.shape[:3]).astype("float32")
    allowed[0, 2, 3] = [0, 0, 0, 1]
    allowed[1, :2] = 0  # void
    s = np.exp(log_softmax(logits.astype("float64"), -1))
    expected = []
    for n, tags in enumerate(TAGS):
        count, o = allowed[n].sum(-1), objectness[n]
        clicked = -np.log(s[n][count == 1].max(-1)) if n > 5 else -np.log(s[0, 2, 3, 3])
        best = s[n][count > 0].max(0)
        values = -np.log(best[tags > 0]).mean() - np.log(1 - best[tags == 0]).mean()
        objects = s[n][..., 1:] @ tags[1:] * o / tags[1:].sum()
        open_ = -np.log((1 - o) * s[n][..., 0] + objects)[count > 1].mean()
        expected.append(values + open_ + (clicked if n == 0 else 0))
    truth = np.concatenate([allowed.astype("float32"), objectness[..., None]], -1)
    assert float(Points()(truth, logits)) == pytest.approx(np.mean(expected), rel=1e-4)


def test_the_prior_of_objects_is_highest_in_the_middle():
    """An object is cheaper there, and at the corner the background is."""
    tags = np.array([[1, 1]], "uint8")
    middle = np.zeros((1, 9, 9, 2), "float32")
    middle[..., 0], corners = 2, middle.copy()
    middle[0, 3:6, 3:6], corners[0, :3, :3] = [0, 2], [0, 2]
    loss = Points(spread=0.4)
    assert float(loss(tags, middle)) < float(loss(tags, corners)) - 0.1


def test_labelled_pixels_count_by_cross_entropy(loss):
    """A batch of masks alone has the mean of the images' cross-entropies."""
    logits = scores(2)
    labels = np.random.default_rng(0).integers(0, 4, logits.shape[:3]).astype("uint8")
    labels[0, :3] = 255
    expected = np.mean(
        [float(CrossEntropy()(labels[n : n + 1], logits[n : n + 1])) for n in (0, 1)]
    )
    assert float(loss(labels, logits)) == pytest.approx(expected, rel=1e-5)
    one_hot = np.eye(256, dtype="uint8")[labels][..., :4]
    assert float(loss(one_hot, logits)) == pytest.approx(expected, rel=1e-5)


def test_tags_are_the_allowed_classes_of_every_pixel(loss):
    logits = scores(3)
    value = float(loss(TAGS, logits))
    assert value > 1e-3
    assert float(loss(spread(TAGS, logits), logits)) == pytest.approx(value, rel=1e-6)


def test_masks_and_weak_labels_mix_in_a_batch(loss):
    logits = scores(4)
    labels = np.random.default_rng(0).integers(0, 4, logits.shape[1:3])
    truth = spread(TAGS, logits)
    truth[1] = np.eye(4, dtype="uint8")[labels]
    alone = [float(loss(TAGS[:1], logits[:1])), float(loss(truth[1:], logits[1:]))]
    assert float(loss(truth, logits)) == pytest.approx(np.mean(alone), rel=1e-5)
    weighted = float(loss(truth, logits, np.array([2.0, 0.0], "float32")))
    assert weighted == pytest.approx(alone[0], rel=1e-5)


@pytest.mark.backend
def test_void_counts_nowhere(loss, value_and_gradient):
    logits = scores(5, classes=3, scale=1.0)
    truth = spread(TAGS[:, :3], logits)
    truth[:, :2] = 0
    other = logits.copy()
    other[:, :2] = 0
    value, gradient = value_and_gradient(loss, truth, logits)
    assert float(loss(truth, other)) == pytest.approx(value, rel=1e-5)
    np.testing.assert_array_equal(gradient[:, :2], 0)
    assert np.abs(gradient).max() > 1e-4
    value, gradient = value_and_gradient(loss, np.zeros_like(truth), logits)
    assert value == 0 and not gradient.any()


@pytest.mark.backend
def test_the_gradient_is_that_of_the_value(loss, value_and_gradient):
    """With the targets held: those of the two EM losses change nowhere near these scores, the
    constrained one has the gradient Q - P, whose P the next test has.
    """
    if isinstance(loss, ConstrainedCNN):
        loss = ConstrainedCNN((Present(0.0),), stride=1)  # nothing to shift, all classes possible
    logits = scores(6)
    gradient = value_and_gradient(loss, TAGS, logits)[1]
    for place in np.argwhere(np.abs(gradient) > 1e-3)[::7]:
        step = np.zeros_like(logits)
        step[tuple(place)] = 1e-2
        rise = (float(loss(TAGS, logits + step)) - float(loss(TAGS, logits - step))) / 2e-2
        assert rise == pytest.approx(gradient[tuple(place)], rel=0.02, abs=2e-4)


def test_other_values_are_nan(loss):
    logits = scores()
    assert np.isnan(float(loss(3 * TAGS, logits)))
    assert np.isnan(float(loss(np.full((2, 6, 8), 7, "uint8"), logits)))


def test_extreme_scores_stay_finite(loss, value_and_gradient):
    logits = scores()
    logits[0, 0, 0], logits[1] = [1e30, -1e30, 0, 0], 1e4 * logits[1]
    value, gradient = value_and_gradient(loss, TAGS, logits)
    assert np.isfinite(value) and np.isfinite(gradient).all()


def test_half_precision_and_saving(loss):
    logits = scores()
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert again.get_config() == loss.get_config()
    value = float(loss(TAGS, logits))
    assert float(again(TAGS, keras.ops.cast(logits, "float16"))) == pytest.approx(value, rel=1e-2)


def test_wrong_shapes_are_refused(loss):
    with pytest.raises(
        ValueError, match=r"takes logits \(batch, height, width, classes\) and tags"
    ):
        loss(np.ones((2, 3), "uint8"), scores())
    with pytest.raises(ValueError, match=r"labels of shape \(2, 5, 8\)"):
        loss(np.ones((2, 5, 8), "uint8"), scores())
