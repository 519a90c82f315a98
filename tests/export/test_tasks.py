"""A net for another task than classes, in every form."""

import json

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras import export, tasks
from fcn_keras.export import serving, tflite

TASK = tasks.Regression("distance", unit="px")
IMAGE = np.random.default_rng(0).integers(0, 256, (23, 31, 3), "uint8")


def build(task):
    """A net of random weights whose outputs vary over the image."""
    keras.utils.set_random_seed(1)
    image = keras.Input((None, None, 3))
    x = keras.layers.Rescaling(1 / 255)(image)
    x = keras.layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    x = keras.layers.Conv2D(task.channels, 3, padding="same")(x)
    last = fcn_keras.layers.Logits(task_config=task.to_config())
    return keras.Model(image, last([x, image]))


def outputs(model):
    return model.predict(IMAGE[None].astype("float32"), verbose=0)[0]


@pytest.fixture(scope="module")
def model():
    return build(TASK)


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    keras.config.set_dtype_policy("float32")
    return export.export_saved_model(model, tmp_path_factory.mktemp("m") / "m", warmup=(8, 8))


def check(segmenter, model, task=TASK):
    """Its map is what the net computes, and it says what it means."""
    assert segmenter.task == task and segmenter.labels is None
    assert segmenter.size is None and segmenter.channels == 3 and segmenter.halo.stride == (1, 1)
    found, expected = segmenter.segment(IMAGE), outputs(model)
    assert found.dtype == np.float32
    np.testing.assert_allclose(
        found, expected[..., 0] if task.channels == 1 else expected, atol=1e-5
    )
    np.testing.assert_array_equal(segmenter.segment_batch([IMAGE, IMAGE])[1], found)
    values = segmenter.segment(IMAGE, return_logits=True)[1]
    np.testing.assert_array_equal(values, found.reshape(*IMAGE.shape[:2], task.channels))
    mirrored = fcn_keras.segment(segmenter, IMAGE, flip=True)
    assert mirrored.shape == found.shape and not np.array_equal(mirrored, found)
    with pytest.raises(ValueError, match="needs class probabilities"):
        segmenter.probabilities([IMAGE])


def test_a_saved_model(model, folder):
    check(export.SavedModelPredictor(folder), model)
    names = {path.name for path in (folder / "assets").iterdir()}
    assert names == {"task.json", "halo.json"}
    assert json.loads((folder / "assets/task.json").read_text()) == TASK.to_config()


def test_a_tflite_file(model, tmp_path):
    path = export.export_tflite(model, tmp_path / "m.tflite")
    segmenter = tflite.Segmenter(path, threads=1)
    check(segmenter, model)
    assert segmenter.made["output"] == "map"


def test_windows_of_a_tflite_file_of_one_size(model, tmp_path):
    segmenter = tflite.Segmenter(export.export_tflite(model, tmp_path / "m.tflite", size=(16, 16)))
    found = segmenter.segment(IMAGE)
    np.testing.assert_allclose(found[:8, :8], outputs(model)[:8, :8, 0], atol=1e-5)
    assert found.shape == IMAGE.shape[:2]


def test_a_server_and_its_clients(model, folder):
    with serving.DevelopmentServer(folder, rest_port=0, grpc_port=0) as server:
        for address in (server.rest_address, server.grpc_address):
            with serving.Client(address) as client:
                check(client, model)


def test_several_channels(tmp_path):
    task = tasks.Regression("motion", channels=2)
    model = build(task)
    path = export.export_tflite(model, tmp_path / "m.tflite")
    check(tflite.Segmenter(path, threads=1), model, task)
    folder = export.export_saved_model(model, tmp_path / "m", warmup=None)
    check(export.SavedModelPredictor(folder), model, task)


def test_mirrored_and_shrunk_images(model, tmp_path):
    folder = export.export_saved_model(model, tmp_path / "m", warmup=None, flip=True, max_side=40)
    predictor = export.SavedModelPredictor(folder)
    flipped = model.predict(IMAGE[None, :, ::-1].astype("float32"), verbose=0)[0, :, ::-1, 0]
    expected = (outputs(model)[..., 0] + flipped) / 2
    np.testing.assert_allclose(predictor.segment(IMAGE), expected, atol=1e-5)
    large = np.repeat(np.repeat(IMAGE, 3, 0), 3, 1)
    assert predictor.segment(large).shape == large.shape[:2]


def test_probabilities_of_classes(tmp_path):
    model = build(tasks.Classes(num_classes=3))
    path = export.export_tflite(model, tmp_path / "m.tflite", logits=True)
    folder = export.export_saved_model(
        model, tmp_path / "m", signatures=("serving_default", "logits"), warmup=None
    )
    expected = fcn_keras.Predictor(model).probabilities([IMAGE])
    for segmenter in (tflite.Segmenter(path, threads=1), export.SavedModelPredictor(folder)):
        np.testing.assert_allclose(segmenter.probabilities([IMAGE]), expected, atol=1e-5)


def test_what_does_not_suit_the_task_is_refused(model, tmp_path):
    with pytest.raises(ValueError, match="names classes.*made for regression"):
        export.export_saved_model(model, tmp_path / "m", labels=fcn_keras.LabelSet(("a",)))
    for signature in ("logits", "encoded"):
        with pytest.raises(ValueError, match=f"no signature '{signature}'.*regression"):
            export.export_saved_model(
                model, tmp_path / "m", signatures=("serving_default", signature)
            )
    with pytest.raises(ValueError, match="`logits` belongs to classes"):
        export.export_tflite(model, tmp_path / "m.tflite", logits=True)
    with pytest.raises(ValueError, match="web page shows classes"):
        export.export_web(model, tmp_path / "site", size=(8, 8), cdn=True)
    unknown = keras.Model(model.input, model.layers[-2].output)
    with pytest.raises(ValueError, match="1 channel.*tasks"):
        export.export_tflite(unknown, tmp_path / "m.tflite")
