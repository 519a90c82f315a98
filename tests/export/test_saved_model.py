"""The SavedModel: the Keras model's labels at any size, in a process without this package."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import fcn_keras
from fcn_keras import export

SIZES = ((97, 131), (200, 300), (512, 384), (1, 1))
ALONE = """
import importlib.abc, sys
class NotInstalled(importlib.abc.MetaPathFinder):
    def find_spec(self, fullname, path=None, target=None):
        if fullname.partition(".")[0] == "fcn_keras":
            raise ModuleNotFoundError(fullname)
sys.meta_path.insert(0, NotInstalled())
import numpy as np, tensorflow as tf
loaded = tf.saved_model.load(sys.argv[1]).signatures
arrays = np.load(sys.argv[2])
answers, masks = {}, []
for name in arrays.files:
    images = tf.constant(arrays[name])
    answers[name] = loaded["serving_default"](images=images)["label_map"].numpy()
    answers["logits" + name] = loaded["logits"](images=images)["logits"].numpy()
files = [tf.io.encode_png(arrays[name][0]) for name in arrays.files]
encoded = loaded["encoded"](image_bytes=tf.stack(files))
for name, mask, status in zip(arrays.files, *map(encoded.get, ("mask_png_bytes", "status"))):
    assert status == b"ok"
    answers["mask" + name] = tf.io.decode_png(mask).numpy()
np.savez(sys.argv[3], **answers)
"""


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    return {f"{h}x{w}": rng.integers(0, 256, (2, h, w, 3), "uint8") for h, w in SIZES}


@pytest.fixture(scope="module")
def directory(model, tmp_path_factory):
    return export.export_saved_model(model, tmp_path_factory.mktemp("export") / "street").parent


def write(folder, model, **options):
    """Exports what a test needs and no more: it is quicker."""
    options = {"signatures": ("serving_default", "logits"), "warmup": None, **options}
    return export.export_saved_model(model, folder, **options)


@pytest.mark.processes
def test_runs_alone_in_a_fresh_process(model, images, directory, tmp_path):
    np.savez(tmp_path / "images.npz", **images)
    arguments = [str(directory / "1"), str(tmp_path / "images.npz"), str(tmp_path / "answers.npz")]
    subprocess.run(
        [sys.executable, "-c", ALONE, *arguments],
        check=True,
        cwd=tmp_path,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"},
    )
    answers = np.load(tmp_path / "answers.npz")
    for size, batch in images.items():
        logits = model.predict(batch.astype("float32"), verbose=0)
        np.testing.assert_allclose(answers["logits" + size], logits, atol=1e-4)
        assert answers[size].dtype == np.uint8
        np.testing.assert_array_equal(answers[size], logits.argmax(-1))
        np.testing.assert_array_equal(answers["mask" + size][..., 0], answers[size][0])
        assert size == "1x1" or len(np.unique(answers[size])) > 2


def test_the_folder_holds_labels_and_a_fingerprint(model, directory):
    texts = {name: (directory / f"1/assets/{name}.json").read_text() for name in ("labels", "halo")}
    assert tuple(json.loads(texts["labels"])["names"]) == fcn_keras.labels_of(model).names
    assert json.loads(texts["halo"]) == fcn_keras.geometry.halo(model).to_config()
    served = tf.saved_model.load(str(directory / "1")).signatures["assets"]
    contents = served(name=tf.constant(["halo.json", "none.json", "labels.json"]))["contents"]
    assert [text.decode() for text in contents.numpy()] == [texts["halo"], "", texts["labels"]]
    assert tf.saved_model.experimental.read_fingerprint(str(directory / "1")).singleprint()


@pytest.mark.processes
def test_saved_model_cli_shows_it(directory):
    words = ["-m", "tensorflow.python.tools.saved_model_cli", "show", "--all"]
    told = subprocess.run(
        [sys.executable, *words, "--dir", str(directory / "1")],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in ("serving_default", "logits", "encoded", "assets"):
        assert f"signature_def['{name}']" in told
    for name in ("images", "label_map", "image_bytes", "mask_png_bytes", "status"):
        assert f"['{name}']" in told


def test_predictor_equals_the_models(model, images, directory):
    predictor = export.SavedModelPredictor(directory)
    assert predictor.labels == fcn_keras.labels_of(model)
    assert predictor.directory == directory / "1"
    for batch in images.values():
        labels, scores = predictor.segment(batch[0], return_logits=True)
        expected, logits = fcn_keras.Predictor(model).segment(batch[0], return_logits=True)
        np.testing.assert_array_equal(labels, expected)
        np.testing.assert_allclose(scores, logits, atol=1e-4)
        np.testing.assert_array_equal(predictor.segment_batch(batch)[0], expected)
    truth = [fcn_keras.segment(model, image) for image in images["97x131"]]
    pairs = list(zip(images["97x131"], truth, strict=True))
    assert fcn_keras.evaluate(predictor, pairs, progress=False).scores.pixel_accuracy == 1


def real_net():
    """Its scoring layers start at zero: they are given weights."""
    net = fcn_keras.fcn8s(4, "tiny_vgg", weights=None)
    weights = np.random.default_rng(0)
    for variable in net.trainable_variables:
        if "score" in variable.path:
            variable.assign(weights.normal(size=variable.shape))
    return net


@pytest.mark.sweep
def test_a_real_net(tmp_path, tiny_vgg):
    net = real_net()
    image = np.random.default_rng(1).integers(0, 256, (97, 131, 3), "uint8")
    predictor = export.SavedModelPredictor(write(tmp_path / "net", net))
    labels, scores = predictor.segment(image, return_logits=True)
    _, logits = fcn_keras.Predictor(net).segment(image, return_logits=True)
    np.testing.assert_allclose(scores, logits, rtol=1e-3, atol=1e-3 * np.abs(logits).max())
    best = np.sort(logits, -1)
    clear = best[..., -1] - best[..., -2] > 1e-2 * np.abs(logits).max()
    np.testing.assert_array_equal(labels[clear], logits.argmax(-1)[clear])


def test_warm_up_requests_are_tensorflow_servings(directory):
    """Read by the protos of tensorflow-serving-api, where they are installed."""
    logs = pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2")
    records = list(
        tf.data.TFRecordDataset(str(directory / "1/assets.extra/tf_serving_warmup_requests"))
    )
    signatures = tf.saved_model.load(str(directory / "1")).signatures
    seen = set()
    for record in records:
        log = logs.PredictionLog.FromString(record.numpy())
        request = log.predict_log.request
        assert request.model_spec.name == "street"
        inputs = {name: tf.constant(tf.make_ndarray(t)) for name, t in request.inputs.items()}
        answer = signatures[request.model_spec.signature_name](**inputs)
        seen.add(request.model_spec.signature_name)
        if "label_map" in answer:
            assert answer["label_map"].shape == (1, 256, 256)
        else:
            assert answer["status"].numpy().tolist() == [b"ok"]
    assert seen == {"serving_default", "encoded"}


def test_flip_averages_with_the_mirrored_image(model, images, tmp_path):
    batch = images["97x131"]
    predictor = export.SavedModelPredictor(write(tmp_path / "m", model, flip=True))
    logits = model.predict(batch[:1].astype("float32"), verbose=0)
    mirrored = model.predict(batch[:1, :, ::-1].astype("float32"), verbose=0)[:, :, ::-1]
    labels, scores = predictor.segment(batch[0], return_logits=True)
    np.testing.assert_allclose(scores, (logits + mirrored)[0] / 2, atol=1e-4)
    np.testing.assert_array_equal(labels, scores.argmax(-1))


def test_larger_images_are_shrunk(model, images, tmp_path):
    predictor = export.SavedModelPredictor(write(tmp_path / "m", model, max_side=150))
    small = images["97x131"][0]
    np.testing.assert_array_equal(predictor.segment(small), fcn_keras.segment(model, small))
    doubled = small.repeat(2, axis=0).repeat(2, axis=1)[:, :200]
    labels, scores = predictor.segment(doubled, return_logits=True)
    assert labels.shape == (194, 200) and scores.shape == (194, 200, 5)
    size = (round(194 * 150 / 200), 150)
    shrunk = tf.image.resize(doubled[None].astype("float32"), size, antialias=True)
    expected = model.predict(shrunk, verbose=0)[0].argmax(-1)
    rows, columns = (np.floor((np.arange(n) + 0.5) * m / n).astype(int) for n, m in
                     zip((194, 200), size, strict=True))  # fmt: skip
    assert (labels == expected[rows][:, columns]).mean() > 0.999


def of_300_classes():
    """A net that gives class 299 everywhere."""
    inputs = keras.Input((None, None, 3))
    layer = keras.layers.Conv2D(300, 1)
    many = keras.Model(inputs, layer(inputs))
    layer.set_weights([np.zeros((1, 1, 3, 300)), np.eye(300)[299]])
    return many


def test_more_than_255_classes(tmp_path):
    folder = write(tmp_path / "many", of_300_classes(), signatures="serving_default")
    predictor = export.SavedModelPredictor(folder)
    labels = predictor.segment(np.zeros((3, 4, 3), "uint8"))
    assert labels.dtype == np.uint16 and (labels == 299).all()
    assert predictor.labels.num_classes == 300
    with pytest.raises(ValueError, match="signature `logits`"):
        predictor.segment(np.zeros((3, 4, 3), "uint8"), return_logits=True)


@pytest.mark.sweep
def test_more_than_255_classes_in_a_png(tmp_path):
    names = ("serving_default", "encoded")
    folder = write(tmp_path / "many", of_300_classes(), signatures=names)
    encoded = tf.saved_model.load(str(folder)).signatures["encoded"]
    png = encoded(image_bytes=[tf.io.encode_png(np.zeros((3, 4, 3), "uint8"))])["mask_png_bytes"][0]
    assert (tf.io.decode_png(png, dtype=tf.uint16).numpy() == 299).all()


def test_half_weights_take_half_the_bytes(tmp_path):
    inputs = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(512, 3, padding="same")(inputs)
    x = keras.layers.BatchNormalization()(x)
    net = keras.Model(inputs, keras.layers.Conv2D(64, 3, padding="same")(x))
    sizes, answers = {}, {}
    image = np.random.default_rng(0).integers(0, 256, (40, 50, 3), "uint8")
    for half in (False, True):
        folder = write(tmp_path / str(half), net, half_weights=half)
        sizes[half] = (folder / "variables/variables.data-00000-of-00001").stat().st_size
        predictor = export.SavedModelPredictor(folder)
        answers[half] = predictor.segment(image, return_logits=True)[1]
    assert sizes[True] < 0.52 * sizes[False]
    largest = np.abs(answers[False]).max()
    np.testing.assert_allclose(answers[True], answers[False], atol=2e-3 * largest)
    assert not np.array_equal(answers[True], answers[False])


@pytest.mark.parametrize("trained", ["mixed_bfloat16", "mixed_float16"])
def test_a_model_of_mixed_precision(build, trained, tmp_path):
    single = build()
    keras.config.set_dtype_policy(trained)
    net = build()
    keras.config.set_dtype_policy("float32")
    net.set_weights(single.get_weights())
    image = np.random.default_rng(1).integers(0, 256, (40, 50, 3), "uint8")
    answers = {}
    for precision in (None, "float32"):
        folder = write(tmp_path / str(precision), net, precision=precision)
        answers[precision] = export.SavedModelPredictor(folder).segment(image, return_logits=True)[
            1
        ]
        assert answers[precision].dtype == np.float32
    _, mixed = fcn_keras.Predictor(net).segment(image, return_logits=True)
    _, exact = fcn_keras.Predictor(single).segment(image, return_logits=True)
    largest = np.abs(exact).max()
    np.testing.assert_allclose(answers[None], mixed, atol=0.03 * largest)
    np.testing.assert_allclose(answers["float32"], exact, atol=1e-4 * largest)
    assert np.abs(answers[None] - exact).max() > 1e-4 * largest


@pytest.mark.sweep
def test_a_real_net_in_another_precision(tmp_path, tiny_vgg):
    net = real_net()
    image = np.random.default_rng(1).integers(0, 256, (40, 50, 3), "uint8")
    folder = write(tmp_path / "m", net, precision="mixed_bfloat16", signatures="serving_default")
    labels = export.SavedModelPredictor(folder).segment(image)
    agreed = (labels == fcn_keras.segment(net, image)).mean()
    assert 0.9 < agreed <= 1
