"""A random share of the cells counts in each step, without bias, anew in every step."""

import keras
import numpy as np
import pytest

from fcn_keras.losses import CrossEntropy, Focal

pytestmark = pytest.mark.backend


def kept_pixels(loss, labels, logits, value_and_gradient):
    return np.abs(value_and_gradient(loss, labels, logits)[1]).sum(-1) > 0


@pytest.mark.parametrize("kind", [CrossEntropy, Focal])
def test_kept_pixels_have_their_gradient_over_the_share(kind, example, value_and_gradient):
    labels, logits = example(shape=(4, 20, 25))
    _, everything = value_and_gradient(kind(), labels, logits)
    _, sampled = value_and_gradient(kind(sampling=0.25, seed=1), labels, logits)
    kept = np.abs(sampled).sum(-1) > 0
    np.testing.assert_allclose(sampled[kept], 4 * everything[kept], rtol=1e-5, atol=1e-9)
    counted = (labels != 255).sum()
    assert abs(kept.sum() - 0.25 * counted) < 5 * np.sqrt(0.25 * 0.75 * counted)


def test_the_mean_of_many_draws_is_the_loss(example):
    """200 seeds: within five standard errors of the mean."""
    labels, logits = example(shape=(1, 12, 10))
    expected = float(CrossEntropy()(labels, logits))
    draws = [float(CrossEntropy(sampling=0.5, seed=s)(labels, logits)) for s in range(200)]
    assert np.std(draws) > 0
    assert abs(np.mean(draws) - expected) < 5 * np.std(draws) / np.sqrt(len(draws))


def test_cells_are_kept_or_left_whole(example, value_and_gradient):
    labels, logits = example(shape=(3, 22, 17))
    labels[:] = 1
    loss = CrossEntropy(sampling=0.5, cell=4, seed=2)
    kept = kept_pixels(loss, labels, logits, value_and_gradient)
    cells = kept[:, ::4, ::4]
    np.testing.assert_array_equal(kept, cells.repeat(4, 1).repeat(4, 2)[:, :22, :17])
    assert 0 < cells.sum() < cells.size


def test_draws_repeat_and_differ(example, value_and_gradient):
    labels, logits = example(shape=(1, 20, 20))
    loss = CrossEntropy(sampling=0.5, seed=1)
    first = kept_pixels(loss, labels, logits, value_and_gradient)
    again = kept_pixels(CrossEntropy(sampling=0.5, seed=1), labels, logits, value_and_gradient)
    np.testing.assert_array_equal(first, again)
    other_seed = kept_pixels(CrossEntropy(sampling=0.5, seed=2), labels, logits, value_and_gradient)
    other_step = kept_pixels(loss, labels, logits * 1.001, value_and_gradient)
    for other in (other_seed, other_step):
        agree = (first == other)[labels != 255].mean()
        assert 0.3 < agree < 0.7  # independent draws agree on half of the pixels


def test_void_does_not_move_the_draw(example, value_and_gradient):
    labels, logits = example(shape=(1, 20, 20))
    loss = CrossEntropy(sampling=0.5, seed=1)
    value, gradient = value_and_gradient(loss, labels, logits)
    logits[:, :2] += np.random.default_rng(0).normal(size=(1, 2, 20, 4))
    again, same = value_and_gradient(loss, labels, logits)
    assert again == value
    np.testing.assert_array_equal(same, gradient)


def test_fit_draws_anew_in_each_step():
    """A bias alone moves by the mean gradient of the kept pixels, which differs step by step."""
    rng = np.random.default_rng(0)
    images = np.ones((1, 16, 16, 1), "float32")
    labels = rng.integers(0, 2, (1, 16, 16)).astype("uint8")
    model = keras.Sequential(
        [keras.Input((None, None, 1)), keras.layers.Conv2D(2, 1, kernel_initializer="zeros")]
    )
    loss = CrossEntropy(sampling=0.25, seed=1)
    model.compile(keras.optimizers.SGD(1e-4), loss)
    moves = []
    for _ in range(6):
        before = np.array(model.get_weights()[-1])
        model.fit(images, labels, verbose=0)
        moves.append((model.get_weights()[-1] - before)[0])
    assert len({round(float(move), 8) for move in moves}) > 2


def test_the_sum_is_caffes(example):
    labels, logits = example()
    counted = (labels != 255).sum()
    total = float(CrossEntropy(normalize=False)(labels, logits))
    assert total == pytest.approx(counted * float(CrossEntropy()(labels, logits)), rel=1e-5)
    weighted = float(CrossEntropy(class_weights=[2.0] * 4, normalize=False)(labels, logits))
    assert weighted == pytest.approx(2 * total, rel=1e-5)


def test_without_a_seed_the_global_one_decides(example):
    labels, logits = example(shape=(1, 20, 20))
    values = []
    for seed in (1, 1, 2):
        keras.utils.set_random_seed(seed)
        loss = CrossEntropy(sampling=0.5)
        again = keras.losses.deserialize(keras.losses.serialize(loss))
        values.append(float(loss(labels, logits)))
        assert float(again(labels, logits)) == values[-1]
    assert values[0] == values[1] != values[2]
    assert CrossEntropy().seed is None


@pytest.mark.parametrize("how", [{"sampling": 0}, {"sampling": 1.1}, {"cell": 0}, {"cell": 1.5}])
def test_wrong_options_are_named(how):
    with pytest.raises(ValueError, match=f"`{next(iter(how))}` must be"):
        CrossEntropy(**how)
