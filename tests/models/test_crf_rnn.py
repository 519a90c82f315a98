"""An FCN with a CRF as RNN: what it computes at first, training, files, and its refusals."""

import subprocess
import sys

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras.layers import CRFAsRNN

OPTIONS = {"iterations": 1, "inference_iterations": 2, "color_width": 20}

FRESH = """
import sys
import numpy as np
import tensorflow as tf

images, answers = np.load("images.npy"), np.load("answers.npy")
served = tf.saved_model.load("served/1").signatures["serving_default"]
np.testing.assert_array_equal(served(images=tf.constant(images))["label_map"], answers)
assert "fcn_keras" not in sys.modules

import keras
import fcn_keras

model = keras.models.load_model("model.keras")
assert fcn_keras.labels_of(model).names[1] == "0"
np.testing.assert_array_equal([fcn_keras.segment(model, image) for image in images], answers)
"""


@pytest.fixture(scope="module")
def data():
    return fcn_keras.data.load("digits", split="val", count=4, size=(64, 64))


@pytest.fixture
def fcn(data, tiny_vgg):
    net = fcn_keras.fcn32s(
        11, tiny_vgg, weights=None, labels=data.labels, score_initializer="glorot_uniform"
    )
    score = net.get_layer("score_fr")
    score.set_weights([30 * score.get_weights()[0], *score.get_weights()[1:]])
    return net


def test_at_first_it_is_dense_crf_after_the_net(fcn, data):
    model = fcn_keras.crf_rnn(fcn, **OPTIONS)
    image = data[0][0][None, :41, :50]
    logits = fcn.predict(image.astype("float32"), verbose=0)
    expected = fcn_keras.crf.dense_crf(logits, image, steps=2, color_width=20)
    refined = model.predict(image.astype("float32"), verbose=0)
    np.testing.assert_allclose(keras.ops.softmax(refined), expected, atol=2e-4)
    best = np.sort(expected, -1)
    clear = best[..., -1] - best[..., -2] > 1e-3
    labels = fcn_keras.segment(model, image[0])
    assert len(set(labels.flat)) > 1
    assert (labels == expected.argmax(-1)[0])[clear[0]].all()
    assert model.name == "fcn32s_crf_rnn"
    assert fcn_keras.labels_of(model).names == data.labels.names


def test_a_step_changes_every_weight(fcn, data):
    model = fcn_keras.crf_rnn(fcn, **OPTIONS)
    before = [np.array(weights) for weights in model.trainable_weights]
    loss = fcn_keras.losses.CrossEntropy()
    model.compile(keras.optimizers.Adam(1e-3), loss, run_eagerly=True)
    image, truth = data[0]
    assert np.isfinite(model.train_on_batch(image[None, :41, :50], truth[None, :41, :50]))
    for weights, old in zip(model.trainable_weights, before, strict=True):
        assert np.abs(weights.numpy() - old).max() > 0, weights.path


@pytest.mark.training
def test_it_is_trained_end_to_end(fcn, data, tmp_path):
    model = fcn_keras.crf_rnn(fcn, **OPTIONS)
    before = [np.array(weights) for weights in model.get_weights()]
    history = fcn_keras.training.train(
        model, data, data, out=tmp_path / "run", epochs=3, batch_size=4, crop=(64, 64),
        augment=False, learning_rate=3e-3, verbose=0,
    )  # fmt: skip
    losses = [epoch["loss"] for epoch in history]
    assert np.isfinite(losses).all() and losses[-1] < losses[0]
    changed = dict(zip([w.path for w in model.weights], before, strict=True))
    for weight in model.trainable_weights:
        assert np.abs(changed[weight.path] - weight.numpy()).max() > 0, weight.path
    best = keras.models.load_model(tmp_path / "run" / "best.keras", compile=False)
    assert isinstance(best.layers[-1], CRFAsRNN)
    report = fcn_keras.evaluate(best, data)
    most = max(epoch["val_mean_iou"] for epoch in history)
    assert report.scores.mean_iou == pytest.approx(most, abs=2e-3)


@pytest.mark.processes
def test_files_give_the_same_labels_in_a_fresh_process(fcn, data, tmp_path):
    model = fcn_keras.crf_rnn(fcn, **OPTIONS)
    images = np.stack([data[i][0] for i in range(2)])
    model.save(tmp_path / "model.keras")
    fcn_keras.export.export_saved_model(
        model, tmp_path / "served", signatures=("serving_default",), warmup=None
    )
    np.save(tmp_path / "images.npy", images)
    np.save(tmp_path / "answers.npy", [fcn_keras.segment(model, image) for image in images])
    done = subprocess.run(
        [sys.executable, "-c", FRESH], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_what_it_cannot_stand_behind_is_refused(fcn):
    with pytest.raises(ValueError, match="has a CRF as RNN already"):
        fcn_keras.crf_rnn(fcn_keras.crf_rnn(fcn))
    grey = fcn_keras.fcn32s(3, "tiny_vgg", weights=None, input_shape=(None, None, 1))
    with pytest.raises(ValueError, match="RGB"):
        fcn_keras.crf_rnn(grey)
    both = fcn_keras.fcn32s({"a": 2, "b": 3}, "tiny_vgg", weights=None)
    with pytest.raises(ValueError, match="one_output"):
        fcn_keras.crf_rnn(both)
    with pytest.raises(ValueError, match="`iterations`"):
        fcn_keras.crf_rnn(fcn, iterations=0)


def test_it_has_no_tiles(fcn):
    with pytest.raises(ValueError, match="'crf_rnn'.*whole image"):
        fcn_keras.geometry.halo(fcn_keras.crf_rnn(fcn))
