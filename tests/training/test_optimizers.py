"""Optimizers with factors against NumPy, by gradients written out for a net of two layers."""

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras.training import CaffeSGD, PerLayerAdam, PerLayerAdamW, PerLayerSGD

pytestmark = pytest.mark.backend
L = keras.layers
RATES = {"trunk": 0.5, "score*": 3.0}
FACTORS = {"trunk/kernel": 0.5, "trunk/bias": 1.0, "score_fr/kernel": 3.0, "score_fr/bias": 6.0}
NAMES = list(FACTORS)


def two_layers():
    """A 1x1 convolution on another, without anything between them."""
    image = keras.Input((4, 4, 3))
    x = L.Conv2D(5, 1, bias_initializer="random_normal", name="trunk")(image)
    return keras.Model(image, L.Conv2D(2, 1, bias_initializer="random_normal", name="score_fr")(x))


def weights_of(model):
    return {v.path: np.array(keras.ops.convert_to_numpy(v), "float64") for v in model.weights}


def gradients(weights, x, y):
    """Of the mean squared error, by the chain rule."""
    trunk, score = weights["trunk/kernel"][0, 0], weights["score_fr/kernel"][0, 0]
    flat = x.reshape(-1, 3).astype("float64")
    hidden = flat @ trunk + weights["trunk/bias"]
    out = hidden @ score + weights["score_fr/bias"]
    error = 2 * (out - y.reshape(-1, 2)) / y.size
    back = error @ score.T
    return {
        "trunk/kernel": (flat.T @ back)[None, None],
        "trunk/bias": back.sum(0),
        "score_fr/kernel": (hidden.T @ error)[None, None],
        "score_fr/bias": error.sum(0),
    }


def batches(count):
    random = np.random.default_rng(0)
    x = random.normal(size=(count, 2, 4, 4, 3)).astype("float32")
    return list(zip(x, random.normal(size=(count, 2, 4, 4, 2)).astype("float32"), strict=True))


def trained(model, optimizer, data):
    """Weights after `model.fit` over the batches in their order."""
    model.compile(optimizer, "mse")
    x, y = (np.concatenate(part) for part in zip(*data, strict=True))
    model.fit(x, y, batch_size=2, shuffle=False, verbose=0)
    return weights_of(model)


def assert_close(found, expected):
    for name in NAMES:
        np.testing.assert_allclose(found[name], expected[name], rtol=2e-4, atol=2e-6)


def caffe(weights, data, rate, momentum, decay, accumulate=1, factors=FACTORS, decays=None):
    """Caffe's solver: normalize, regularize, update."""
    weights = dict(weights)
    velocity = {name: 0.0 for name in NAMES}
    for first in range(0, len(data), accumulate):
        found = [gradients(weights, x, y) for x, y in data[first : first + accumulate]]
        for name in NAMES:
            gradient = sum(g[name] for g in found) / accumulate
            if name.endswith("kernel"):
                gradient = gradient + decay * (decays or {}).get(name, 1.0) * weights[name]
            velocity[name] = momentum * velocity[name] + rate * factors[name] * gradient
        weights = {name: weights[name] - velocity[name] for name in NAMES}
    return weights


@pytest.mark.parametrize("accumulate", [1, 3])
def test_ten_steps_of_caffe(accumulate):
    model, data = two_layers(), batches(10 * accumulate)
    before = weights_of(model)
    options = {"gradient_accumulation_steps": accumulate} if accumulate > 1 else {}
    optimizer = CaffeSGD(0.02, momentum=0.9, weight_decay=0.1, rates=RATES, **options)
    found = trained(model, optimizer, data)
    expected = caffe(before, data, 0.02, 0.9, 0.1, accumulate)
    assert_close(found, expected)
    without_decay = caffe(before, data, 0.02, 0.9, 0.0, accumulate)
    assert np.abs(expected["trunk/kernel"] - without_decay["trunk/kernel"]).max() > 1e-3


def test_caffe_without_momentum():
    model, data = two_layers(), batches(10)
    expected = caffe(weights_of(model), data, 0.02, 0.0, 0.1)
    found = trained(model, CaffeSGD(0.02, momentum=0.0, weight_decay=0.1, rates=RATES), data)
    assert_close(found, expected)


def test_decay_by_layer_and_a_layer_held_still():
    model, data = two_layers(), batches(10)
    before = weights_of(model)
    rates, decays = {"trunk": 0.0}, {"score*": 0.25}
    optimizer = CaffeSGD(0.02, weight_decay=0.4, rates=rates, decays=decays, bias_rate=1.0)
    factors = {name: 0.0 if name.startswith("trunk") else 1.0 for name in NAMES}
    expected = caffe(
        before, data, 0.02, 0.9, 0.4, factors=factors, decays={"score_fr/kernel": 0.25}
    )
    found = trained(model, optimizer, data)
    assert_close(found, expected)
    np.testing.assert_array_equal(found["trunk/kernel"], before["trunk/kernel"])


def test_ten_steps_of_sgd_with_decoupled_decay():
    model, data = two_layers(), batches(10)
    weights = weights_of(model)
    optimizer = PerLayerSGD(0.02, momentum=0.8, weight_decay=0.2, rates=RATES, bias_rate=2.0)
    found = trained(model, optimizer, data)
    velocity = {name: 0.0 for name in NAMES}
    for x, y in data:
        of = gradients(weights, x, y)
        for name in NAMES:
            rate = 0.02 * FACTORS[name]
            velocity[name] = 0.8 * velocity[name] - rate * of[name]
            kept = 1 - rate * 0.2 if name.endswith("kernel") else 1.0
            weights[name] = weights[name] * kept + velocity[name]
    assert_close(found, weights)


@pytest.mark.parametrize("kind, decay", [(PerLayerAdamW, 0.1), (PerLayerAdam, 0.0)])
def test_ten_steps_of_adam(kind, decay):
    model, data = two_layers(), batches(10)
    weights = weights_of(model)
    optimizer = kind(0.01, weight_decay=decay, rates=RATES, bias_rate=2.0)
    found = trained(model, optimizer, data)
    mean, square = ({name: 0.0 for name in NAMES} for _ in range(2))
    for step, (x, y) in enumerate(data, start=1):
        of = gradients(weights, x, y)
        for name in NAMES:
            mean[name] = 0.9 * mean[name] + 0.1 * of[name]
            square[name] = 0.999 * square[name] + 0.001 * of[name] ** 2
            corrected = mean[name] / (1 - 0.9**step)
            root = np.sqrt(square[name] / (1 - 0.999**step))
            rate = 0.01 * FACTORS[name]
            kept = 1 - rate * decay if name.endswith("kernel") else 1.0
            weights[name] = weights[name] * kept - rate * corrected / (root + 1e-7)
    for name in NAMES:
        np.testing.assert_allclose(found[name], weights[name], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    "ours, keras_own",
    [
        (PerLayerSGD(0.01, momentum=0.9, nesterov=True), keras.optimizers.SGD),
        (PerLayerAdamW(0.01, weight_decay=0.1, use_ema=True), keras.optimizers.AdamW),
    ],
)
def test_without_factors_they_are_kerass(ours, keras_own):
    config = ours.get_config()
    for name in ("rates", "decays", "bias_rate"):
        config.pop(name)
    theirs = keras_own.from_config(config)
    model, data = two_layers(), batches(6)
    theirs.exclude_from_weight_decay(var_names=["bias"])
    twin = keras.models.clone_model(model)
    twin.set_weights(model.get_weights())
    assert_close(trained(model, ours, data), trained(twin, theirs, data))


def test_a_saved_model_goes_on_where_it_was(tmp_path):
    data = batches(12)
    whole, part = two_layers(), two_layers()
    part.set_weights(whole.get_weights())
    schedule = fcn_keras.training.schedule("step", 0.03, 12)
    options = {"rates": RATES, "decays": {"trunk": 0.5}, "bias_rate": 2.0, "weight_decay": 0.1}
    expected = trained(whole, CaffeSGD(schedule, **options), data)
    trained(part, CaffeSGD(schedule, **options), data[:5])
    part.save(tmp_path / "part.keras")
    again = keras.models.load_model(tmp_path / "part.keras")
    assert type(again.optimizer) is CaffeSGD
    assert again.optimizer.get_config() == part.optimizer.get_config()
    x, y = (np.concatenate(values) for values in zip(*data[5:], strict=True))
    again.fit(x, y, batch_size=2, shuffle=False, verbose=0)
    assert_close(weights_of(again), expected)


def test_mixed_precision_keeps_the_factors():
    """With loss scaling the optimizer sits in another."""
    model, data = two_layers(), batches(10)
    before = weights_of(model)
    inner = CaffeSGD(0.02, momentum=0.9, weight_decay=0.1, rates=RATES)
    scaled = keras.optimizers.LossScaleOptimizer(inner, initial_scale=128.0)
    assert_close(trained(model, scaled, data), caffe(before, data, 0.02, 0.9, 0.1))


def test_the_last_glob_that_matches_counts():
    model = two_layers()
    optimizer = CaffeSGD(rates={"*": 7.0, "score_fr": 2.0}, bias_rate=1.0)
    found = trained(model, optimizer, batches(1))
    plain = two_layers()
    assert set(found) == set(weights_of(plain))
    table = optimizer._factors.table
    rates = [table[optimizer._var_key(v)][0] for v in model.trainable_variables]
    assert rates == [7.0, 7.0, 2.0, 2.0]


@pytest.mark.parametrize(
    "options, message",
    [
        ({"rates": {"score*": -1}}, r"`rates\['score\*'\]` .*got -1"),
        ({"rates": {"score*": "ten"}}, r"`rates\['score\*'\]` .*got 'ten'"),
        ({"rates": "score"}, "`rates` must be {glob: factor}, got 'score'"),
        ({"bias_rate": float("nan")}, "`bias_rate` .*got nan"),
        ({"weight_decay": -0.1}, "`weight_decay` .*got -0.1"),
        ({"momentum": 1.0}, "`momentum` .*got 1.0"),
    ],
)
def test_impossible_factors_are_quoted(options, message):
    with pytest.raises(ValueError, match=message):
        CaffeSGD(**options)


def test_a_glob_without_a_layer_is_told_with_the_layers_there_are():
    optimizer = CaffeSGD(rates={"fc9": 2.0})
    with pytest.raises(ValueError, match="'fc9'; there are trunk, score_fr"):
        optimizer.build(two_layers().trainable_variables)
