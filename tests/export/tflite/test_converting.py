"""The file gives what the Keras model gives, quantized or not, and says what it is."""

import csv
import json
import zipfile

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras.export import tflite

SIZE = (64, 96)
# the least signal to noise of the scores in decibels, the largest share of float32's bytes
BOUNDS = {
    "float16": (45, 0.55),
    "dynamic": (20, 0.35),
    "int8": (20, 0.35),
    "int8-weights": (25, 0.35),
}
FIXED = {"size": SIZE, "logits": True, "mediapipe": True}


def signal_to_noise(expected, scores):
    """Of the scores' differences from their class's mean, in decibels."""
    signal = (expected - expected.mean((0, 1))).std()
    return 20 * np.log10(signal / (scores - expected).std())


def test_float32_is_the_keras_model(net, exported, pictures):
    segmenter = tflite.Segmenter(exported(**FIXED), threads=2)
    for image in pictures(2, SIZE):
        labels, scores = segmenter.segment(image, return_logits=True)
        expected = fcn_keras.segment(net, image, return_logits=True)[1]
        np.testing.assert_allclose(scores, expected, atol=1e-3 * np.abs(expected).max())
        assert labels.dtype == np.uint8 and len(np.unique(labels)) > 2
        np.testing.assert_array_equal(labels, scores.argmax(-1))


def test_any_size(net, exported, pictures):
    segmenter = tflite.Segmenter(exported(), threads=2)
    assert segmenter.size is None
    for size in ((64, 96), (97, 131), (33, 20), (1, 1)):
        (image,) = pictures(1, size)
        labels = segmenter.segment(image)
        scores = np.sort(fcn_keras.segment(net, image, return_logits=True)[1], -1)
        clear = scores[..., -1] - scores[..., -2] > 1e-3 * np.abs(scores).max()
        assert labels.shape == size and clear.mean() > 0.9
        np.testing.assert_array_equal(labels[clear], fcn_keras.segment(net, image)[clear])


@pytest.mark.sweep
def test_int8_of_a_whole_net(slim_net, pictures, tmp_path):
    paths = {kind: tmp_path / f"{kind}.tflite" for kind in ("none", "int8")}
    for kind, path in paths.items():
        images = pictures(12, SIZE, seed=1) if kind == "int8" else None
        options = {"size": SIZE, "logits": True, "calibration": images}
        tflite.export_tflite(slim_net, path, kind, **options)
    segmenter = tflite.Segmenter(paths["int8"], threads=2)
    for image in pictures(2, SIZE):
        scores = segmenter.segment(image, return_logits=True)[1]
        expected = fcn_keras.segment(slim_net, image, return_logits=True)[1]
        assert signal_to_noise(expected, scores) > 20
    assert paths["int8"].stat().st_size < 0.32 * paths["none"].stat().st_size


@pytest.fixture(scope="module")
def small_files(small, pictures, tmp_path_factory):
    """{quantize: path} of the small net."""
    folder, images = tmp_path_factory.mktemp("small"), pictures(8, SIZE, seed=1)
    return {
        quantize: tflite.export_tflite(
            small,
            folder / f"{quantize}.tflite",
            quantize,
            size=SIZE,
            logits=True,
            calibration=images if quantize == "int8" else None,
        )
        for quantize in ("none", *BOUNDS)
    }


@pytest.mark.parametrize("quantize", BOUNDS)
def test_quantized(small, small_files, pictures, quantize):
    least, share = BOUNDS[quantize]
    segmenter = tflite.Segmenter(small_files[quantize], threads=2)
    (image,) = pictures(1, SIZE)
    scores = segmenter.segment(image, return_logits=True)[1]
    expected = fcn_keras.segment(small, image, return_logits=True)[1]
    assert signal_to_noise(expected, scores) > least
    size, whole = (small_files[name].stat().st_size for name in (quantize, "none"))
    assert size < share * whole
    assert segmenter.made["quantize"] == quantize


@pytest.mark.parametrize("quantize", ["none", *BOUNDS])
def test_builtin_operations_and_types(small_files, quantize):
    interpreter = _interpreter(small_files[quantize])
    names = {details["op_name"] for details in interpreter._get_ops_details()}
    assert "CONV_2D" in names and not any("FLEX" in n.upper() or "CUSTOM" in n for n in names)
    image, scores = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    assert image["dtype"] == np.uint8 and list(image["shape"]) == [1, *SIZE, 3]
    assert scores["dtype"] == np.float32 and list(scores["shape"]) == [1, *SIZE, 4]
    assert interpreter.get_signature_list() == {
        "serving_default": {"inputs": ["image"], "outputs": ["logits"]}
    }


def test_scores_stay_float_in_int8(exported):
    interpreter = _interpreter(exported("int8", size=SIZE, logits=True))
    types = {details["index"]: details["dtype"] for details in interpreter.get_tensor_details()}
    made = [
        (details["op_name"], types[details["outputs"][0]])
        for details in interpreter._get_ops_details()
    ]
    convolutions = [kind for name, kind in made if name == "CONV_2D"]
    assert convolutions.count(np.float32) == 3  # score_fr, score_pool4 and score_pool3
    assert convolutions.count(np.int8) == len(convolutions) - 3 >= 7
    assert {kind for name, kind in made if name == "BATCH_MATMUL"} == {np.float32}


def test_float_layers_and_learned_upsampling(small, small_files, pictures, tmp_path):
    """Of body1, 2, 3, scoring and the upsampling; the weights of what is float are float."""
    path = tflite.export_tflite(
        small,
        tmp_path / "m.tflite",
        "int8",
        size=SIZE,
        calibration=pictures(4, SIZE),
        float_layers=["body2"],
    )
    whole, part, scored = (np.int8, np.int8, np.int8), (np.int8, np.float32, np.int8), np.float32
    assert _made(small_files["int8"]) == [*whole, scored, scored]
    assert _made(path) == [*part, scored, scored]


def _made(path):
    """The types of what the convolutions make."""
    interpreter = _interpreter(path)
    types = {details["index"]: details["dtype"] for details in interpreter.get_tensor_details()}
    return [
        types[details["outputs"][0]]
        for details in interpreter._get_ops_details()
        if details["op_name"] in ("CONV_2D", "TRANSPOSE_CONV")
    ]


def test_report(net, exported):
    path = exported("int8", size=SIZE, logits=True).with_suffix(".csv")
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    steps = [float(row["steps"]) for row in rows]
    layers = {row["layer"] for row in rows}
    assert steps == sorted(steps, reverse=True) and 0.1 < max(steps) < 3
    assert {"fc6", "fc7"} <= layers <= {layer.name for layer in net.layers}
    assert not {"score_fr", "score_pool4", "score_pool3"} & layers
    for row in rows:
        error, step = float(row["rms_error"]), float(row["step"])
        np.testing.assert_allclose(float(row["steps"]), error / step, atol=2e-3, rtol=1e-2)


def test_what_lies_inside(net, exported):
    with zipfile.ZipFile(exported("int8", size=SIZE, logits=True)) as archive:
        assert archive.read("labels.txt").decode() == "road\nsky\ntree\ncar\n"
        assert json.loads(archive.read("labels.json")) == fcn_keras.labels_of(net).to_config()
        made = json.loads(archive.read("export.json"))
    assert made["calibration"] == {"images": 12, "source": "images given"}
    assert made["size"] == list(SIZE)


def test_calibration_on_a_dataset(small, tmp_path):
    data = fcn_keras.data.load("digits", split="val", count=5)
    path = tflite.export_tflite(
        small, tmp_path / "m.tflite", "int8", calibration=data, calibration_images=3, size=SIZE
    )
    made = tflite.Segmenter(path).made
    assert made["calibration"] == {"images": 3, "source": "digits (val)"}


def test_mixed_precision_and_many_classes(tmp_path, pictures):
    image = keras.Input((None, None, 3))
    layer = keras.layers.Conv2D(300, 1, dtype="mixed_float16")
    many = keras.Model(image, keras.layers.Activation("linear", dtype="float32")(layer(image)))
    layer.set_weights([np.zeros((1, 1, 3, 300)), np.eye(300)[299]])
    segmenter = tflite.Segmenter(tflite.export_tflite(many, tmp_path / "many.tflite", size=(3, 4)))
    labels = segmenter.segment(pictures(1, (3, 4))[0])
    assert labels.dtype == np.uint16 and (labels == 299).all()
    types = {d["dtype"] for d in _interpreter(segmenter.path).get_tensor_details()}
    assert np.float16 not in types


def test_nothing_is_replaced_unasked(small, tmp_path, monkeypatch):
    path = tflite.export_tflite(small, tmp_path / "m.tflite", size=SIZE)
    with pytest.raises(ValueError, match="already exists.*overwrite=True"):
        tflite.export_tflite(small, path)
    (tmp_path / "letter.txt").write_text("keep me")
    with pytest.raises(ValueError, match="not a TFLite file, so it is not replaced"):
        tflite.export_tflite(small, tmp_path / "letter.txt", overwrite=True)

    def broken(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(tflite.contents, "append", broken)
    before = path.read_bytes()
    with pytest.raises(OSError, match="no space"):
        tflite.export_tflite(small, path, size=SIZE, overwrite=True)
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["letter.txt", "m.tflite"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"quantize": "int8"}, "pass `calibration`.*about a hundred images.*'dynamic'"),
        ({"quantize": "int8", "calibration": []}, "has no images"),
        ({"quantize": "int4"}, "'int8-weights', got 'int4'"),
        ({"quantize": "dynamic", "calibration": [1]}, "belong to quantize='int8'"),
        ({"size": 64}, r"\(H, W\).*got 64"),
        ({"size": (0, 64)}, "at least 1"),
        ({"mediapipe": True}, "needs a fixed size"),
        ({"labels": fcn_keras.LabelSet(("a", "b"))}, "names 2 classes, the model has 4"),
        ({"quantize": "int8", "calibration": [1], "float_layers": ["fc9"]}, "has no layers fc9"),
    ],
)
def test_what_does_not_fit_is_refused(small, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        tflite.export_tflite(small, tmp_path / "m.tflite", **options)
    assert not (tmp_path / "m.tflite").exists()


def test_another_size_than_the_models(tmp_path):
    image = keras.Input((32, 32, 3))
    fixed = keras.Model(image, keras.layers.Conv2D(2, 1)(image))
    with pytest.raises(ValueError, match="32x32 only.*64"):
        tflite.export_tflite(fixed, tmp_path / "m.tflite", size=(64, 64))


def test_an_operation_that_is_not_built_in(tmp_path):
    class Digamma(keras.layers.Layer):
        def call(self, x):
            import tensorflow as tf

            return tf.math.digamma(x)

    image = keras.Input((None, None, 3))
    odd = keras.Model(image, keras.layers.Conv2D(2, 1)(Digamma()(image)), name="odd")
    with pytest.raises(ValueError, match="'odd' needs Digamma, which is not built into TFLite"):
        tflite.export_tflite(odd, tmp_path / "m.tflite", size=SIZE)


def test_another_backend(small, tmp_path, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(RuntimeError, match="'jax'.*KERAS_BACKEND=tensorflow"):
        tflite.export_tflite(small, tmp_path / "m.tflite")


def _interpreter(path):
    """The runtime without its delegate, which would hide the operations it takes over."""
    import importlib

    runtime = importlib.import_module("ai_edge_litert.interpreter")
    plain = runtime.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    return runtime.Interpreter(model_path=str(path), experimental_op_resolver_type=plain)
