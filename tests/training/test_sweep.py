"""The sweep of learning rates: curves whose best rate is known, and a net left as it was."""

import numpy as np
import pytest
from PIL import Image

from fcn_keras.training import Recipe, find_lr
from fcn_keras.training.sweep import RateSweep

RATES = np.geomspace(1e-6, 1, 121)


def test_a_tenth_of_the_rate_of_the_least_loss():
    valley = np.abs(np.log10(RATES) + 2) + 1
    found = RateSweep(RATES, valley)
    assert found.suggested == pytest.approx(1e-3, rel=0.15)
    assert found.bounded
    noisy = RateSweep(RATES, valley + np.random.default_rng(0).normal(0, 0.1, 121))
    assert 4e-4 < noisy.suggested < 2.5e-3


def test_a_loss_that_only_falls_has_no_bound():
    assert not RateSweep(RATES, -np.log10(RATES)).bounded


def test_smoothing_keeps_lines_and_the_ends():
    line = np.linspace(3, 1, 121)
    np.testing.assert_allclose(RateSweep(RATES, line).smoothed[10:-10], line[10:-10])
    assert len(RateSweep(RATES[:2], line[:2]).smoothed) == 2
    np.testing.assert_allclose(RateSweep(RATES, np.full(121, 0.7)).smoothed, 0.7)


def test_the_picture(tmp_path):
    path = RateSweep(RATES, np.abs(np.log10(RATES) + 2)).draw(tmp_path / "lr.png")
    assert min(Image.open(path).size) > 100


def test_a_net_is_swept_and_left_as_it_was(net, shapes):
    pytest.importorskip("tensorflow")
    before = net.get_weights()
    recipe = Recipe(batch_size=4, optimizer="sgd", augment=False, freeze=["batch*"])
    found = find_lr(net, shapes, recipe, lowest=1e-5, highest=1e4, steps=40)
    assert len(found.losses) <= 40
    np.testing.assert_allclose(found.rates[1:] / found.rates[:-1], 1e9 ** (1 / 39))
    assert found.losses[0] == pytest.approx(np.log(3), abs=0.8)
    assert found.bounded
    assert 1e-5 < found.suggested < 10
    for old, new in zip(before, net.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert all(layer.trainable for layer in net.layers)


def test_wrong_sweeps_are_refused(net, shapes):
    pytest.importorskip("tensorflow")
    with pytest.raises(ValueError, match="lowest=1.0, highest=0.1"):
        find_lr(net, shapes, lowest=1.0, highest=0.1)
    with pytest.raises(ValueError, match="steps=1"):
        find_lr(net, shapes, steps=1)
    kernel = net.layers[-1].kernel
    kernel.assign(kernel * np.nan)
    with pytest.raises(ValueError, match="NaN at a rate of 1e-06: use a lower"):
        find_lr(net, shapes, Recipe(batch_size=4), steps=5)
