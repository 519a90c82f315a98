"""How the images of a training were read goes with the net into every form of it."""

import io
import json

import image_files
import keras
import numpy as np
import pytest
from PIL import Image

import fcn_keras
from fcn_keras import export
from fcn_keras.data import Dataset, ImageReader
from fcn_keras.models.outputs import image_config, set_image_config
from fcn_keras.training.checks import keep_image_reader
from fcn_keras.training.run_folder import describe_run

tf = pytest.importorskip("tensorflow")
LABELS = fcn_keras.LabelSet(("dark", "bright"))
L = keras.layers


def net():
    """A net that says whether the first channel is above 127.5."""
    image = keras.Input((None, None, 3))
    x = L.Conv2D(2, 1, name="score")(image)
    task = fcn_keras.tasks.Classes(LABELS)
    model = keras.Model(image, fcn_keras.layers.Logits(task_config=task.to_config())([x, image]))
    kernel = np.zeros((1, 1, 3, 2), "float32")
    kernel[0, 0, 0, 1] = 1
    model.get_layer("score").set_weights([kernel, np.array([0, -127.5], "float32")])
    return model


@pytest.fixture(scope="module")
def values():
    return np.random.default_rng(0).integers(0, 4096, (20, 33), "uint16")


@pytest.fixture(scope="module")
def model(tmp_path_factory, values):
    """The net after a training on images of 12 bits."""
    place = tmp_path_factory.mktemp("twelve")
    Image.fromarray(values).save(place / "a.png")
    Image.fromarray((values > 2047).astype("uint8")).save(place / "mask.png")
    reader = ImageReader(bits=12, alpha="ignore")
    data = Dataset(
        "mine", "train", LABELS, ("a",), (place / "a.png",), (place / "mask.png",),
        image_reader=reader,
    )  # fmt: skip
    trained = net()
    validation = keep_image_reader(
        trained,
        data,
        Dataset("mine", "val", LABELS, ("a",), data.images, data.targets, image_reader=reader),
    )
    assert validation.image_reader == reader
    assert image_config(trained) == {"bits": 12, "alpha": "ignore"}
    return trained


@pytest.fixture(scope="module")
def path(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("image") / "street.png"
    Image.fromarray(values).save(path)
    return path


def test_the_keras_file_keeps_it(tmp_path, model, path, values):
    model.save(tmp_path / "net.keras")
    loaded = keras.models.load_model(tmp_path / "net.keras")
    for segmenter in (fcn_keras.Predictor(loaded), export.load(tmp_path / "net.keras")):
        assert segmenter.image_reader == ImageReader(12, "ignore")
        np.testing.assert_array_equal(segmenter.segment(path), values > 2047)
    np.testing.assert_array_equal(fcn_keras.segment(loaded, path, flip=True), values > 2047)
    np.testing.assert_array_equal(fcn_keras.segment(loaded, path, tile=16), values > 2047)
    (result,) = fcn_keras.inference.predict_files(loaded, path, tmp_path, progress=False)
    np.testing.assert_array_equal(np.asarray(Image.open(result.label_path)), values > 2047)


def test_a_net_without_options_stores_nothing(tmp_path, path):
    plain = net()
    plain.save(tmp_path / "net.keras")
    assert "image_config" not in plain.layers[-1].get_config()
    with pytest.raises(ValueError, match=r"street.png.*bits=12"):
        fcn_keras.segment(plain, path)
    assert fcn_keras.Predictor(plain).image_reader == ImageReader()
    set_image_config(plain, {"bits": 12})
    assert fcn_keras.inference.as_segmenter(plain).image_reader.bits == 12


def test_a_saved_model_keeps_it_and_its_graph_reads_files_so(tmp_path, model, path, values):
    export.export_saved_model(
        model, tmp_path / "net", signatures=("serving_default", "encoded"), warmup=None
    )
    predictor = export.load(tmp_path / "net")
    assert predictor.image_reader == ImageReader(12, "ignore")
    np.testing.assert_array_equal(predictor.segment(path), values > 2047)
    encoded = predictor._loaded.signatures["encoded"]  # a second loading would take a second
    seen = np.stack([values, values.T.reshape(values.shape), values], -1)
    bands = np.concatenate([seen, np.full((*values.shape, 1), 1000, "uint16")], -1)
    files = [path.read_bytes(), image_files.png(bands), image_files.png(bands * np.uint16(2))]
    answer = encoded(image_bytes=tf.constant(files))
    masks, statuses = answer["mask_png_bytes"].numpy(), answer["status"].numpy().tolist()
    for mask in masks[:2]:
        np.testing.assert_array_equal(tf.io.decode_png(mask)[..., 0], values > 2047)
    assert statuses[:2] == [b"ok", b"ok"]
    assert b"above 4095: the model was trained on 12 bits" in statuses[2]


def test_a_tflite_file_keeps_it(tmp_path, model, path, values):
    segmenter = export.load(export.export_tflite(model, tmp_path / "net.tflite"))
    assert segmenter.image_reader == ImageReader(12, "ignore")
    np.testing.assert_array_equal(segmenter.segment(path), values > 2047)


@pytest.mark.parametrize(("bits", "read", "highest"), [
    (None, True, 200), (None, True, 40000), (None, False, 3000), (10, False, 3000),
    (12, True, 3000),
])  # fmt: skip
@pytest.mark.parametrize("channels", [1, 3])
def test_the_graph_of_a_served_model_reads_sixteen_bits_as_the_reader_does(
    tmp_path, bits, read, highest, channels
):
    from fcn_keras.export.saved_model.image_files import decoder

    values = np.random.default_rng(1).integers(0, highest, (6, 8, channels), "uint16")
    values[0, 0] = highest
    content = image_files.png(values)
    image, status = decoder(40, (None, None, 3), bits and {"bits": bits})(tf.constant(content))
    (tmp_path / "a.png").write_bytes(content)
    assert (status.numpy() == b"ok") == read
    if read:
        np.testing.assert_array_equal(image, ImageReader(bits)(tmp_path / "a.png"))
    else:
        with pytest.raises(ValueError, match="a.png"):
            ImageReader(bits)(tmp_path / "a.png")


def test_a_web_page_says_that_browsers_read_otherwise(model):
    from fcn_keras.export.web.exporting import _tell_reading

    with pytest.warns(UserWarning, match="browsers.* bits=12, alpha=ignore, do not reach it"):
        _tell_reading(model)


def test_the_run_folder_tells_it(model, path):
    data = Dataset("mine", "train", LABELS, ("a",), (path,), (path,), image_reader=ImageReader(12))
    plan = fcn_keras.training.recipes.make_recipe(None).resolved(data)
    described = describe_run(model, plan, data, None, weights=None, devices=1, notes=None)
    assert described["data"]["train"]["image_reader"] == {"bits": 12}


@pytest.mark.parametrize("options", [None, {"bits": 12}])
def test_a_client_sends_files_as_the_training_read_them(path, values, options):
    """The file itself where there are no options, else what the options make of it."""
    from fcn_keras.export.serving.requests import Signatures
    from fcn_keras.export.serving.steps import ASSETS, Steps

    images = {"images": ("uint8", (None, None, None, 3))}
    steps = Steps(as_files=True)
    steps._known = Signatures(
        1,
        {"serving_default": images, "encoded": {}, "assets": {}},
        {"encoded": {}, "assets": {"contents": ("string", (None,))}},
    )
    requests = steps.segment(path)
    asked = next(requests)
    assert asked.signature == "assets"
    held = {"images.json": json.dumps(options).encode()} if options else {}
    answer = {"contents": np.array([held.get(name, b"") for name in ASSETS], object)}
    (sent,) = requests.send(answer).inputs["image_bytes"]
    if options is None:
        assert sent == path.read_bytes()
    else:
        image = np.asarray(Image.open(io.BytesIO(sent)))
        np.testing.assert_array_equal(image[..., 0], np.round(values * (255 / 4095)))
