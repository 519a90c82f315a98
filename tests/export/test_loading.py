"""One opener for every form of a model."""

import json
import shutil

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras import LabelSet, Predictor, export
from fcn_keras.export import serving, tflite

IMAGE = np.random.default_rng(0).integers(0, 256, (24, 32, 3), "uint8")
NAMES = LabelSet(("land", "water"))


@pytest.fixture(scope="module")
def unnamed():
    """A user's model of two classes, without class names."""
    image = keras.Input((None, None, 3))
    return keras.Model(image, keras.layers.Conv2D(2, 3, padding="same")(image))


@pytest.fixture
def saved(model, tmp_path):
    model.save(tmp_path / "net.keras")
    return tmp_path / "net.keras"


def test_every_form_segments_as_the_model(model, saved, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    shutil.copy(saved, run / "best.keras")
    export.export_saved_model(model, tmp_path / "served", signatures="serving_default", warmup=None)
    sources = {
        saved: Predictor,
        run: Predictor,
        tmp_path / "served": export.SavedModelPredictor,
        tmp_path / "served/1": export.SavedModelPredictor,
        export.export_tflite(model, tmp_path / "net.tflite"): tflite.Segmenter,
    }
    expected = fcn_keras.segment(model, IMAGE)
    assert len(np.unique(expected)) > 1
    for source, kind in sources.items():
        opened = export.load(str(source))
        assert type(opened) is kind, source
        assert opened.labels == fcn_keras.labels_of(model)
        np.testing.assert_array_equal(opened.segment(IMAGE), expected)


def test_an_address_gives_a_client_that_has_not_asked_yet():
    client = export.load("http://localhost:1/v1/models/street", labels=NAMES)
    assert isinstance(client, serving.Client) and client.labels == NAMES


def test_class_names_come_from_the_run_folder_or_are_given(unnamed, tmp_path):
    unnamed.save(tmp_path / "best.keras")
    assert export.load(tmp_path).labels == LabelSet.numbered(2)
    (tmp_path / "labels.json").write_text(json.dumps(NAMES.to_config()))
    assert export.load(tmp_path).labels == export.load(tmp_path / "best.keras").labels == NAMES
    other = LabelSet(("a", "b"))
    assert export.load(tmp_path, labels=other).labels == other


def test_of_several_outputs_one_is_named(tmp_path):
    image = keras.Input((None, None, 3))
    outputs = {
        name: keras.layers.Conv2D(n, 1, name=name)(image) for n, name in ((2, "a"), (3, "b"))
    }
    keras.Model(image, outputs).save(tmp_path / "two.keras")
    with pytest.raises(ValueError, match=r"has the outputs a, b: name one with --output"):
        export.load(tmp_path / "two.keras")
    assert export.load(tmp_path / "two.keras", output="b").labels.num_classes == 3
    with pytest.raises(ValueError, match="no output 'c'"):
        export.load(tmp_path / "two.keras", output="c")


def test_what_exports_do_not_take_is_refused(model, tmp_path):
    path = export.export_tflite(model, tmp_path / "net.tflite")
    with pytest.raises(ValueError, match=r"net.tflite is an export, which has one output"):
        export.load(path, output="score")
    with pytest.raises(ValueError, match=r"net.tflite has class names of its own"):
        export.load(path, labels=NAMES)


def test_a_damaged_file_is_called_so(saved):
    content = saved.read_bytes()
    middle = len(content) // 2
    for damaged, reason in (
        (content[:middle], "it ends too early"),
        (content[:-1], "it ends too early"),
        (b"", "it is empty"),
        (b"no zip archive", "does not begin"),
        (
            content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :],
            "model.weights",
        ),
    ):
        saved.write_bytes(damaged)
        with pytest.raises(ValueError, match=rf"net\.keras is damaged: .*{reason}"):
            export.load(saved)


def test_what_is_missing_or_of_another_kind_is_named(tmp_path):
    (tmp_path / "notes.txt").write_text("no model")
    with pytest.raises(FileNotFoundError, match=r"no model .*gone: give a .keras file, a run"):
        export.load(tmp_path / "gone")
    with pytest.raises(ValueError, match=r"notes.txt is no model: give a .keras file"):
        export.load(tmp_path / "notes.txt")
    with pytest.raises(FileNotFoundError, match="no model in"):
        export.load(tmp_path)


@pytest.mark.parametrize("text", ["{}", "[1]", "// no JSON", '{"data": 5}'])
def test_another_programs_config_beside_a_model_is_left_alone(unnamed, tmp_path, text):
    unnamed.save(tmp_path / "best.keras")
    (tmp_path / "config.json").write_text(text)
    assert export.load(tmp_path / "best.keras").segment(IMAGE).shape == IMAGE.shape[:2]
    if text.startswith("//"):  # of a run folder it is damaged, and may have said how to read images
        with pytest.raises(ValueError, match=r"config.json is not JSON"):
            export.load(tmp_path)
    else:
        assert export.load(tmp_path).segment(IMAGE).shape == IMAGE.shape[:2]
