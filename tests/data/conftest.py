"""Helpers that write miniature copies of datasets, and checks that every dataset must pass."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

SIZE = (20, 30)


def _photo(path, size=SIZE):
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(len(path.name)).integers(0, 256, (*size, 3), "uint8")
    Image.fromarray(values).save(path)


def _values(values, size=SIZE, dtype="uint8"):
    """A map that repeats some values in turn."""
    return np.resize(np.array(values, dtype), size)


def _png(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


def _mat(path, **variables):
    from scipy.io import savemat

    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, variables)


def _text(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture
def write():
    """photo(path), png(path, array), mat(path, name=array), text(path, *lines), values(list)."""
    return SimpleNamespace(photo=_photo, png=_png, mat=_mat, text=_text, values=_values)


@pytest.fixture
def same_in_batches():
    """Checks that batches contain the examples, each padded with void."""

    def check(dataset):
        batches = list(dataset.batches(2).as_numpy_iterator())
        images = [image for part, _ in batches for image in part]
        labels = [label for _, part in batches for label in part]
        assert len(images) == len(dataset)
        for image, label, (true_image, true_label) in zip(images, labels, dataset, strict=True):
            height, width = true_label.shape
            np.testing.assert_array_equal(image[:height, :width], true_image)
            np.testing.assert_array_equal(label[:height, :width], true_label)
            assert label.dtype == dataset.labels.dtype

    return check


@pytest.fixture
def check_data(tmp_path):
    """Runs `fcn-keras check-data`; returns the exit code and all that it printed."""
    from typer.testing import CliRunner

    from fcn_keras import cli

    def check(text):
        done = CliRunner().invoke(
            cli.app, ["check-data", text, "--sheet", str(tmp_path / "sheet.png")]
        )
        return done.exit_code, done.output + str(done.exception or "")

    return check
