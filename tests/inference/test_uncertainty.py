"""Monte-Carlo dropout: means, variances and entropies against NumPy, and what stays as it was."""

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras.inference import uncertainty
from fcn_keras.inference.uncertainty import MCDropoutPredictor

pytestmark = pytest.mark.backend

RATE = 0.25


def net(rate=RATE, kind=keras.layers.Dropout):
    """Logits (x, 0) of one channel x = 2 in every pixel, dropped at the rate."""
    image = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(1, 1, use_bias=False, name="mean")(image)
    x = keras.layers.BatchNormalization(name="normal")(x)
    x = kind(rate)(x)
    score = keras.layers.Conv2D(2, 1, use_bias=False, name="score")
    model = keras.Model(image, score(x))
    model.get_layer("mean").set_weights([np.full((1, 1, 3, 1), 2 / 300, "float32")])
    score.set_weights([np.array([[[[1.0, 0.0]]]], "float32")])
    return model


@pytest.fixture
def grey():
    return np.full((40, 50, 3), 100, "uint8")


def test_the_passes_are_those_of_dropout(grey):
    """Each pixel is 0, or 2 / (1 - rate) by a Bernoulli draw of its own in each pass."""
    kept = 1 / (1 + np.exp(-2 / (1 - RATE) / np.sqrt(1.001)))
    passes = [one[0] for one in MCDropoutPredictor(net(), 8).passes([grey])]
    for one in passes:
        first = one[..., 0]
        assert np.all(np.isclose(first, kept, atol=1e-4) | np.isclose(first, 0.5, atol=1e-5))
        assert np.isclose(first, 0.5, atol=1e-5).mean() == pytest.approx(RATE, abs=0.05)
    assert np.abs(passes[0] - passes[1]).max() > 0.1


def test_mean_variance_and_entropy_are_those_of_the_passes(grey):
    model = net()
    passes = np.stack(
        [one[0] for one in MCDropoutPredictor(model, 6, seed=4).passes([grey])]
    ).astype("float64")
    found = uncertainty(model, grey, samples=6, seed=4)
    mean = passes.mean(0)
    np.testing.assert_allclose(found.mean, mean, atol=1e-6)
    np.testing.assert_allclose(found.variance, passes.var(0), atol=1e-6)
    entropy = -(mean * np.log(mean)).sum(-1)
    np.testing.assert_allclose(found.entropy, entropy, atol=1e-5)
    each = -(passes * np.log(passes)).sum(-1).mean(0)
    np.testing.assert_allclose(found.mutual_information, entropy - each, atol=1e-5)
    np.testing.assert_array_equal(found.labels, mean.argmax(-1))
    assert found.variance.max() > 0.01 and found.mutual_information.max() > 0.01


def test_a_seed_repeats_the_passes(grey):
    first, again, other = (uncertainty(net(), grey, samples=2, seed=s).mean for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.05


def test_the_model_is_left_as_it_was(grey):
    model = net(kind=keras.layers.SpatialDropout2D)
    before = model.predict_on_batch(grey[None].astype("float32"))
    labels, mean = fcn_keras.segment(model, grey, samples=3, return_probabilities=True)
    assert labels.shape == (40, 50) and np.ptp(mean[..., 0]) < 1e-6  # whole maps are dropped
    np.testing.assert_array_equal(before, model.predict_on_batch(grey[None].astype("float32")))


def test_an_fcns_dropout_is_found(tiny_vgg):
    model = fcn_keras.fcn32s(
        3, tiny_vgg, weights=None, dropout=0.5, score_initializer="glorot_uniform"
    )
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), "uint8")
    found = uncertainty(model, image, samples=3)
    assert found.variance.max() > 0
    assert found.classes.num_classes == 3


@pytest.mark.parametrize("rate", [0.0, None])
def test_a_net_without_dropout_is_refused(grey, rate):
    model = (
        net(0.0)
        if rate == 0.0
        else keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(2, 1)])
    )
    with pytest.raises(ValueError, match="has no Dropout"):
        fcn_keras.segment(model, grey, samples=2)


def test_impossible_samples_are_refused(grey):
    with pytest.raises(ValueError, match="at least 2"):
        uncertainty(net(), grey, samples=1)
    with pytest.raises(ValueError, match="at least 1, got 0"):
        fcn_keras.segment(net(), grey, samples=0)
