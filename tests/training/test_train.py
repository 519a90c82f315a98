"""A training from data to run folder: what is written, what is best, what is refused."""

import csv
import json
import re

import keras
import numpy as np
import pytest
from PIL import Image

import fcn_keras
from fcn_keras.data import Dataset, LabelError
from fcn_keras.training import DivergedError, Recipe, RunFolder, compile_model, train

tf = pytest.importorskip("tensorflow")
QUICK = {"epochs": 2, "batch_size": 4, "crop": None, "augment": False, "verbose": 0}


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def run(tmp_path_factory, make_net, make_shapes):
    """A finished training: the folder, what `train` returned, and the validation data."""
    out, val_data = tmp_path_factory.mktemp("runs") / "shapes", make_shapes(5, "val", (21, 30))
    keras.utils.set_random_seed(0)
    options = {**QUICK, "epochs": 6, "learning_rate": 0.05, "seed": 3, "validate_every": 2}
    options["class_weights"] = "enet"
    history = train(
        make_net(), make_shapes(16), val_data, out=out, notes={"purpose": "a test"}, **options
    )
    return RunFolder(out), history, val_data


def test_it_learns(run):
    _, history, _ = run
    assert history[-1]["loss"] < 0.5 * history[0]["loss"]
    assert history[-1]["val_mean_iou"] > 0.75


def test_history_has_a_row_an_epoch_and_gaps_where_nothing_was_measured(run):
    folder, history, _ = run
    rows = rows_of(folder.history)
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [row["val_mean_iou"] != "" for row in rows] == [False, True] * 3
    for row, measured in zip(rows, history, strict=True):
        assert float(row["loss"]) == measured["loss"]
        assert float(row["seconds"]) > 0
    assert float(rows[1]["learning_rate"]) > float(rows[5]["learning_rate"]) > 0


def test_the_best_is_what_the_history_says(run):
    folder, history, val_data = run
    best = max(row.get("val_mean_iou", 0) for row in history)
    model = keras.models.load_model(folder.best)
    report = fcn_keras.evaluate(fcn_keras.Predictor(model, val_data.labels), val_data)
    assert report.scores.mean_iou == pytest.approx(best, abs=1e-6)
    assert not model.compiled


def test_the_last_has_its_optimizer(run):
    folder, _, _ = run
    model = keras.models.load_model(folder.last)
    assert int(model.optimizer.iterations) == 6 * 4
    assert model.loss.get_config()["class_weights"] is not None


def test_config_says_how_the_run_came_about(run):
    folder, _, _ = run
    config = json.loads(folder.config.read_text())
    assert config["seed"] == 3
    assert config["recipe"]["learning_rate"] == 0.05
    assert config["recipe"]["weight_decay"] == 0.01
    assert config["purpose"] == "a test"
    assert config["versions"]["keras"] == keras.__version__
    assert config["versions"]["fcn_keras"] == fcn_keras.__version__
    assert config["data"]["val"] == {"name": "shapes", "split": "val", "images": 5}
    assert len(config["class_weights"]) == 3


def test_pictures_and_labels(run):
    folder, _, val_data = run
    assert fcn_keras.LabelSet.load(folder.labels) == val_data.labels
    for path in (folder.curves, folder.predictions):
        assert min(Image.open(path).size) > 100


def test_events_hold_each_epoch(run):
    folder, history, _ = run
    found = {}
    for file in sorted(folder.events.iterdir()):
        for record in tf.data.TFRecordDataset(str(file)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                assert value.metadata.plugin_data.plugin_name == "scalars"
                found.setdefault(value.tag, {})[event.step] = float(tf.make_ndarray(value.tensor))
    assert list(found["epoch_loss"]) == [1, 2, 3, 4, 5, 6]
    assert list(found["epoch_val_mean_iou"]) == [2, 4, 6]
    assert found["epoch_loss"][4] == pytest.approx(history[3]["loss"], rel=1e-5)
    assert {"epoch_learning_rate", "epoch_mean_iou"} <= set(found)


def test_nothing_is_left_aside(run):
    folder, _, _ = run
    names = {path.name for path in folder.path.iterdir()}
    assert names == {
        "README.md",
        "best.keras",
        "config.json",
        "curves.png",
        "history.csv",
        "labels.json",
        "model.keras",
        "predictions.png",
        "tensorboard",
    }


def test_without_validation_there_is_no_best(net, shapes, tmp_path):
    history = train(net, shapes, out=tmp_path / "run", class_weights=None, **QUICK)
    folder = RunFolder(tmp_path / "run")
    assert not folder.best.exists()
    assert folder.model_path() == folder.last
    assert "val_loss" not in history[0]


def test_a_model_of_this_package_gets_the_labels(shapes, unseen, tmp_path, tiny_vgg):
    model = fcn_keras.fcn32s(3, "tiny_vgg", weights=None)
    train(model, shapes, unseen, out=tmp_path, **{**QUICK, "epochs": 1})
    again = keras.models.load_model(RunFolder(tmp_path).best)
    assert fcn_keras.labels_of(again).names == ("ground", "red", "blue")


def test_refreshed_statistics_are_in_the_saved_weights(net, shapes, unseen, tmp_path):
    history = train(net, shapes, unseen, out=tmp_path, refresh_batches=2, **QUICK)
    model = keras.models.load_model(RunFolder(tmp_path).best)
    report = fcn_keras.evaluate(fcn_keras.Predictor(model, unseen.labels), unseen)
    best = max(row["val_mean_iou"] for row in history)
    assert report.scores.mean_iou == pytest.approx(best, abs=1e-6)


@pytest.mark.parametrize("optimizer, schedule", [("sgd", "poly"), ("adam", "constant")])
def test_every_recipe_trains_and_loads_again(net, shapes, tmp_path, optimizer, schedule):
    options = {**QUICK, "optimizer": optimizer, "schedule": schedule, "warmup": 0.5}
    train(net, shapes, out=tmp_path, weight_decay=1e-3, **options)
    model = keras.models.load_model(RunFolder(tmp_path).last)
    assert int(model.optimizer.iterations) == 8


def test_only_kernels_decay(net, shapes):
    recipe = Recipe(weight_decay=0.1, warmup=0).resolved(shapes)
    optimizer = compile_model(net, recipe, shapes).optimizer
    for variable in net.trainable_variables:
        assert optimizer._use_weight_decay(variable) == (len(variable.shape) > 1)


def only_ground():
    """A model that takes every pixel for ground."""

    class OnlyGround(keras.layers.Layer):
        def call(self, image):
            return keras.ops.pad(image[..., :1] * 0 + 9, [[0, 0]] * 3 + [[0, 2]])

    image = keras.Input((None, None, 3))
    model = keras.Model(image, OnlyGround()(image))
    model.trainable = False
    return model


def test_one_class_for_everything_is_warned_of(shapes, tmp_path):
    with pytest.warns(UserWarning, match="100.0% of the training pixels are predicted as 'ground'"):
        train(only_ground(), shapes, out=tmp_path, **QUICK)


def test_a_rare_class_that_is_never_found_is_warned_of(shapes, tmp_path):
    for mask in shapes.targets:
        mask[mask == 2] = mask[mask == 1] = 0
        mask[12, 3] = 1  # one pixel in 736 that count
    with pytest.warns(UserWarning, match="predicted as 'ground', though only 99.9% are"):
        train(only_ground(), shapes, out=tmp_path, **QUICK)


def test_a_balanced_model_is_not_warned_of(net, shapes, tmp_path, recwarn):
    train(net, shapes, out=tmp_path, **{**QUICK, "epochs": 3, "learning_rate": 0.05})
    assert not [w for w in recwarn if "are predicted as" in str(w.message)]


def test_divergence_keeps_the_last_good_epoch(net, shapes, tmp_path):
    class Explode(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                kernel = self.model.layers[-1].kernel
                kernel.assign(kernel * np.nan)

    with pytest.raises(DivergedError, match="epoch 2: .* Use a lower learning rate"):
        train(net, shapes, out=tmp_path, callbacks=[Explode()], **QUICK)
    assert len(RunFolder(tmp_path).read_history()) == 1
    assert np.isfinite(keras.models.load_model(RunFolder(tmp_path).last).layers[-1].kernel).all()


def test_labels_out_of_range_are_refused(net, shapes, tmp_path):
    shapes.targets[5][3, 3] = 77
    with pytest.raises(ValueError, match="outside 0..2"):
        train(net, shapes, out=tmp_path, class_weights=None, **QUICK)


def test_a_net_of_one_channel_is_trained_on_photographs(shapes, unseen, tmp_path):
    """RGB images become grey, as in evaluation and prediction; five channels are refused."""
    image = keras.Input((None, None, 1))
    grey = keras.Model(image, keras.layers.Conv2D(3, 1)(image))
    (row,) = train(grey, shapes, unseen, out=tmp_path / "grey", epochs=1, batch_size=4, verbose=0)
    assert row["val_mean_iou"] == pytest.approx(
        fcn_keras.evaluate(grey, unseen).scores.mean_iou, abs=1e-6
    )
    image = keras.Input((None, None, 5))
    deep = keras.Model(image, keras.layers.Conv2D(3, 1)(image))
    with pytest.raises(ValueError, match="have 3 channels, but the net takes 5"):
        train(deep, shapes, out=tmp_path / "deep", epochs=1)


def test_a_run_is_not_replaced_unasked(make_net, shapes, tmp_path):
    train(make_net(), shapes, out=tmp_path, **QUICK)
    with pytest.raises(FileExistsError, match="already holds a run"):
        train(make_net(), shapes, out=tmp_path, **QUICK)
    (tmp_path / "notes.txt").write_text("mine")
    train(make_net(), shapes, out=tmp_path, overwrite=True, **{**QUICK, "epochs": 1})
    assert len(rows_of(RunFolder(tmp_path).history)) == 1
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_wrong_input_is_named(make_net, shapes, unseen, tmp_path, tiny_vgg):
    with pytest.raises(ValueError, match="has 7 outputs a pixel, but the data has 3 classes"):
        train(make_net(7), shapes, out=tmp_path, **QUICK)
    other = fcn_keras.LabelSet(("sea", "red", "blue"))
    built = fcn_keras.fcn32s(3, "tiny_vgg", weights=None, labels=other)
    with pytest.raises(ValueError, match="built for the classes sea, red, blue"):
        train(built, shapes, out=tmp_path, **QUICK)
    with pytest.raises(ValueError, match="`class_weights` has 2 values for 3 classes"):
        train(make_net(), shapes, out=tmp_path, class_weights=[1, 2], **QUICK)
    with pytest.raises(TypeError, match="no field 'learning_rat'"):
        train(make_net(), shapes, out=tmp_path, learning_rat=1, **QUICK)
    with pytest.raises(ValueError, match="has no examples"):
        train(make_net(), shapes.take(0), unseen, out=tmp_path, **QUICK)


@pytest.mark.parametrize(
    "option, value",
    [
        ("epochs", 0),
        ("epochs", 2.5),
        ("batch_size", -1),
        ("crop", "256x320"),
        ("crop", (0, 5)),
        ("optimizer", "lion"),
        ("schedule", "linear"),
        ("learning_rate", -1.0),
        ("learning_rate", float("nan")),
        ("seed", -1),
        ("validate_every", 0),
    ],
)
def test_impossible_choices_are_quoted(option, value):
    with pytest.raises(ValueError, match=rf"`{option}` .*{re.escape(str(value))}"):
        Recipe(**{option: value})


def test_a_recipe_survives_json(shapes):
    recipe = Recipe(crop=(16, 20), class_weights=[1, 2, 3], warmup=2.5).resolved(shapes)
    again = Recipe.from_config(json.loads(json.dumps(recipe.to_config())))
    assert again.to_config() == recipe.to_config()
    assert again.crop == (16, 20)


def test_a_small_dataset_makes_a_small_batch(shapes):
    assert Recipe(batch_size=64).resolved(shapes).batch_size == 16
    assert Recipe(crop="auto").resolved(shapes).crop == (24, 32)


def test_a_label_out_of_range_in_a_file_is_told_plainly(net, tmp_path):
    paths = []
    for number in range(4):
        for kind, value in (("image", 9), ("mask", 7 if number == 2 else 1)):
            shape = (16, 16, 3) if kind == "image" else (16, 16)
            paths.append(tmp_path / f"{kind}{number}.png")
            Image.fromarray(np.full(shape, value, "uint8")).save(paths[-1])
    labels = fcn_keras.LabelSet(("ground", "red", "blue"))
    names = tuple("abcd")
    data = Dataset("files", "train", labels, names, tuple(paths[::2]), tuple(paths[1::2]))
    with pytest.raises(LabelError, match="mask2.png holds the label 7; allowed are 0 to 2"):
        train(net, data, out=tmp_path / "run", **QUICK)


def test_a_net_of_ones_own_may_name_its_layers_as_it_likes(shapes, tmp_path):
    image = keras.Input((None, None, 3))
    model = keras.Model(image, keras.layers.Conv2D(3, 1, name="score")(image))
    assert train(model, shapes, out=tmp_path, **QUICK)


def test_images_in_both_data_sets_are_counted(net, shapes, tmp_path, capsys):
    train(net, shapes, shapes.take(2), out=tmp_path / "a", **(QUICK | {"epochs": 1}))
    assert "warning: 2 of the 2 images for validation are trained on too" in capsys.readouterr().out
