"""SegNet, SegNet-Basic and DeconvNet as TFLite files of builtin operations, float and int8."""

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras.export import tflite
from fcn_keras.training import refresh_batch_norm

L = keras.layers
SIZE = (45, 30)


def classifier():
    x = given = keras.Input((None, None, 3))
    for filters in (4, 6):
        x = L.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = L.MaxPooling2D(2)(x)
    return keras.Model(given, x)


def small_segnet():
    return fcn_keras.segnet(4, classifier(), preprocess="tf", bayesian=True)


def small_deconvnet():
    return fcn_keras.deconvnet(4, classifier(), preprocess="tf", head_filters=8)


@pytest.fixture(
    scope="module",
    params=[
        small_segnet,
        pytest.param(lambda: fcn_keras.segnet_basic(4), marks=pytest.mark.sweep),
        pytest.param(small_deconvnet, marks=pytest.mark.sweep),
    ],
    ids=["segnet", "segnet_basic", "deconvnet"],
)
def net(request, pictures):
    """A net with the statistics of pictures, as after training."""
    pytest.importorskip("ai_edge_litert", reason="running TFLite files needs ai-edge-litert")
    keras.utils.set_random_seed(1)
    model = request.param()
    refresh_batch_norm(model, [np.stack(pictures(8, SIZE, seed=1)).astype("float32")])
    return model


def test_float_is_the_keras_model(net, pictures, tmp_path):
    path = tflite.export_tflite(net, tmp_path / "net.tflite", size=SIZE, logits=True)
    (image,) = pictures(1, SIZE)
    expected = fcn_keras.segment(net, image, return_logits=True)[1]
    found = tflite.Segmenter(path).segment(image, return_logits=True)[1]
    # rounding may choose another of two maxima that are all but equal
    near = np.abs(found - expected).max(-1) < 1e-4 * np.abs(expected).max()
    assert near.mean() > 0.995


def test_int8_is_near_the_keras_model(net, pictures, tmp_path):
    path, images = tmp_path / "net.tflite", pictures(8, SIZE, seed=1)
    tflite.export_tflite(net, path, "int8", size=SIZE, logits=True, calibration=images)
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    types = {details["index"]: details["dtype"] for details in interpreter.get_tensor_details()}
    made = [(d["op_name"], types[d["outputs"][0]]) for d in interpreter._get_ops_details()]
    kinds = [kind for name, kind in made if name == "CONV_2D"]
    assert kinds.count(np.int8) == len(kinds) - 1  # the scores stay float
    expected = fcn_keras.segment(net, images[0], return_logits=True)[1]
    found = tflite.Segmenter(path).segment(images[0], return_logits=True)[1]
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.88
