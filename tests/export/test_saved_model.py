"""The SavedModel: the Keras model's labels at any size, in a process without this package."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras import export

LABELS = fcn_keras.LabelSet(("road", "sky", "tree", "car", "pole"))
SIZES = ((97, 131), (200, 300), (1, 1))
ALONE = """
import json, pathlib, sys
import numpy as np, tensorflow as tf
assert "fcn_keras" not in sys.modules and "keras" not in str(sys.argv)
loaded = tf.saved_model.load(sys.argv[1])
arrays = np.load(sys.argv[2])
answers = {}
for name in arrays.files:
    images = tf.constant(arrays[name])
    answers[name] = loaded.signatures["serving_default"](images=images)["label_map"].numpy()
    answers["scores" + name] = loaded.signatures["scores"](images=images)["scores"].numpy()
labels = (pathlib.Path(sys.argv[1]) / "assets/labels.json").read_text()
answers["names"] = json.loads(labels)["names"]
assert not any(name.startswith("fcn_keras") for name in sys.modules)
np.savez(sys.argv[3], **answers)
"""


@pytest.fixture(scope="module")
def model():
    """Random weights, but scores that vary over the image: several classes win somewhere."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input((None, None, 3))
    x = fcn_keras.layers.Preprocess("torch")(inputs)
    x = keras.layers.Conv2D(16, 3, padding="same", activation="relu")(x)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Conv2D(5, 3, padding="same")(x)
    score = fcn_keras.layers.Logits(label_config=LABELS.to_config(), name="score")
    return keras.Model(inputs, score([x, inputs]))


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    return {f"{h}x{w}": rng.integers(0, 256, (2, h, w, 3), "uint8") for h, w in SIZES}


@pytest.fixture(scope="module")
def directory(model, tmp_path_factory):
    return export.export_saved_model(model, tmp_path_factory.mktemp("export") / "street")


def test_runs_alone_in_a_fresh_process(model, images, directory, tmp_path):
    np.savez(tmp_path / "images.npz", **images)
    arguments = [str(directory), str(tmp_path / "images.npz"), str(tmp_path / "answers.npz")]
    subprocess.run(
        [sys.executable, "-c", ALONE, *arguments],
        check=True,
        cwd=tmp_path,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"},
    )
    answers = np.load(tmp_path / "answers.npz")
    for size, batch in images.items():
        logits = model.predict(batch.astype("float32"), verbose=0)
        np.testing.assert_allclose(answers["scores" + size], logits, atol=1e-4)
        assert answers[size].dtype == np.uint8
        np.testing.assert_array_equal(answers[size], logits.argmax(-1))
        assert size == "1x1" or len(np.unique(answers[size])) > 2
    assert tuple(answers["names"]) == LABELS.names


def test_predictor_equals_the_models(model, images, directory):
    predictor = export.SavedModelPredictor(directory)
    assert predictor.labels == LABELS
    for batch in images.values():
        labels, scores = predictor.segment(batch[0], return_scores=True)
        expected, logits = fcn_keras.Predictor(model).segment(batch[0], return_scores=True)
        np.testing.assert_array_equal(labels, expected)
        np.testing.assert_allclose(scores, logits, atol=1e-4)
        np.testing.assert_array_equal(predictor.segment_batch(batch)[0], expected)
    truth = [fcn_keras.segment(model, image) for image in images["97x131"]]
    pairs = list(zip(images["97x131"], truth, strict=True))
    assert fcn_keras.evaluate(predictor, pairs, progress=False).scores.pixel_accuracy == 1


def test_a_real_net(tmp_path):
    net = fcn_keras.fcn8s(4, "vgg_slim", weights=None)
    weights = np.random.default_rng(0)
    for variable in net.trainable_variables:
        if "score" in variable.path:
            variable.assign(weights.normal(size=variable.shape))
    image = weights.integers(0, 256, (97, 131, 3), "uint8")
    predictor = export.SavedModelPredictor(export.export_saved_model(net, tmp_path / "net"))
    labels, scores = predictor.segment(image, return_scores=True)
    _, logits = fcn_keras.Predictor(net).segment(image, return_scores=True)
    np.testing.assert_allclose(scores, logits, rtol=1e-3, atol=1e-3 * np.abs(logits).max())
    best = np.sort(logits, -1)
    clear = best[..., -1] - best[..., -2] > 1e-2 * np.abs(logits).max()
    np.testing.assert_array_equal(labels[clear], logits.argmax(-1)[clear])


def test_nothing_is_replaced_unasked(model, images, tmp_path):
    first = export.export_saved_model(model, tmp_path / "m")
    with pytest.raises(ValueError, match="already exists.*overwrite=True"):
        export.export_saved_model(model, tmp_path / "m")
    other = fcn_keras.LabelSet(tuple("abcde"))
    export.export_saved_model(model, tmp_path / "m", other, overwrite=True)
    assert export.SavedModelPredictor(first).labels == other
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters/dear.txt").write_text("keep me")
    with pytest.raises(ValueError, match="no SavedModel, so it is not replaced"):
        export.export_saved_model(model, tmp_path / "letters", overwrite=True)
    assert (tmp_path / "letters/dear.txt").exists()


def test_a_failed_export_leaves_nothing(model, tmp_path, monkeypatch):
    export.export_saved_model(model, tmp_path / "m")

    def broken(*_, **__):
        raise OSError("no space left on device")

    monkeypatch.setattr(fcn_keras.LabelSet, "save", broken)
    for name in ("m", "new"):
        with pytest.raises(OSError, match="no space"):
            export.export_saved_model(model, tmp_path / name, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["m"]
    assert export.SavedModelPredictor(tmp_path / "m").labels == LABELS


def test_more_than_255_classes(tmp_path):
    inputs = keras.Input((None, None, 3))
    layer = keras.layers.Conv2D(300, 1)
    many = keras.Model(inputs, layer(inputs))
    layer.set_weights([np.zeros((1, 1, 3, 300)), np.eye(300)[299]])
    predictor = export.SavedModelPredictor(export.export_saved_model(many, tmp_path / "many"))
    labels = predictor.segment(np.zeros((3, 4, 3), "uint8"))
    assert labels.dtype == np.uint16 and (labels == 299).all()
    assert predictor.labels.num_classes == 300


def test_what_does_not_fit_is_refused(model, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="names 2 classes.*scores 5"):
        export.export_saved_model(model, tmp_path / "m", fcn_keras.LabelSet(("a", "b")))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="saved_model.pb"):
        export.SavedModelPredictor(tmp_path / "empty")
    assert not (tmp_path / "m").exists()
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(RuntimeError, match="'jax'.*KERAS_BACKEND=tensorflow"):
        export.export_saved_model(model, tmp_path / "m")
