"""Runners of exports are tiled as their models are, with the halo of the model."""

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras.inference.tiling import segment_tiled

L = keras.layers


@pytest.fixture(scope="module")
def model():
    """A net of stride 4, three classes, with a halo of 8."""
    keras.utils.set_random_seed(5)
    image = keras.Input((None, None, 3))
    x = fcn_keras.layers.PadToMultiple(4)(L.Rescaling(1 / 64)(image))
    x = L.Conv2D(6, 3, strides=2, padding="same", activation="relu")(x)
    x = L.Conv2D(3, 3, strides=2, padding="same")(x)
    x = fcn_keras.layers.BilinearUpsampling2D(4)(x)
    return keras.Model(image, fcn_keras.layers.Logits()([x, image]))


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (83, 61, 3), "uint8")


class Runner:
    """Something with `segment`, as users write it."""

    labels = fcn_keras.LabelSet.numbered(3)

    def __init__(self, model, **told):
        self.model = model
        vars(self).update(told)

    def segment(self, image, *, return_logits=False):
        assert image.dtype == np.uint8
        return fcn_keras.segment(self.model, image, return_logits=return_logits)


def check(runner, model, image, **options):
    whole = fcn_keras.segment(model, image, return_logits=True)[1]
    clear = np.diff(np.sort(whole, -1)[..., -2:])[..., 0] > 2e-3
    labels = segment_tiled(runner, image, tile=16, progress=False, **options)
    np.testing.assert_array_equal(labels[clear], whole.argmax(-1)[clear])


def test_a_halo_that_is_given_or_told(model, image):
    halo = fcn_keras.geometry.halo(model)
    check(Runner(model), model, image, halo=halo)
    check(Runner(model, halo=halo), model, image)
    check(Runner(model, halo=halo.to_config()), model, image)
    check(fcn_keras.Predictor(model), model, image)


def test_a_halo_that_is_not_told(model, image):
    with pytest.raises(ValueError, match=r"Runner does not tell.*geometry.halo\(model\)"):
        segment_tiled(Runner(model), image, tile=16)
    with pytest.raises(ValueError, match="`before`, `after` and `stride`"):
        segment_tiled(Runner(model, halo={"pixels": 3}), image, tile=16)
    with pytest.raises(ValueError, match="net of Runner takes images of 64x64 only"):
        segment_tiled(Runner(model, size=(64, 64)), image, tile=16)
    with pytest.raises(ValueError, match="no `labels`"):
        segment_tiled(Runner(model, labels=None), image, tile=16)


def test_float_images_are_rounded_for_runners(model, image):
    check(Runner(model), model, image.astype("float32"), halo=fcn_keras.geometry.halo(model))


def test_blending_is_near_and_averages_scores(model, image):
    whole = fcn_keras.segment(model, image, return_logits=True)[1]
    options = {"return_logits": True, "progress": False, "tile": 32}
    naive = segment_tiled(model, image, halo=0, **options)[1]
    for runner in (model, Runner(model, halo=fcn_keras.geometry.halo(model))):
        labels, blended = segment_tiled(runner, image, halo="blend", overlap=24, **options)
        np.testing.assert_array_equal(labels, blended.argmax(-1))
        assert np.abs(blended - whole).mean() < np.abs(naive - whole).mean() / 3


def test_blending_by_hand():
    """A net of the window's own mean: two windows of 64 that share 32."""
    image = keras.Input((None, None, 3))
    mean = L.GlobalAveragePooling2D(keepdims=True)(image)
    spread = L.Add()([L.Rescaling(0.0)(image), mean])
    model = keras.Model(image, spread)
    pixels = np.zeros((8, 96, 3), "uint8")
    pixels[:, 64:] = 200
    _, scores = segment_tiled(
        model, pixels, tile=64, overlap=32, return_logits=True, progress=False
    )
    first, second = np.arange(32, 0, -1) ** 2, np.arange(1, 33) ** 2  # of means 0 and 100
    share = first / (first + second)
    expected = np.concatenate([np.zeros(32), 100 * (1 - share), np.full(32, 100)])
    np.testing.assert_allclose(scores[..., 0], np.tile(expected, (8, 1)), atol=1e-3)


def test_no_exact_halo_is_an_error_only_where_the_image_is_cut():
    image = keras.Input((None, None, 3))
    gate = L.GlobalAveragePooling2D(keepdims=True, name="squeeze")(image)
    model = keras.Model(image, L.Multiply()([image, gate]))
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 3), "uint8")
    with pytest.raises(ValueError, match="'squeeze'.*depends on the whole image.*halo='blend'"):
        segment_tiled(model, pixels, tile=32)
    expected = fcn_keras.segment(model, pixels)
    for tile in ("auto", 50):
        np.testing.assert_array_equal(segment_tiled(model, pixels, tile=tile), expected)


def test_several_outputs_are_refused(tiny_vgg):
    both = fcn_keras.fcn32s({"a": 2, "b": 3}, tiny_vgg, weights=None)
    with pytest.raises(ValueError, match="Tiling takes a net of one output.*one_output"):
        segment_tiled(both, np.zeros((9, 9, 3), "uint8"))


def test_a_tflite_file(model, image, tmp_path):
    pytest.importorskip("ai_edge_litert")
    path = fcn_keras.export.export_tflite(model, tmp_path / "m.tflite")
    check(fcn_keras.export.tflite.Segmenter(path, threads=1), model, image)


@pytest.fixture(scope="module")
def saved(model, tmp_path_factory):
    """The folder of a SavedModel's versions."""
    folder = tmp_path_factory.mktemp("saved") / "net"
    return fcn_keras.export.export_saved_model(model, folder, warmup=None).parent


def test_a_saved_model(model, saved, image):
    check(fcn_keras.export.SavedModelPredictor(saved), model, image)


def test_a_server(model, saved, image):
    pytest.importorskip("tensorflow_serving")
    serving = fcn_keras.export.serving
    with serving.DevelopmentServer(saved, rest_port=0, grpc_port=0) as server:
        with serving.Client(server.grpc_address) as client:
            check(client, model, image)


def test_an_export_without_an_exact_halo_tells_none(model, tmp_path):
    entry = keras.Input((None, None, 3))
    gate = L.GlobalAveragePooling2D(keepdims=True)(entry)
    gated = keras.Model(entry, L.Multiply()([entry, gate]))
    quick = {"signatures": "serving_default", "warmup": None}
    for net, options in ((gated, {}), (model, {"flip": True}), (model, {"max_side": 64})):
        folder = fcn_keras.export.export_saved_model(net, tmp_path / "saved", **options, **quick)
        assert fcn_keras.export.SavedModelPredictor(folder).halo is None
