"""Trainings with a teacher: the run folder, its resumption, the crops, the command."""

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras.losses import CrossEntropy
from fcn_keras.training import RunFolder, Teacher, recipes, train

pytest.importorskip("tensorflow")
QUICK = {"batch_size": 8, "crop": (16, 24), "augment": False, "epochs": 1, "verbose": 0}


def test_the_folder_records_the_teacher_and_holds_the_net_alone(make_net, shapes, tmp_path, capsys):
    path, out = str(tmp_path / "large.keras"), tmp_path / "small"
    large = make_net(name="large")
    large.save(path)
    train(make_net(), shapes, out=out, teacher=path, teacher_alpha=0.3, **QUICK)
    count = large.count_params()
    line = f"teacher: {path} (large, {count} parameters), weight 0.3, temperature 2\n"
    assert line in capsys.readouterr().out
    config = RunFolder(out).read_config()
    assert config["teacher"] == {"name": path, "model": "large", "parameters": count}
    assert (config["recipe"]["teacher"], config["recipe"]["teacher_alpha"]) == (path, 0.3)
    saved = keras.models.load_model(out / "model.keras")
    assert saved.count_params() == count and type(saved.loss) is CrossEntropy

    history = train(None, shapes, out=out, resume=True, epochs=2, verbose=0)
    assert [row["epoch"] for row in history] == [1, 2]
    assert line in capsys.readouterr().out
    (tmp_path / "large.keras").unlink()
    with pytest.raises(FileNotFoundError, match="no teacher .*large.keras: give a .keras file or"):
        train(None, shapes, out=out, resume=True, epochs=3, verbose=0)


def test_the_teacher_gets_the_varied_crops_of_the_steps(make_net, shapes, tmp_path):
    class Watches:
        labels, given = shapes.labels, []

        def segment(self, image):
            raise AssertionError

        def probabilities(self, images):
            self.given.append(np.stack(images))
            return np.full((*self.given[-1].shape[:3], 3), 1 / 3, "float32")

    fields = {**QUICK, "augment": True, "teacher": Teacher(Watches(), "eyes")}
    plan = recipes.make_recipe(**{k: v for k, v in fields.items() if k != "verbose"})
    train(make_net(), shapes, out=tmp_path, recipe=plan, verbose=0)
    for images, (expected, _) in zip(Watches.given, plan.batches(shapes), strict=True):
        np.testing.assert_array_equal(images, expected)
    assert RunFolder(tmp_path).read_config()["recipe"]["teacher"] == "eyes"


def test_choices_that_do_not_go_together_are_refused(make_net, shapes, tmp_path):
    with pytest.raises(ValueError, match="`teacher_void` is for a training with a `teacher`"):
        recipes.make_recipe(teacher_void=True)
    with pytest.raises(ValueError, match="normalization='sum' does not go with a `teacher`"):
        recipes.make_recipe(teacher="runs/large", normalization="sum")
    fixed = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Conv2D(3, 1)], name="fixed")
    with pytest.raises(ValueError, match="'fixed' takes images of 32x32 alone.*--crop 32x32"):
        train(make_net(), shapes, out=tmp_path / "run", teacher=fixed, **QUICK)
    assert not (tmp_path / "run").exists()


def test_the_command_refuses_what_is_no_teacher(command, tmp_path):
    words = ["train", "--data", "digits:count=4", "--out", tmp_path / "run"]
    code, _, errors = command(*words, "--teacher-alpha", "0.9")
    assert code == 1 and "`teacher_alpha` is for a training with a `teacher` (--teacher)" in errors
    code, _, errors = command(*words, "--teacher", tmp_path / "nowhere")
    assert code == 1 and "nowhere" in errors and "give a .keras file, a run folder, " in errors


@pytest.mark.training
def test_the_command_trains_and_resumes(command, tmp_path, tiny_vgg):
    data = fcn_keras.data.load("digits", split="train", count=4)
    large = fcn_keras.fcn32s(11, tiny_vgg, weights=None, labels=data.labels)
    large.save(tmp_path / "large.keras")
    words = ["--data", "digits:count=4", "--batch-size", "2", "--crop", "32x48"]
    words += ["--classifier", tiny_vgg, "--val-data", "none", "--epochs", "1"]
    taught = ["--teacher", tmp_path / "large.keras", "--teacher-void"]
    out = tmp_path / "small"
    code, output, errors = command("train", *words, *taught, "--out", out)
    assert code == 0, errors
    assert "weight 0.5, temperature 2, void too" in output
    code, output, errors = command("train", "--resume", "--epochs", "2", "--out", out)
    assert code == 0, errors
    assert "weight 0.5, temperature 2, void too" in output
