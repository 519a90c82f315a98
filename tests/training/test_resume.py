"""Going on after an interruption: nothing is lost, repeated or changed."""

import csv
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras.data import Dataset
from fcn_keras.training import RunFolder, train

pytest.importorskip("tensorflow")
QUICK = {"batch_size": 4, "crop": None, "augment": False, "verbose": 0}


class StopAfter(keras.callbacks.Callback):
    """Interrupts a training at the second step after `count` epochs."""

    def __init__(self, count):
        super().__init__()
        self.count = count

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.epoch == self.count and batch == 1:
            raise KeyboardInterrupt


def stopped_after(count, model, data, val_data, out, **options):
    """Trains, and stops in the middle of the epoch after `count` epochs."""
    with pytest.raises(KeyboardInterrupt):
        train(model, data, val_data, out=out, callbacks=[StopAfter(count)], **options)
    return RunFolder(out)


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_it_goes_on_with_its_optimizer(make_net, shapes, unseen, tmp_path):
    options = {**QUICK, "epochs": 4, "optimizer": "sgd", "learning_rate": 0.05, "seed": 1}
    folder = stopped_after(2, make_net(), shapes, unseen, tmp_path, **options)
    assert len(folder.read_history()) == 2
    before = keras.models.load_model(folder.last)
    momenta = [v.numpy() for v in before.optimizer.variables]
    assert int(before.optimizer.iterations) == 8

    history = train(None, shapes, unseen, out=tmp_path, resume=True, verbose=0)
    assert [row["epoch"] for row in history] == [1, 2, 3, 4]
    assert [int(row["epoch"]) for row in rows_of(folder.history)] == [1, 2, 3, 4]
    after = keras.models.load_model(folder.last)
    assert int(after.optimizer.iterations) == 16
    assert any(np.abs(m).max() > 0 for m in momenta[2:])
    assert json.loads(folder.config.read_text())["resumed"][0]["after_epoch"] == 2


@pytest.mark.training
def test_a_resumed_run_equals_one_that_was_not_stopped(make_net, shapes, unseen, tmp_path):
    """With batches in a fixed order and no Dropout, only the optimizer's state could differ."""

    class InOrder(Dataset):
        def batches(self, *arguments, **options):
            return super().batches(*arguments, **{**options, "shuffle": False})

    def plain_net():
        model = make_net()
        for layer in model.layers:
            if isinstance(layer, keras.layers.Dropout):
                layer.rate = 0.0
        return model

    data = InOrder(**vars(shapes))
    options = {**QUICK, "epochs": 4, "learning_rate": 0.02, "warmup": 1}
    keras.utils.set_random_seed(5)
    whole = train(plain_net(), data, unseen, out=tmp_path / "whole", **options)
    keras.utils.set_random_seed(5)
    stopped_after(2, plain_net(), data, unseen, tmp_path / "parts", **options)
    parts = train(None, data, unseen, out=tmp_path / "parts", resume=True, verbose=0)
    for a, b in zip(whole, parts, strict=True):
        assert a["loss"] == pytest.approx(b["loss"], rel=1e-3)
        assert a["learning_rate"] == pytest.approx(b["learning_rate"], rel=1e-5)
        assert a["val_mean_iou"] == pytest.approx(b["val_mean_iou"], abs=2e-3)


def test_the_data_is_not_repeated(make_net, shapes, tmp_path):
    seeds = []

    class Noting(Dataset):
        def batches(self, *arguments, **options):
            seeds.append(options["seed"])
            return super().batches(*arguments, **options)

    data = Noting(**vars(shapes))
    stopped_after(1, make_net(), data, None, tmp_path, **QUICK, epochs=2)
    train(None, data, out=tmp_path, resume=True, verbose=0)
    assert len(set(seeds)) == 2


@pytest.mark.training
def test_a_finished_run_can_be_lengthened(make_net, shapes, unseen, tmp_path):
    train(make_net(), shapes, unseen, out=tmp_path, epochs=2, **QUICK)
    history = train(None, shapes, unseen, out=tmp_path, resume=True, epochs=3, verbose=0)
    assert len(history) == 3
    assert json.loads((tmp_path / "config.json").read_text())["recipe"]["epochs"] == 3
    with pytest.raises(ValueError, match="already has 3 epochs"):
        train(None, shapes, unseen, out=tmp_path, resume=True, epochs=1)
    last = tmp_path / "model.keras"
    last.write_bytes(last.read_bytes()[:-100])
    with pytest.raises(ValueError, match="model.keras is damaged: it ends too early"):
        train(None, shapes, unseen, out=tmp_path, resume=True, epochs=4)


def test_the_rest_of_the_recipe_stays(make_net, shapes, tmp_path):
    train(make_net(), shapes, out=tmp_path, epochs=1, **QUICK)
    with pytest.raises(ValueError, match="learning_rate is 0.001 and cannot become 0.5"):
        train(None, shapes, out=tmp_path, resume=True, learning_rate=0.5)
    train(None, shapes, out=tmp_path, resume=True, learning_rate=0.001, verbose=0)


def test_the_data_stays(make_net, make_shapes, shapes, unseen, tmp_path):
    train(make_net(), shapes, unseen, out=tmp_path, epochs=1, **QUICK)
    with pytest.raises(ValueError, match="16 images in its train data, and now there are 12"):
        train(None, make_shapes(12), unseen, out=tmp_path, resume=True)
    with pytest.raises(ValueError, match="5 images in its val data, and now there are none"):
        train(None, shapes, out=tmp_path, resume=True)


def test_without_a_run_there_is_nothing_to_resume(shapes, tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no run"):
        train(None, shapes, out=tmp_path / "missing", resume=True)


def test_a_kill_between_the_files_of_an_epoch_is_repaired(make_net, shapes, unseen, tmp_path):
    """model.keras is written first: history.csv and best.keras may be one epoch behind it."""
    train(make_net(), shapes, unseen, out=tmp_path, epochs=3, learning_rate=0.05, **QUICK)
    folder = RunFolder(tmp_path)
    text = folder.history.read_text()
    rows = folder.read_history()
    rows[-1]["val_mean_iou"] = 1.0
    folder.save_last(keras.models.load_model(folder.last), rows)
    folder.history.write_text("".join(text.splitlines(keepends=True)[:-1]))
    folder.best.write_bytes(b"the old one")
    train(None, shapes, unseen, out=tmp_path, resume=True, verbose=0)
    assert len(rows_of(folder.history)) == 3
    keras.models.load_model(folder.best)


def test_half_written_files_never_take_the_place_of_whole_ones(net, shapes, tmp_path, monkeypatch):
    train(net, shapes, out=tmp_path, epochs=1, **QUICK)
    folder = RunFolder(tmp_path)
    whole = folder.last.read_bytes()

    def half(self, path, **options):
        Path(path).write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(keras.Model, "save", half)
    with pytest.raises(KeyboardInterrupt):
        folder.save_last(net, [])
    assert folder.last.read_bytes() == whole
    assert not list(tmp_path.glob(".*"))


@pytest.mark.processes
def test_killed_in_the_middle_of_an_epoch(tmp_path):
    """SIGKILL to a process that trains; the command then goes on and completes the run."""
    out = tmp_path / "run"
    script = f"""
        import os, sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from conftest import shapes_of, tiny_net
        from fcn_keras.training import train

        resume = sys.argv[1] == "resume"
        train(None if resume else tiny_net(), shapes_of(24), shapes_of(5, "val", (21, 30)),
              out={str(out)!r}, resume=resume, verbose=0,
              **({{}} if resume else dict(epochs=12, batch_size=2, crop=None, augment=False)))
    """
    path = tmp_path / "script.py"
    path.write_text(textwrap.dedent(script))
    process = subprocess.Popen([sys.executable, str(path), "start"], stderr=subprocess.DEVNULL)
    history = out / "history.csv"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if history.exists() and len(history.read_text().splitlines()) > 3:
            time.sleep(0.02)
            os.kill(process.pid, signal.SIGKILL)
            break
        time.sleep(0.005)
    assert process.wait(timeout=60) == -signal.SIGKILL
    done = len(RunFolder(out).read_history())
    assert 3 <= done < 12

    subprocess.run([sys.executable, str(path), "resume"], check=True, timeout=200)
    rows = rows_of(history)
    assert [int(row["epoch"]) for row in rows] == list(range(1, 13))
    assert all(row["val_mean_iou"] for row in rows)
    model = keras.models.load_model(RunFolder(out).last)
    assert int(model.optimizer.iterations) == 12 * 12
    fcn_keras.Predictor(keras.models.load_model(RunFolder(out).best))
