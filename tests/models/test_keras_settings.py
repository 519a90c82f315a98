"""keras.json may say what it likes: the nets have channels last and train in its floatx."""

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras.cli.sources import load_library

IMAGE = np.random.default_rng(0).integers(0, 256, (1, 45, 70, 3)).astype("float32")


@pytest.fixture
def channels_first():
    keras.config.set_image_data_format("channels_first")
    yield
    keras.config.set_image_data_format("channels_last")


@pytest.fixture
def floatx(request):
    before = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx(request.param)
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_floatx(before[0])
    keras.config.set_dtype_policy(before[1])


@pytest.mark.parametrize(
    "classifier",
    ["tiny_vgg", *(pytest.param(n, marks=pytest.mark.sweep) for n in ("alexnet", "mobilenet_v2"))],
)
def test_channels_first_builds_the_same_net(classifier, tiny_vgg, channels_first, tmp_path):
    options = {"score_initializer": "he_normal", "weights": None, "head_filters": 8}
    net = fcn_keras.fcn32s(3, classifier, **options)
    assert keras.config.image_data_format() == "channels_first"  # the user's own stays
    scores = net(IMAGE)
    net.save(tmp_path / "net.keras")
    again = fcn_keras.models.load_model(tmp_path / "net.keras")
    np.testing.assert_array_equal(again(IMAGE), scores)
    keras.config.set_image_data_format("channels_last")
    plain = fcn_keras.fcn32s(3, classifier, **options)
    plain.set_weights(net.get_weights())
    np.testing.assert_array_equal(plain(IMAGE), scores)


@pytest.mark.backend
@pytest.mark.parametrize("floatx", ["float64"], indirect=True)
def test_losses_take_logits_of_the_users_floatx(floatx):
    labels = np.array([[[0, 1], [2, 255]]], "uint8")
    logits = keras.ops.cast(np.random.default_rng(0).normal(size=(1, 2, 2, 3)), floatx)
    for loss in (fcn_keras.losses.CrossEntropy(), fcn_keras.losses.Dice()):
        same = loss(labels, keras.ops.cast(logits, "float32"))
        np.testing.assert_allclose(loss(labels, logits), same, rtol=1e-6)


@pytest.mark.parametrize("floatx", ["float16"], indirect=True)
def test_commands_compute_in_float32(floatx):
    load_library()
    assert keras.config.floatx() == "float32"
    assert keras.config.image_data_format() == "channels_last"


@pytest.mark.parametrize("backend, said", [("numpy", "cannot train nets"), ("", "cannot train")])
def test_a_backend_without_gradients_is_refused(monkeypatch, backend, said):
    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    with pytest.raises(RuntimeError, match=f"{said}.*KERAS_BACKEND=tensorflow"):
        load_library()
