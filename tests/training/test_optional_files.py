"""A training goes on, and says its result, though a picture or a table cannot be written."""

import io
import types

import keras
import pytest

from fcn_keras import visualize
from fcn_keras.training import callbacks, loop, summary
from fcn_keras.training.run_folder import RunFolder

ROWS = [{"epoch": 1, "loss": 1.0, "val_mean_iou": 0.5}]


def full(*given, **more):
    raise OSError(28, "No space left on device")


def test_curves(tmp_path, monkeypatch):
    monkeypatch.setattr(visualize, "curves", full)
    with pytest.warns(UserWarning, match=r"curves\.png could not be written.*No space"):
        callbacks.Draw(RunFolder(tmp_path), ROWS).on_train_end()


def test_the_best_epoch_is_printed_before_its_pictures(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(summary, "_draw_predictions", full)
    folder = RunFolder(tmp_path)
    run = types.SimpleNamespace(monitor=callbacks.Monitor(), rows=ROWS, folder=folder)
    with pytest.warns(UserWarning, match=r"predictions\.png could not be written"):
        summary.print_report(run)
    assert "best validation mean IoU 0.5000 in epoch 1" in capsys.readouterr().out


def test_events(tmp_path, monkeypatch):
    tf = pytest.importorskip("tensorflow")
    monkeypatch.setattr(tf.summary, "create_file_writer", full)
    events = callbacks.WriteEvents(RunFolder(tmp_path))
    with pytest.warns(UserWarning, match="tensorboard/ could not be written"):
        events.on_train_begin()
    events.on_epoch_end(0, {"loss": 1.0})
    events.on_train_end()


def test_a_table_that_another_program_has_open(tmp_path, monkeypatch):
    folder = RunFolder(tmp_path)
    monkeypatch.setattr(folder, "write_history", full)
    net = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    with pytest.warns(UserWarning, match=r"history\.csv could not be written"):
        folder.save_last(net, ROWS)
    assert folder.read_history() == ROWS


def test_a_training_prints_names_that_the_output_lacks(monkeypatch):
    """Under code page 1252 the summary of a run would otherwise end it before the first epoch."""
    written = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    monkeypatch.setattr("sys.stdout", written)
    monkeypatch.setattr(loop, "run_folder", lambda out: print("地面") or full())
    with pytest.raises(OSError, match="No space"):
        loop.train(None, None, out="runs/none")
    written.flush()
    assert written.buffer.getvalue() == b"\\u5730\\u9762\n" and written.errors == "strict"
