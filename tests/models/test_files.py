"""A model file that cannot be loaded: the message names the file, the cause and the remedy."""

import json
import re
import zipfile

import keras
import numpy as np
import pytest

from fcn_keras.export.loading import model_file
from fcn_keras.models import load_model

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"


@pytest.fixture(scope="module")
def net():
    return keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(2, 1, name="one")])


@pytest.fixture
def saved(net, tmp_path):
    net.save(tmp_path / "net.keras")
    return tmp_path / "net.keras"


def changed(path, part, change):
    """Rewrites one part of a .keras file; `change` returns its new bytes, or None to drop it."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts[part] = change(parts[part])
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            if content is not None:
                archive.writestr(name, content)


def refusal(path):
    with pytest.raises(ValueError) as refused:
        load_model(path)
    text = str(refused.value)
    assert str(path) in text
    return text


def test_a_whole_file_is_loaded(saved, net):
    x = np.random.default_rng(0).uniform(size=(1, 4, 5, 3)).astype("float32")
    np.testing.assert_array_equal(load_model(saved)(x), net(x))


@pytest.mark.parametrize(
    "content, said",
    [
        (b"", "is damaged: it is empty"),
        (b"<!DOCTYPE html><html>too many downloads</html>", "a web page.*download it again"),
        (LFS, "a pointer of Git LFS; `git lfs pull`"),
        (b"\x1c\x00\x00\x00TFL3....", "a TFLite file"),
        (b"\x80\x02}q\x00.", "torch"),
        (b"some text", "does not begin like a .keras file"),
    ],
)
def test_what_begins_as_no_model_is_named(tmp_path, content, said):
    path = tmp_path / "net.keras"
    path.write_bytes(content)
    assert re.search(said, refusal(path))


def test_a_file_cut_short_ends_too_early(saved):
    saved.write_bytes(saved.read_bytes()[:-200])
    assert "is damaged: it ends too early. Copy or save it again." in refusal(saved)


def test_weights_by_the_name_of_a_model_are_told_from_a_model_in_hdf5(net, tmp_path):
    net.save_weights(tmp_path / "only.weights.h5")
    weights = (tmp_path / "only.weights.h5").rename(tmp_path / "weights.keras")
    assert "weights without the net" in refusal(weights)
    assert "model.load_weights" in refusal(weights)
    net.save(tmp_path / "old.h5")
    with pytest.raises(ValueError, match=r"old.h5 is no model but .*\.save\('NAME.keras'\)"):
        model_file(tmp_path / "old.h5")
    old = (tmp_path / "old.h5").rename(tmp_path / "old.keras")
    assert "old HDF5 format" in refusal(old)


@pytest.mark.parametrize("part", ["config.json", "model.weights.h5"])
def test_a_missing_part_is_named(saved, part):
    changed(saved, part, lambda content: None)
    assert f"it has no {part}" in refusal(saved)


def test_damaged_parts_are_named(saved):
    changed(saved, "model.weights.h5", lambda content: content[: len(content) // 2])
    assert "model.weights.h5 in it ends too early" in refusal(saved)
    changed(saved, "config.json", lambda content: content[:50])
    assert "config.json or metadata.json is damaged" in refusal(saved)


def test_a_model_packed_twice(saved, tmp_path):
    with zipfile.ZipFile(tmp_path / "twice.keras", "w") as archive:
        archive.write(saved, "runs/net.keras")
    assert "runs/net.keras in it; unpack it" in refusal(tmp_path / "twice.keras")


def test_a_renamed_model_says_so(saved, tmp_path):
    zipped = saved.rename(tmp_path / "net.zip")
    with pytest.raises(ValueError, match="net.zip is no model, but would be one .*rename it"):
        model_file(zipped)


def test_a_newer_keras_is_named(saved):
    changed(saved, "config.json", lambda c: c.replace(b'"filters"', b'"shiny": 1, "filters"'))
    older = refusal(saved)
    assert "newer than" not in older
    assert "'shiny': 1" in older
    changed(
        saved,
        "metadata.json",
        lambda content: json.dumps({**json.loads(content), "keras_version": "99.1.0"}).encode(),
    )
    assert "saved by Keras 99.1.0, which is newer than the installed" in refusal(saved)
    assert "'keras>=99.1.0'" in refusal(saved)


def test_a_layer_of_an_unknown_class_is_named(tmp_path):
    class Halved(keras.layers.Layer):
        def call(self, x):
            return x / 2

    model = keras.Sequential([keras.Input((None, None, 3)), Halved(name="half")])
    model.save(tmp_path / "own.keras")
    text = refusal(tmp_path / "own.keras")
    assert "the class 'Halved' of 'half' is not known" in text
    assert "register_keras_serializable" in text


def test_a_lambda_is_not_run(tmp_path):
    lambda_ = keras.layers.Lambda(lambda x: x / 2, name="half")
    keras.Sequential([keras.Input((None, None, 3)), lambda_]).save(tmp_path / "own.keras")
    text = refusal(tmp_path / "own.keras")
    assert "its layer 'half' is a Lambda" in text
    assert "enable_unsafe_deserialization" in text


def test_weights_of_another_net(saved, tmp_path):
    wider = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(5, 3)])
    wider.save_weights(tmp_path / "w.weights.h5")
    changed(saved, "model.weights.h5", lambda content: (tmp_path / "w.weights.h5").read_bytes())
    assert "weights in it do not fit the layers" in refusal(saved)


class TestFolders:
    def said(self, folder):
        with pytest.raises(FileNotFoundError) as refused:
            model_file(folder)
        assert str(folder) in str(refused.value)
        return str(refused.value)

    def test_an_empty_folder(self, tmp_path):
        assert "It is empty." in self.said(tmp_path)

    def test_a_folder_of_runs_names_them(self, saved, tmp_path):
        (tmp_path / "runs" / "street").mkdir(parents=True)
        saved.rename(tmp_path / "runs" / "street" / "best.keras")
        assert "It holds the runs street: give one" in self.said(tmp_path / "runs")

    def test_a_model_of_another_name_is_named(self, saved, tmp_path):
        assert "It holds net.keras: give that file." in self.said(tmp_path)

    def test_an_unpacked_model(self, saved, tmp_path):
        with zipfile.ZipFile(saved) as archive:
            archive.extractall(tmp_path / "net")
        assert "parts of an unpacked .keras file" in self.said(tmp_path / "net")

    @pytest.mark.parametrize("inside", ["variables", "1/variables"])
    def test_a_saved_model_without_its_graph(self, tmp_path, inside):
        (tmp_path / "served" / inside).mkdir(parents=True)
        assert "SavedModel without its saved_model.pb" in self.said(tmp_path / "served")


def test_a_folder_is_no_model_file(saved):
    assert "is a folder, not a .keras file. It holds net.keras" in refusal(saved.parent)
