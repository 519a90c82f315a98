"""Boundaries on the command line: train, evaluate, predict."""

import json

import numpy as np
import pytest
from PIL import Image


@pytest.mark.training
def test_hed_from_training_to_files(command, tmp_path, tiny_vgg):
    data = ("--data", "scenes:target=boundaries,count=4")
    run = tmp_path / "run"
    code, shown, errors = command(
        "train", *data, "--model", "hed", "--classifier", "tiny_vgg", "--steps", "1",
        "--batch-size", "2", "--merged", "--out", run,
    )  # fmt: skip
    assert code == 0, errors
    assert "loss: class_balanced" in shown and "best validation boundary f" in shown
    assert (run / "predictions.png").is_file()
    code, shown, errors = command(
        "evaluate", run, *data, "--thresholds", "3", "--json", tmp_path / "figures.json"
    )
    assert code == 0 and "3 thresholds" in shown, errors
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert set(figures) >= {"ods", "ois", "average_precision", "precision", "recall"}
    Image.fromarray(np.zeros((40, 50, 3), "uint8")).save(tmp_path / "a.png")
    code, shown, errors = command("predict", run, tmp_path / "a.png", "--out", tmp_path / "out")
    assert code == 0, errors
    assert Image.open(tmp_path / "out/a_boundaries.png").size == (50, 40)


def test_data_of_classes_is_refused(command, tmp_path, tiny_vgg):
    words = ("--data", "digits", "--model", "hed", "--classifier", "tiny_vgg")
    code, _, errors = command("train", *words, "--out", tmp_path / "run")
    told = "'hed' is made for boundaries, got 11 classes"
    assert code != 0 and told in " ".join(errors.split())
