"""Trainings with weight maps: the loss they make, what they go with, and how they are kept."""

import keras
import numpy as np
import pytest

from fcn_keras.data import WeightMaps
from fcn_keras.training import Recipe, RunFolder, compile_model, find_lr, train

CLASS_WEIGHTS = [0.5, 2.0, 3.0]


def cross_entropy(logits, label):
    shifted = logits - logits.max(-1, keepdims=True)
    of_label = np.take_along_axis(shifted, np.where(label < 3, label, 0)[..., None], -1)[..., 0]
    return np.log(np.exp(shifted).sum(-1)) - of_label


@pytest.mark.backend
@pytest.mark.parametrize(("normalization", "scale"), [("mean", 1), ("sum", None)])
def test_the_loss_is_the_weighted_cross_entropy(make_net, make_shapes, normalization, scale):
    """The class weights are in the maps alone, and void has no weight."""
    data = make_shapes(3)
    maps = WeightMaps(10, 5, CLASS_WEIGHTS)
    images, labels = (np.stack(part) for part in zip(*data, strict=True))
    weights = np.stack([maps(label) for label in labels])
    model = make_net()
    recipe = Recipe(
        weight_maps=True, class_weights=CLASS_WEIGHTS, normalization=normalization, net=None
    )
    compile_model(model, recipe, data)
    expected = (weights * cross_entropy(model.predict(images, verbose=0), labels)).sum()
    if scale:
        expected /= (labels != 255).sum()
    found = model.evaluate(images, labels, sample_weight=weights, verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(expected, rel=1e-4)
    assert np.ptp(weights) > 5


def test_batches_have_the_maps_of_the_recipe(make_shapes):
    data = make_shapes(4)
    recipe = Recipe(
        weight_maps=(4, 3), class_weights=CLASS_WEIGHTS, crop=None, augment=False, batch_size=4
    )
    ((_, labels, weights),) = recipe.batches(data).as_numpy_iterator()
    maps = WeightMaps(4, 3, CLASS_WEIGHTS)
    for label, found in zip(labels, weights, strict=True):
        np.testing.assert_allclose(found, maps(label), rtol=1e-3)


def test_a_training_with_maps_is_resumed(tmp_path, make_net, make_shapes, capsys):
    out = tmp_path / "run"
    options = {"epochs": 1, "batch_size": 4, "crop": (16, 16), "class_weights": "enet"}
    keras.utils.set_random_seed(0)
    train(make_net(), make_shapes(8), out=out, verbose=0,
          weight_maps=True, **options)  # fmt: skip
    assert "weight maps: the class weights and up to 10 between objects" in capsys.readouterr().out
    saved = Recipe.from_config(RunFolder(out).read_config()["recipe"])
    assert saved.weight_maps == (10.0, 5.0)
    rows = train(None, make_shapes(8), out=out, resume=True, epochs=2,
                 verbose=0)  # fmt: skip
    assert len(rows) == 2 and np.isfinite(rows[-1]["loss"])


def test_find_lr_uses_the_maps(make_net, make_shapes):
    recipe = Recipe(weight_maps=True, batch_size=4, crop=(16, 16), net=None)
    assert len(find_lr(make_net(), make_shapes(8), recipe, steps=3).losses) == 3


@pytest.mark.backend
@pytest.mark.parametrize("words", ["dice", "cross_entropy + 0.5 * lovasz"])
def test_losses_of_regions_are_refused(make_net, make_shapes, words):
    with pytest.raises(ValueError, match="compares whole regions"):
        compile_model(make_net(), Recipe(loss=words, weight_maps=True, net=None), make_shapes(2))


@pytest.mark.parametrize("given", [(10,), "unet", (-1, 5), (10, 0)])
def test_refuses(given):
    with pytest.raises(ValueError, match="weight_maps"):
        Recipe(weight_maps=given)


def test_words_on_the_command_line(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, errors = command("train", "--weight-maps", "10", "--out", "x")
    assert code == 1 and "--weight-maps takes W0:SIGMA" in errors
