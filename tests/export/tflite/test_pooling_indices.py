"""Pooling indices are builtin operations of TFLite, in float, in int8 and at any size."""

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras.export import tflite
from fcn_keras.layers import Logits, MaxPooling2DWithIndices, MaxUnpooling2D

L = keras.layers
SIZE = (45, 30)


@pytest.fixture(scope="module")
def unpooled():
    """Two poolings and their unpoolings between convolutions that change nothing.

    In int8 every value of a pixel is a step, so that the file can be exact.
    """
    pytest.importorskip("ai_edge_litert", reason="running TFLite files needs ai-edge-litert")

    def same(x, name):
        return L.Conv2D(3, 1, use_bias=False, name=name)(x)

    image = keras.Input((None, None, 3))
    x = same(L.Rescaling(1 / 255)(image), "conv1")
    one, first = MaxPooling2DWithIndices()(x)
    deep = same(one, "conv2")
    two, second = MaxPooling2DWithIndices()(deep)
    back = same(MaxUnpooling2D()([two, second, deep]), "conv2_D")
    back = MaxUnpooling2D()([back, first, x])
    task = fcn_keras.tasks.Classes(num_classes=3)
    scores = Logits(0, task.to_config(), name="score")([same(back, "score_fr"), image])
    model = keras.Model(image, scores)
    for layer in model.layers:
        if isinstance(layer, L.Conv2D):
            layer.kernel.assign(np.eye(3).reshape(1, 1, 3, 3))
    return model


def expected(image):
    """Of each window of 4x4 pixels the first maximum of its four maxima, zeros elsewhere."""
    height, width, channels = image.shape
    result = np.zeros(image.shape)
    for i, j, c in np.ndindex(-(-height // 4), -(-width // 4), channels):
        best = None
        for y, x in ((0, 0), (0, 2), (2, 0), (2, 2)):  # the order of the second pooling
            for dy, dx in np.ndindex(2, 2):
                place = 4 * i + y + dy, 4 * j + x + dx, c
                if place[0] < height and place[1] < width:
                    if best is None or image[place] > image[best]:
                        best = place
        result[best] = image[best] / 255
    return result


def images_with_ties(count, size, seed=0):
    """Few different values, 0 and 255 among them: most windows have several maxima."""
    rng = np.random.default_rng(seed)
    return [*(rng.integers(0, 6, (count, *size, 3)) * 51).astype("uint8")]


def operations(path):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    types = {details["index"]: details["dtype"] for details in interpreter.get_tensor_details()}
    return [(d["op_name"], types[d["outputs"][0]]) for d in interpreter._get_ops_details()]


@pytest.mark.parametrize("size", [SIZE, None])
def test_float_is_exact(unpooled, tmp_path, size):
    path = tflite.export_tflite(unpooled, tmp_path / "net.tflite", size=size, logits=True)
    assert not any("FLEX" in name.upper() or "CUSTOM" in name for name, _ in operations(path))
    for shape in (SIZE,) if size else (SIZE, (32, 17), (1, 1)):
        (image,) = images_with_ties(1, shape)
        scores = tflite.Segmenter(path).segment(image, return_logits=True)[1]
        np.testing.assert_allclose(scores, expected(image), atol=1e-5)


def test_int8_is_exact_too(unpooled, tmp_path):
    path = tmp_path / "net.tflite"
    *calibration, image = images_with_ties(9, SIZE)
    tflite.export_tflite(unpooled, path, "int8", size=SIZE, logits=True, calibration=calibration)
    chosen = [kind for name, kind in operations(path) if name.startswith("SELECT")]
    assert chosen.count(np.int8) >= 2 * 3 + 2 * 4  # maxima, and values put in their places
    assert chosen.count(np.float32) == 0
    scores = tflite.Segmenter(path).segment(image, return_logits=True)[1]
    np.testing.assert_allclose(scores, expected(image), atol=1e-5)
