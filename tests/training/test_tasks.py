"""Trainings of other tasks than classes: a regression, and several outputs over one trunk."""

import dataclasses

import keras
import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

import fcn_keras
from fcn_keras import tasks
from fcn_keras.data import Dataset, MultiTaskDataset
from fcn_keras.training import Recipe, RunFolder, compile_model, train

pytest.importorskip("tensorflow")
DISTANCE = tasks.Regression("distance", unit="px")
QUICK = {"epochs": 1, "batch_size": 4, "crop": (24, 24), "augment": False, "verbose": 0}


def distances(data):
    """The distance of each pixel to the nearest one that is not ground, NaN in the top row."""
    targets = []
    for _, label in data:
        known = np.where(label == data.labels.ignore, 0, label)
        target = distance_transform_edt(known == 0).astype("float32")
        target[0] = np.nan
        targets.append(target)
    images = [image for image, _ in data]
    return Dataset(data.name, data.split, DISTANCE, data.names, images, targets)


def net_of(task):
    image = keras.Input((None, None, 3))
    x = keras.layers.Rescaling(1 / 255)(image)
    x = keras.layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    found = {}
    for output, one in (task if isinstance(task, dict) else {None: task}).items():
        values = keras.layers.Conv2D(one.channels, 1)(x)
        suffix = f"_{output}" if output else ""
        logits = fcn_keras.layers.Logits(task_config=one.to_config(), name=f"score{suffix}")
        found[output] = logits([values, image])
    return keras.Model(image, found.get(None, found))


def test_a_regression_trains_by_its_own_loss_and_metrics(shapes, unseen, tmp_path):
    rows = train(net_of(DISTANCE), distances(shapes), distances(unseen), out=tmp_path, **QUICK)
    assert np.isfinite(rows[0]["val_mean_absolute_error"])
    assert rows[0]["loss"] > 0 and "mean_iou" not in rows[0]
    folder = RunFolder(tmp_path)
    assert folder.predictions.is_file() and not folder.labels.exists()
    assert folder.read_config()["recipe"]["loss"] == "absolute_error"
    best = keras.models.load_model(folder.best, compile=False)
    assert fcn_keras.task_of(best) == DISTANCE
    pairs = [(fcn_keras.segment(best, image), truth) for image, truth in distances(unseen)]
    errors = np.concatenate([np.abs(found - truth)[1:].ravel() for found, truth in pairs])
    assert rows[0]["val_mean_absolute_error"] == pytest.approx(errors.mean(), rel=1e-4)


@pytest.mark.parametrize("given", [{"objects": "all"}, {"weight_maps": True}])
def test_a_training_that_the_data_does_not_allow_leaves_no_folder(shapes, tmp_path, given):
    with pytest.raises(ValueError, match="classes.*the task (is|of)"):
        train(net_of(DISTANCE), distances(shapes), out=tmp_path / "run", **QUICK, **given)
    assert not (tmp_path / "run").exists()


def test_the_best_epoch_of_a_regression_has_the_least_error(shapes, unseen, tmp_path):
    values = {**QUICK, "epochs": 3, "learning_rate": 0.05}
    rows = train(net_of(DISTANCE), distances(shapes), distances(unseen), out=tmp_path, **values)
    best = keras.models.load_model(RunFolder(tmp_path).best, compile=False)
    data = distances(unseen)
    errors = [np.abs(fcn_keras.segment(best, image) - truth)[1:].ravel() for image, truth in data]
    least = min(row["val_mean_absolute_error"] for row in rows)
    assert np.concatenate(errors).mean() == pytest.approx(least, rel=1e-4)


def test_a_net_and_data_of_different_tasks_are_refused(make_net, shapes, tmp_path):
    with pytest.raises(ValueError, match="built for the task 'regression'.* data has 'classes'"):
        train(net_of(DISTANCE), shapes, out=tmp_path, **QUICK)
    with pytest.raises(ValueError, match="has 1 channel.*no task"):
        train(make_net(1), distances(shapes), out=tmp_path, **QUICK)
    with pytest.raises(ValueError, match="'dice' is not for the task 'regression'"):
        compile_model(net_of(DISTANCE), Recipe(loss="dice"), distances(shapes))


@pytest.mark.training
def test_two_tasks_over_one_trunk(shapes, unseen, tmp_path):
    both = {"shape": shapes.task, "distance": DISTANCE}
    parts = {
        split.split: MultiTaskDataset({"shape": split, "distance": distances(split)})
        for split in (shapes, unseen)
    }
    images, targets = next(iter(parts["train"].batches(4, crop=(16, 16), augment=True)))
    assert images.shape == (4, 16, 16, 3)
    known = ~np.isnan(targets["distance"]) & (targets["shape"].numpy() != 255)
    touched = targets["distance"].numpy() == 0
    np.testing.assert_array_equal(touched[known], (targets["shape"].numpy() > 0)[known])

    rows = train(net_of(both), parts["train"], parts["val"], out=tmp_path, **QUICK)
    assert {"val_shape_mean_iou", "val_distance_mean_absolute_error", "val_loss"} <= set(rows[0])
    assert (tmp_path / "predictions_distance.png").is_file()
    assert RunFolder(tmp_path).best.is_file()
    rows = train(None, parts["train"], parts["val"], out=tmp_path, resume=True, epochs=2, verbose=0)
    assert len(rows) == 2


def test_a_recipe_builds_its_net_for_the_task_and_the_channels(shapes, tmp_path, tiny_vgg):
    data = distances(shapes)
    deep = [np.concatenate([image, image[..., :1]], -1) for image in data.images]
    data = dataclasses.replace(data, images=deep, channels=None)
    net = {"model": "fcn32s", "classifier": tiny_vgg}
    recipe = Recipe(net=net, **{k: v for k, v in QUICK.items() if k != "verbose"})
    rows = train(None, data, out=tmp_path, recipe=recipe, verbose=0)
    model = keras.models.load_model(RunFolder(tmp_path).last)
    assert model.input_shape[-1] == 4 and model.output_shape[-1] == 1
    assert np.isfinite(rows[0]["mean_absolute_error"])


@pytest.mark.training
def test_the_distance_to_the_nearest_stroke_of_digits(tmp_path):
    """Half of the error of the best constant, on digits that were not trained on."""
    parts = {}
    for split, count in (("train", 200), ("val", 20)):
        parts[split] = distances(fcn_keras.data.load("digits", split=split, count=count))
    options = {"epochs": 6, "batch_size": 4, "learning_rate": 3e-3, "verbose": 2}
    rows = train(None, parts["train"], parts["val"], out=tmp_path, **options)
    truths = np.concatenate([truth[1:].ravel() for _, truth in parts["val"]])
    constant = np.abs(truths - np.median(truths)).mean()
    assert min(row["val_mean_absolute_error"] for row in rows) < 0.5 * constant
