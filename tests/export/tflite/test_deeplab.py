"""DeepLab v2 to v3+, and several scales, as TFLite files in float and int8 and as SavedModels."""

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras.export import export_saved_model, load, tflite
from fcn_keras.training import refresh_batch_norm

pytestmark = pytest.mark.sweep
L = keras.layers
SIZE = (45, 30)


NETS = {
    "deeplab_v2": {},
    "deeplab_v3": {"aspp_filters": 16},
    "deeplab_v3_plus": {"aspp_filters": 16},
    "scales": {},
}


@pytest.fixture(scope="module", params=NETS)
def net(request, pictures):
    """A net with the statistics of pictures, as after training."""
    pytest.importorskip("ai_edge_litert", reason="running TFLite files needs ai-edge-litert")
    keras.utils.set_random_seed(1)
    x = given = keras.Input((None, None, 3))
    for filters in (8, 10, 12, 14):
        x = L.Conv2D(filters, 3, 2, "same", activation="relu")(x)
    classifier, options = keras.Model(given, x), {"preprocess": "tf", **NETS[request.param]}
    if request.param == "scales":
        options |= {"head_filters": 0, "score_initializer": "he_normal"}
        fcn = fcn_keras.fcn8s(4, classifier, **options)
        return fcn_keras.multi_scale_input(fcn, (1, 0.6))
    model = fcn_keras.models.NETS[request.param](4, classifier, **options)
    refresh_batch_norm(model, [np.stack(pictures(8, SIZE, seed=1)).astype("float32")])
    return model


def test_exports_are_the_keras_model(net, pictures, tmp_path):
    image, *calibration = pictures(8, SIZE, seed=1)
    expected = fcn_keras.segment(net, image, return_logits=True)[1]
    limit = 1e-4 * np.abs(expected).max()
    path = tflite.export_tflite(net, tmp_path / "net.tflite", size=SIZE, logits=True)
    found = tflite.Segmenter(path).segment(image, return_logits=True)[1]
    np.testing.assert_allclose(found, expected, atol=limit)
    path = tmp_path / "int8.tflite"
    options = {"size": SIZE, "logits": True, "calibration": calibration}
    tflite.export_tflite(net, path, "int8", **options)
    found = tflite.Segmenter(path).segment(image, return_logits=True)[1]
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.95
    served = load(export_saved_model(net, tmp_path / "sm"))
    other = pictures(1, (50, 61), seed=2)[0]  # of any size
    whole = fcn_keras.segment(net, other, return_logits=True)[1]
    found = served.segment(other, return_logits=True)[1]
    np.testing.assert_allclose(found, whole, atol=1e-4 * np.abs(whole).max())
