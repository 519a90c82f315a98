"""Segmenters of all decoders as TFLite files, in float and in int8, and as SavedModels."""

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras.export import export_saved_model, load, tflite
from fcn_keras.models.decoders import DECODERS
from fcn_keras.training import refresh_batch_norm

pytestmark = pytest.mark.sweep
L = keras.layers
SIZE = (45, 30)


@pytest.fixture(scope="module", params=[*DECODERS])
def net(request, pictures):
    """A net with the statistics of pictures, as after training."""
    pytest.importorskip("ai_edge_litert", reason="running TFLite files needs ai-edge-litert")
    keras.utils.set_random_seed(1)
    x = given = keras.Input((None, None, 3))
    for filters in (8, 10, 12, 14, 16):
        x = L.Conv2D(filters, 3, 2, "same", activation="relu")(x)
    options = {"preprocess": "tf", "decoder_filters": 16}
    model = fcn_keras.segmenter(4, keras.Model(given, x), request.param, **options)
    refresh_batch_norm(model, [np.stack(pictures(8, SIZE, seed=1)).astype("float32")])
    return model


def test_exports_are_the_keras_model(net, pictures, tmp_path):
    image, *calibration = pictures(8, SIZE, seed=1)
    other = pictures(1, (50, 61), seed=2)[0]
    expected, elsewhere = (
        fcn_keras.segment(net, one, return_logits=True)[1] for one in (image, other)
    )
    limit = 1e-4 * max(1, np.abs(expected).max())
    path = tflite.export_tflite(net, tmp_path / "open.tflite", logits=True)
    found = tflite.Segmenter(path).segment(other, return_logits=True)[1]
    np.testing.assert_allclose(found, elsewhere, atol=limit)
    served = load(export_saved_model(net, tmp_path / "sm"))
    found = served.segment(other, return_logits=True)[1]
    np.testing.assert_allclose(found, elsewhere, atol=limit)
    path = tmp_path / "int8.tflite"
    options = {"size": SIZE, "logits": True, "calibration": calibration}
    tflite.export_tflite(net, path, "int8", **options)
    found = tflite.Segmenter(path).segment(image, return_logits=True)[1]
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.9
