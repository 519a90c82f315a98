"""Muon against singular values in NumPy, ten steps written out, and Keras's own for matrices."""

import keras
import numpy as np
import pytest

from fcn_keras.training import Muon, Recipe, compile_model
from fcn_keras.training.muon import QUINTIC, orthogonalized

pytestmark = pytest.mark.backend
L = keras.layers


def by_singular_values(matrix, steps=5):
    """The same iteration on the singular values alone, in float64."""
    u, s, v = np.linalg.svd(np.asarray(matrix, "float64"), full_matrices=False)
    s = s / np.sqrt((s**2).sum())
    a, b, c = QUINTIC
    for _ in range(steps):
        s = a * s + b * s**3 + c * s**5
    return (u * s) @ v


@pytest.mark.parametrize("shape", [(40, 18), (18, 40), (27, 27)])
def test_orthogonalized(shape):
    matrix = np.random.default_rng(0).normal(size=shape).astype("float32")
    found = keras.ops.convert_to_numpy(orthogonalized(keras.ops.convert_to_tensor(matrix)))
    np.testing.assert_allclose(found, by_singular_values(matrix), atol=2e-4)
    values = np.linalg.svd(found, compute_uv=False)
    assert values.max() < 1.21
    assert np.median(values) > 0.68


def net():
    """Two kernels of rows enough (3x3x4 to 20, 20 to 24), and scores."""
    keras.utils.set_random_seed(0)
    image = keras.Input((6, 6, 4))
    x = L.Conv2D(20, 3, name="wide")(image)
    x = L.DepthwiseConv2D(3, padding="same", name="deep")(x)
    x = L.Conv2D(24, 1, name="mixed")(x)
    return keras.Model(image, L.Conv2D(17, 1, name="score_fr")(x))


def batches(count):
    random = np.random.default_rng(1)
    x = random.normal(size=(count * 2, 6, 6, 4)).astype("float32")
    return x, random.normal(size=(count * 2, 4, 4, 17)).astype("float32")


def trained(model, optimizer, x, y):
    model.compile(optimizer, "mse")
    model.fit(x, y, batch_size=2, shuffle=False, verbose=0)
    return values_of(model)


def values_of(model):
    return {v.path: np.array(keras.ops.convert_to_numpy(v), "float64") for v in model.weights}


def test_which_kernels_are_matrices():
    optimizer = Muon()
    model = net()
    optimizer.build(model.trainable_variables)
    orthogonal = [
        variable.path
        for variable, velocity in zip(model.trainable_variables, optimizer.velocities, strict=True)
        if velocity is None
    ]
    assert orthogonal == ["wide/kernel", "mixed/kernel"]


def written_out(rate, decay, momentum, gradients, values, factors):
    """Steps by the formulas, given each step's gradients."""
    values = {name: value.copy() for name, value in values.items()}
    first = {name: 0.0 for name in values}
    second = {name: 0.0 for name in values}
    for step, found in enumerate(gradients, start=1):
        for name, g in found.items():
            own = rate * factors.get(name.partition("/")[0], 1.0)
            if g.ndim > 1:
                values[name] = values[name] * (1 - own * decay)
            if name in ("wide/kernel", "mixed/kernel"):
                first[name] = momentum * first[name] + g
                ahead = (g + momentum * first[name]).reshape(-1, g.shape[-1])
                move = 0.2 * max(ahead.shape) ** 0.5 * by_singular_values(ahead)
            else:
                first[name] = 0.9 * first[name] + 0.1 * g
                second[name] = 0.999 * second[name] + 0.001 * g**2
                mean, square = first[name] / (1 - 0.9**step), second[name] / (1 - 0.999**step)
                move = mean / (np.sqrt(square) + 1e-7)
            values[name] = values[name] - own * move.reshape(g.shape)
    return values


def test_ten_steps_by_the_formulas():
    """The gradients are given, so that rounding does not lead two trainings apart."""
    model, random = net(), np.random.default_rng(2)
    before = values_of(model)
    names = [variable.path for variable in model.trainable_variables]
    gradients = [
        {name: random.normal(size=before[name].shape) * 0.1 for name in names} for _ in range(10)
    ]
    optimizer = Muon(0.01, momentum=0.8, weight_decay=0.1, rates={"mixed": 0.5})
    optimizer.build(model.trainable_variables)
    for found in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(found[name], "float32") for name in names])
    expected = written_out(0.01, 0.1, 0.8, gradients, before, {"mixed": 0.5})
    found = values_of(model)
    for name in names:
        np.testing.assert_allclose(found[name], expected[name], atol=3e-5, err_msg=name)


def test_matrices_are_kerass_muon():
    """Keras 3 has Muon for matrices alone, with the same step."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((20,))
    ours = keras.Model(inputs, L.Dense(24, name="dense")(inputs))
    theirs = keras.models.clone_model(ours)
    theirs.set_weights(ours.get_weights())
    random = np.random.default_rng(3)
    x, y = (random.normal(size=(20, n)).astype("float32") for n in (20, 24))
    options = {"weight_decay": 0.1, "momentum": 0.9}
    peer = keras.optimizers.Muon(0.01, adam_weight_decay=0.0, **options)
    found, expected = trained(ours, Muon(0.01, **options), x, y), trained(theirs, peer, x, y)
    for name in found:
        np.testing.assert_allclose(found[name], expected[name], atol=5e-4)


def test_a_saved_model_goes_on_where_it_was(tmp_path):
    x, y = batches(8)
    whole, part = net(), net()
    options = {"rates": {"wide": 0.5}, "weight_decay": 0.1}
    expected = trained(whole, Muon(0.003, **options), x, y)
    trained(part, Muon(0.003, **options), x[:6], y[:6])
    part.save(tmp_path / "part.keras")
    again = keras.models.load_model(tmp_path / "part.keras")
    assert type(again.optimizer) is Muon
    assert again.optimizer.get_config() == part.optimizer.get_config()
    again.fit(x[6:], y[6:], batch_size=2, shuffle=False, verbose=0)
    for name, value in values_of(again).items():
        np.testing.assert_allclose(value, expected[name], atol=1e-4, err_msg=name)


def test_by_a_recipe():
    model = net()
    recipe = Recipe(optimizer="muon", schedule="constant", crop=(6, 6), momentum=0.9)
    optimizer = compile_model(model, recipe, steps_per_epoch=1).optimizer
    assert isinstance(optimizer, Muon)
    assert (optimizer.momentum, optimizer.weight_decay) == (0.9, 0.01)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"momentum": 1.0}, "`momentum` .*got 1.0"),
        ({"beta_2": -0.1}, "`beta_2` .*got -0.1"),
        ({"rates": {"x": -1}}, "`rates.*got -1"),
    ],
)
def test_impossible_numbers_are_quoted(options, message):
    with pytest.raises(ValueError, match=message):
        Muon(**options)
