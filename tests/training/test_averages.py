"""The running average of the weights: what is validated, saved, and gone on from."""

import json

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras.data import Dataset
from fcn_keras.training import RunFolder, train

pytest.importorskip("tensorflow")
QUICK = {"batch_size": 4, "crop": None, "augment": False, "verbose": 0, "ema": 0.8}
FIRST_FIELDS = (
    "epochs",
    "batch_size",
    "crop",
    "augment",
    "optimizer",
    "learning_rate",
    "schedule",
    "warmup",
    "weight_decay",
    "class_weights",
    "validate_every",
    "refresh_batches",
    "seed",
)  # of a recipe, before others were added


class Record(keras.callbacks.Callback):
    """Keeps a copy of the trainable weights after each step."""

    def __init__(self):
        super().__init__()
        self.steps = []

    def on_train_batch_end(self, batch, logs=None):
        self.steps.append([v.numpy().copy() for v in self.model.trainable_variables])


class InOrder(Dataset):
    """Batches in a fixed order, so that two runs can be compared."""

    def batches(self, *arguments, **options):
        return super().batches(*arguments, **{**options, "shuffle": False})


def average_of(steps, momentum):
    mean = [value.astype("float64") for value in steps[0]]
    for values in steps[1:]:
        mean = [momentum * m + (1 - momentum) * v for m, v in zip(mean, values, strict=True)]
    return mean


def assert_weights(variables, expected):
    for variable, value in zip(variables, expected, strict=True):
        np.testing.assert_allclose(variable.numpy(), value, rtol=1e-4, atol=1e-5)


def test_the_average_is_what_is_validated_and_saved(net, shapes, unseen, tmp_path):
    record = Record()
    options = {**QUICK, "epochs": 2, "learning_rate": 0.05}
    history = train(net, shapes, unseen, out=tmp_path, callbacks=[record], **options)
    folder = RunFolder(tmp_path)
    averages = [average_of(record.steps[: 4 * epochs], 0.8) for epochs in (1, 2)]
    scores = [row["val_mean_iou"] for row in history]
    best = keras.models.load_model(folder.best)
    assert_weights(best.trainable_variables, averages[int(np.argmax(scores))])
    report = fcn_keras.evaluate(fcn_keras.Predictor(best, unseen.labels), unseen)
    assert report.scores.mean_iou == pytest.approx(max(scores), abs=1e-6)
    last = keras.models.load_model(folder.last)
    assert_weights(last.trainable_variables, averages[1])
    assert_weights(last.optimizer._model_variables_moving_average, record.steps[-1])
    assert_weights(net.trainable_variables, averages[1])
    apart = np.abs(averages[1][0] - record.steps[-1][0]).max()
    assert apart > 1e-3
    assert json.loads(folder.config.read_text())["recipe"]["ema"] == 0.8


@pytest.mark.training
def test_a_run_goes_on_from_the_weights_not_the_average(make_net, shapes, unseen, tmp_path):
    data = InOrder(**vars(shapes))
    options = {
        **QUICK,
        "learning_rate": 0.02,
        "schedule": "constant",
        "warmup": 0,
        "dropout": False,
    }
    keras.utils.set_random_seed(5)
    whole, parts = make_net(), make_net()
    parts.set_weights(whole.get_weights())
    expected = train(whole, data, unseen, out=tmp_path / "whole", epochs=4, **options)
    train(parts, data, unseen, out=tmp_path / "parts", epochs=2, **options)
    found = train(None, data, unseen, out=tmp_path / "parts", resume=True, epochs=4, verbose=0)
    for a, b in zip(expected, found, strict=True):
        assert a["loss"] == pytest.approx(b["loss"], rel=1e-3)
        assert a["val_loss"] == pytest.approx(b["val_loss"], rel=1e-3)


def test_an_average_longer_than_the_training_is_warned_of(net, shapes, tmp_path):
    with pytest.warns(UserWarning, match="some 1000 steps, and this training has 4"):
        train(net, shapes, out=tmp_path, epochs=1, **{**QUICK, "ema": 0.999})


def test_accumulated_gradients_equal_a_larger_batch(make_shapes, tmp_path):
    """Without BatchNormalization and Dropout, on images that count as many pixels each."""

    def linear():
        image = keras.Input((None, None, 3))
        x = keras.layers.Rescaling(1 / 255)(image)
        return keras.Model(image, keras.layers.Conv2D(3, 3, padding="same", name="score")(x))

    data = InOrder(**vars(make_shapes(16)))
    large, small = linear(), linear()
    small.set_weights(large.get_weights())
    options = {
        **QUICK, "ema": None, "epochs": 2, "optimizer": "caffe_sgd", "schedule": "constant",
        "warmup": 0, "learning_rate": 0.1, "bias_rate": 2,
    }  # fmt: skip
    train(large, data, out=tmp_path / "large", **options)
    train(small, data, out=tmp_path / "small", **{**options, "batch_size": 2, "accumulate": 2})
    assert_weights(small.trainable_variables, [v.numpy() for v in large.trainable_variables])


def test_a_training_says_what_its_recipe_does(make_net, shapes, tmp_path, capsys):
    layers = {"freeze": ["batch_norm*"], "rates": {"conv2d*": 10.0}}
    changes = {**layers, "steps": 5, "crop": (16, 16), "learning_rate": 1e-7, "ema": 0.5}
    train(make_net(), shapes, out=tmp_path, recipe="heavy-32s", verbose=0, **changes)
    said = capsys.readouterr().out
    for words in (
        "recipe heavy-32s",
        "1 epochs of 16 steps, batch 1, crops of 16x16, caffe_sgd with momentum 0.99",
        "loss: cross_entropy, summed over the pixels",
        "rates: conv2d* x10, biases x2",
        "frozen: batch_norm*",
        "the running average of the weights, 0.5",
    ):
        assert words in said
    config = json.loads((tmp_path / "config.json").read_text())["recipe"]
    assert (config["name"], config["steps"], config["rates"]) == ("heavy-32s", 5, layers["rates"])
    train(None, shapes, out=tmp_path, resume=True, epochs=2, verbose=0)
    config = json.loads((tmp_path / "config.json").read_text())["recipe"]
    assert (config["epochs"], config["steps"]) == (2, None)
    with pytest.raises(ValueError, match="keeps its recipe: leave out recipe='heavy-8s'"):
        train(None, shapes, out=tmp_path, resume=True, recipe="heavy-8s")


def test_a_run_folder_of_an_older_recipe_goes_on(make_net, shapes, tmp_path):
    """Its config.json lacks the later fields and has one that is gone."""
    options = {**QUICK, "ema": None}
    train(make_net(), shapes, out=tmp_path, epochs=1, **options)
    path = tmp_path / "config.json"
    config = json.loads(path.read_text())
    kept = {name: value for name, value in config["recipe"].items() if name in FIRST_FIELDS}
    config["recipe"] = {**kept, "mixed_precision": False}
    path.write_text(json.dumps(config))
    assert len(train(None, shapes, out=tmp_path, resume=True, epochs=2, verbose=0)) == 2


def test_a_wrong_recipe_leaves_the_old_run_alone(make_net, shapes, tmp_path):
    train(make_net(), shapes, out=tmp_path, epochs=1, **QUICK)
    with pytest.raises(ValueError, match="no layer's name matches"):
        train(make_net(), shapes, out=tmp_path, overwrite=True, freeze=["fc*"], **QUICK)
    assert len(RunFolder(tmp_path).read_history()) == 1
