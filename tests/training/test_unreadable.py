"""A training among whose files some cannot be read: it stops, or goes on and says so."""

import json

import numpy as np
import pytest
from PIL import Image

import fcn_keras
from fcn_keras import training
from fcn_keras.data import Dataset
from fcn_keras.labels import LabelSet

pytest.importorskip("tensorflow")
pytestmark = pytest.mark.usefixtures("tiny_vgg")
LABELS = LabelSet(("ground", "object"))


def files(folder, count, broken=()):
    folder.mkdir()
    rng, paths = np.random.default_rng(0), []
    for number in range(count):
        pair = folder / f"n{number}.png", folder / f"n{number}_mask.png"
        image = rng.integers(0, 256, (40, 48, 3)).astype("uint8")
        Image.fromarray(image).save(pair[0])
        Image.fromarray(image[..., 0] // 128).save(pair[1])
        if number in broken:
            pair[0].write_bytes(pair[0].read_bytes()[:500])
        paths.append(pair)
    images, masks = zip(*paths, strict=True)
    return Dataset("made", folder.name, LABELS, tuple(p.stem for p in images), images, masks)


@pytest.fixture
def data(tmp_path):
    """Of the training images the first and another are cut short, of the others the first."""
    return files(tmp_path / "train", 8, (0, 5)), files(tmp_path / "val", 3, (0,))


def test_skipping_goes_on_and_names_what_was_left_out(data, tmp_path, capsys):
    model = fcn_keras.fcn32s(2, "tiny_vgg", weights=None)
    with pytest.warns(UserWarning, match="Skipped 'n5'.*n5.png"):
        rows = training.train(
            model, *data, out=tmp_path / "run", epochs=2, batch_size=3, on_error="skip", verbose=0
        )
    assert len(rows) == 2 and np.isfinite(rows[-1]["val_loss"])
    output = capsys.readouterr().out
    assert "train data: 2 examples skipped: n" in output
    assert "val data: 1 example skipped: n0" in output
    assert (tmp_path / "run" / "predictions.png").is_file()
    assert json.loads((tmp_path / "run" / "config.json").read_text())["recipe"]["crop"] == [40, 48]


def test_by_default_it_stops_and_names_the_file(data, tmp_path):
    model = fcn_keras.fcn32s(2, "tiny_vgg", weights=None)
    with pytest.raises(ValueError, match=r"n[05].png"):
        training.train(model, *data, out=tmp_path / "run", epochs=1, batch_size=3, verbose=0)
    with pytest.raises(ValueError, match="'raise', 'skip', got 'stop'"):
        training.train(model, *data, out=tmp_path / "run", on_error="stop")
