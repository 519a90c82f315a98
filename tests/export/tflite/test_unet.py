"""U-Net as TFLite files of builtin operations, in float and in int8."""

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras.export import tflite

SIZE = (45, 30)


@pytest.fixture(scope="module")
def unet():
    """The paper's net, narrow: mirrored margins, up-convolutions, crops."""
    pytest.importorskip("ai_edge_litert", reason="running TFLite files needs ai-edge-litert")
    keras.utils.set_random_seed(1)
    return fcn_keras.unet(4, filters=(6, 8, 10))


def test_float_is_the_keras_model(unet, pictures, tmp_path):
    path = tflite.export_tflite(unet, tmp_path / "net.tflite", size=SIZE, logits=True)
    (image,) = pictures(1, SIZE)
    expected = fcn_keras.segment(unet, image, return_logits=True)[1]
    found = tflite.Segmenter(path).segment(image, return_logits=True)[1]
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_int8_is_near_the_keras_model(unet, pictures, tmp_path):
    path, images = tmp_path / "net.tflite", pictures(8, SIZE, seed=1)
    tflite.export_tflite(unet, path, "int8", size=SIZE, logits=True, calibration=images)
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    types = {details["index"]: details["dtype"] for details in interpreter.get_tensor_details()}
    made = [(d["op_name"], types[d["outputs"][0]]) for d in interpreter._get_ops_details()]
    kinds = [kind for name, kind in made if name in ("CONV_2D", "TRANSPOSE_CONV")]
    assert kinds.count(np.int8) == len(kinds) - 1 == 12  # the scores stay float
    expected = fcn_keras.segment(unet, images[0], return_logits=True)[1]
    found = tflite.Segmenter(path).segment(images[0], return_logits=True)[1]
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.99
