"""16-bit multiplications: logits and loss stay float32, and what is learned stays the same."""

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras.training import compile_model, setup, train
from fcn_keras.training.recipe import Recipe

pytest.importorskip("tensorflow")
POLICIES = ("mixed_float16", "mixed_bfloat16")


@pytest.mark.parametrize("policy", POLICIES)
def test_logits_and_loss_are_float32(policy):
    setup(policy, devices="cpu")
    model = fcn_keras.fcn8s(3, "vgg_slim", weights=None)
    logits = model(np.full((1, 40, 50, 3), 200.0, "float32"))
    assert logits.dtype == "float32"
    truth = np.full((1, 40, 50), 2, "uint8")
    loss = fcn_keras.losses.CrossEntropy()(truth, logits)
    assert loss.dtype == "float32"
    assert {w.dtype for w in model.trainable_variables} == {"float32"}
    half = {layer.compute_dtype for layer in model.layers}
    assert policy.removeprefix("mixed_") in half


@pytest.mark.parametrize("policy", POLICIES)
def test_a_few_steps(policy, make_net, shapes):
    setup(policy, devices="cpu")
    model = make_net()
    recipe = Recipe(epochs=4, batch_size=4, crop=None, augment=False, learning_rate=0.02)
    recipe = recipe.resolved(shapes)
    compile_model(model, recipe, shapes)
    scaled = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled == (policy == "mixed_float16")
    losses = model.fit(recipe.batches(shapes), epochs=4, shuffle=False, verbose=0).history["loss"]
    assert np.isfinite(losses).all()
    assert losses[-1] < 0.8 * losses[0]
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
    if scaled:
        assert float(model.optimizer.dynamic_scale) >= 1
        assert int(model.optimizer.inner_optimizer.iterations) == 16


def test_the_loss_scale_survives_a_resumption(make_net, shapes, tmp_path):
    setup("mixed_float16", devices="cpu")
    options = {"batch_size": 8, "crop": None, "augment": False, "verbose": 0}
    train(make_net(), shapes, out=tmp_path, epochs=1, **options)
    saved = keras.models.load_model(tmp_path / "model.keras").optimizer
    keras.config.set_dtype_policy("float32")
    rows = train(None, shapes, out=tmp_path, resume=True, epochs=2, verbose=0)
    after = keras.models.load_model(tmp_path / "model.keras").optimizer
    assert len(rows) == 2
    assert float(after.dynamic_scale) == float(saved.dynamic_scale) > 1
    assert int(after.inner_optimizer.iterations) == 4


@pytest.mark.training
def test_digits_are_learned_as_well(tmp_path):
    """0.01 of mean IU between float32 and mixed_bfloat16 at equal seeds."""
    data = {split: fcn_keras.data.load("digits", split=split) for split in ("train", "val")}
    scores = {}
    for policy in ("float32", "mixed_bfloat16"):
        setup(policy, devices="cpu")
        keras.utils.set_random_seed(0)
        model = fcn_keras.fcn8s(11, "vgg_slim", weights=None, labels=data["train"].labels)
        options = {"epochs": 20, "refresh_batches": 20, "validate_every": 20, "verbose": 2}
        rows = train(model, data["train"], data["val"], out=tmp_path / policy, **options)
        scores[policy] = rows[-1]["val_mean_iou"]
    assert scores["float32"] > 0.8
    assert scores["mixed_bfloat16"] == pytest.approx(scores["float32"], abs=0.01)
