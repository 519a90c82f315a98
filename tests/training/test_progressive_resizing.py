"""Trainings that begin at half the size: their crops, their epochs, and the step between them."""

import keras
import numpy as np
import pytest

from fcn_keras.data import Dataset
from fcn_keras.training import Recipe, RunFolder, train
from fcn_keras.training.progressive_resizing import at_half_size, stages
from fcn_keras.training.summary import recipe_lines

pytest.importorskip("tensorflow")
PLAIN = {
    "batch_size": 4,
    "crop": (24, 32),
    "augment": False,
    "verbose": 0,
    "learning_rate": 0.02,
    "schedule": "constant",
    "warmup": 0,
    "dropout": False,
}


class Seen(Dataset):
    """Batches in a fixed order, and a note of what was asked for."""

    def batches(self, *arguments, **options):
        self.asked.append((options.get("crop"), options.get("augment")))
        return super().batches(*arguments, **{**options, "shuffle": False})


def seen(dataset):
    data = Seen(**vars(dataset))
    object.__setattr__(data, "asked", [])
    return data


@pytest.mark.parametrize(
    ("share", "epochs", "done", "expected"),
    [
        (0.75, 8, 0, [(0, 6), (6, 8)]),
        (0.75, 8, 5, [(5, 6), (6, 8)]),
        (0.75, 8, 6, [(6, 8)]),
        (0.75, 8, 8, []),
        (0.0, 3, 1, [(1, 3)]),
        (1.0, 3, 0, [(0, 3)]),
    ],
)
def test_the_stages_of_a_training(shapes, share, epochs, done, expected):
    plan = Recipe(epochs=epochs, crop=(24, 32), half_size=share).resolved(shapes)
    assert [(stage.first, stage.last) for stage in stages(plan, shapes, done)] == expected


def test_crops_and_scales_are_half_as_large(shapes):
    recipe = Recipe(crop=(20, 31), augment={"scale": (0.5, 2.0), "elastic": 4.0}, half_size=0.5)
    small = at_half_size(recipe, shapes)
    assert small.crop == (10, 15)
    assert (small.augment.scale, small.augment.elastic) == ((0.25, 1.0), 2.0)
    plain = at_half_size(Recipe(crop=(20, 30), augment=False, half_size=0.5), shapes)
    assert (plain.augment.scale, plain.augment.flip) == ((0.5, 0.5), False)


def test_a_whole_image_at_half_the_size_is_every_part_of_it(shapes):
    recipe = Recipe(batch_size=4, crop=(24, 32), augment=False, half_size=1.0)
    images, labels = next(iter(at_half_size(recipe, shapes).batches(shapes, seed=0)))
    assert images.shape == (4, 12, 16, 3)
    truths = {label[1::2, 1::2].tobytes() for label in shapes.targets}
    assert all(np.asarray(label).tobytes() in truths for label in labels)


def test_training_changes_size_once(net, shapes, unseen, tmp_path):
    data = seen(shapes)
    history = train(net, data, unseen, out=tmp_path, epochs=4, half_size=0.5, **PLAIN)
    assert [row["epoch"] for row in history] == [1, 2, 3, 4]
    checked, *sizes = [crop for crop, _ in data.asked]  # before anything is written
    assert checked == (24, 32) and sizes == [(12, 16), (24, 32)]
    assert int(net.optimizer.iterations) == 16
    assert all("val_mean_iou" in row for row in history)


@pytest.mark.training
@pytest.mark.parametrize("stop", [1, 2, 3])
def test_resumed_runs_come_to_the_same(make_net, shapes, unseen, tmp_path, stop):
    """With an average of the weights, before, at, and after the change of size."""
    options = {**PLAIN, "ema": 0.8}
    keras.utils.set_random_seed(5)
    whole, stopped = make_net(), make_net()
    stopped.set_weights(whole.get_weights())
    every = train(
        whole, seen(shapes), unseen, out=tmp_path / "a", epochs=4, half_size=0.5, **options
    )

    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == stop:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(
            stopped, seen(shapes), unseen, out=tmp_path / "b", epochs=4, half_size=0.5,
            callbacks=[Stop()], **options,
        )  # fmt: skip
    assert len(RunFolder(tmp_path / "b").read_history()) == stop
    found = train(None, seen(shapes), unseen, out=tmp_path / "b", resume=True, verbose=0)
    for a, b in zip(every, found, strict=True):
        assert a["loss"] == pytest.approx(b["loss"], rel=1e-3)
        assert a["val_loss"] == pytest.approx(b["val_loss"], rel=1e-3)


def test_it_is_announced_and_refused_where_it_makes_no_sense(shapes):
    plan = Recipe(epochs=8, crop=(24, 32), half_size=0.75).resolved(shapes)
    assert "the first 6 epochs at half the size" in recipe_lines(plan, 4)
    with pytest.raises(ValueError, match="from 0 to 1, got 1.5"):
        Recipe(half_size=1.5)
    with pytest.raises(ValueError, match="crop=None takes whole images"):
        Recipe(half_size=0.5, crop=None)
    assert Recipe.from_config(plan.to_config()).half_size == 0.75
