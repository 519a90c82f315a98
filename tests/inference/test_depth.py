"""A net of log depth: segmented, averaged over scales, evaluated, written, exported, trained."""

import keras
import numpy as np
import pytest
from PIL import Image

import fcn_keras
from fcn_keras import data, tasks
from fcn_keras.inference import predict_files
from fcn_keras.training import RunFolder, train, write_card

DEPTH = tasks.Depth()


def model_of(factor=0.01):
    """The logarithm of the depth is a hundredth of the pixel's red."""
    image = keras.Input((None, None, 3))
    layer = keras.layers.Conv2D(1, 1, use_bias=False)
    score = fcn_keras.layers.Logits(task_config=DEPTH.to_config())
    model = keras.Model(image, score([layer(image), image]))
    layer.set_weights([np.array([factor, 0, 0], "float32").reshape(1, 1, 3, 1)])
    return model


@pytest.fixture(scope="module")
def model():
    return model_of()


@pytest.fixture
def image():
    return np.random.default_rng(3).integers(0, 256, (33, 41, 3), "uint8")


def depths(image):
    return np.exp(0.01 * image[..., 0].astype("float64"))


@pytest.mark.backend
def test_depth_is_the_exponential_of_the_output(model, image):
    found, outputs = fcn_keras.segment(model, image, return_logits=True)
    np.testing.assert_allclose(found, depths(image), rtol=1e-5)
    np.testing.assert_allclose(outputs[..., 0], np.log(found), atol=1e-5)


def test_a_scaled_image_has_scaled_depths(model):
    """A grey image has the same output at each size, so that what differs is the scaling alone."""
    grey = np.full((32, 40, 3), 100, "uint8")
    found = fcn_keras.segment(model, grey, scales=(0.5, 2.0))
    np.testing.assert_allclose(found, np.e, rtol=1e-4)  # 0.5 e and 2 e, the mean of logarithms
    found = fcn_keras.segment(model, grey, scales=(0.5,), flip=True)
    np.testing.assert_allclose(found, np.e / 2, rtol=1e-4)


def test_it_is_evaluated_by_the_scores_of_depth(model, image, command, tmp_path):
    truth = depths(image).astype("float32")
    truth[:5] = 0
    report = fcn_keras.evaluate(model, [(image, truth * 1.1)], max_depth=99)
    known = truth > 0
    assert report.num_pixels == known.sum()
    assert report.pooled.absolute_relative_error == pytest.approx(1 - 1 / 1.1, rel=1e-4)
    assert report.pooled.scale_invariant_log_error == pytest.approx(0, abs=1e-3)
    assert report.per_image.delta_1 == 1
    for folder in ("images", "depth"):
        (tmp_path / folder).mkdir()
    Image.fromarray(image).save(tmp_path / "images/a.png")
    Image.fromarray(np.rint(truth * 1000).astype("uint16")).save(tmp_path / "depth/a.png")
    model.save(tmp_path / "m.keras")
    words = ("evaluate", tmp_path / "m.keras", "--data", f"folder:{tmp_path},depth,scale=0.001")
    code, printed, errors = command(*words, "--split", "all", "--max-depth", 9)
    assert (code, errors) == (0, "") and "within a factor of 1.25³" in printed
    assert "Compared: depths up to 9 m." in printed
    code, _, errors = command(*words, "--split", "all", "--eigen-crop")
    assert code == 1 and "Eigen's crop is for maps of 480x640 (NYUDv2), got 33x41" in errors
    code, _, errors = command(*words, "--max-depth", 0)
    assert code != 0 and "`max_depth` must be" in errors


def test_it_is_written_as_png_in_millimetres_and_a_picture(model, image, command, tmp_path):
    Image.fromarray(image).save(tmp_path / "a.png")
    (result,) = predict_files(model, tmp_path / "a.png", tmp_path / "out", progress=False)
    assert result.values_path.name == "a_values.png"
    with Image.open(result.values_path) as stored:
        assert stored.mode.startswith("I") and stored.text == {"scale": "0.001", "unit": "m"}
        np.testing.assert_allclose(np.asarray(stored) * 0.001, depths(image), atol=0.00051)
    with Image.open(result.picture_path) as picture:
        assert picture.width > 240  # with a scale beside it
    again = data.DepthReader(scale=0.001).read(result.values_path)
    np.testing.assert_allclose(again, depths(image), atol=0.00051)
    model.save(tmp_path / "m.keras")
    words = ("predict", tmp_path / "m.keras", tmp_path / "a.png", "--out", tmp_path / "more")
    code, printed, errors = command(*words)
    assert (code, errors) == (0, "") and "values: pixel x 0.001 m" in printed
    far = model_of(0.1)
    (result,) = predict_files(far, tmp_path / "a.png", tmp_path / "far", progress=False)
    assert "holds values of 0 to 65.535" in result.error and "choose another scale" in result.error


def test_exports_decode_it(model, image, tmp_path):
    pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("exports are written by TensorFlow")
    from fcn_keras import export

    path = export.export_tflite(model, tmp_path / "m.tflite")
    folder = export.export_saved_model(model, tmp_path / "m", warmup=None, max_side=40)
    for segmenter in (export.tflite.Segmenter(path, threads=1), export.SavedModelPredictor(folder)):
        assert segmenter.task == DEPTH
        small = image[:, :40]
        found, outputs = segmenter.segment(small, return_logits=True)
        np.testing.assert_allclose(found, depths(small), rtol=1e-5)
        np.testing.assert_allclose(outputs[..., 0], np.log(found), atol=1e-5)
    grey = np.full((80, 80, 3), 100, "uint8")  # shrunk by two, so that all is twice as far
    np.testing.assert_allclose(segmenter.segment(grey), np.e / 2, rtol=1e-4)


def learner():
    image = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(1, 1)(keras.layers.Rescaling(1 / 255)(image))
    return keras.Model(image, fcn_keras.layers.Logits(task_config=DEPTH.to_config())([x, image]))


def test_it_trains_by_its_own_loss_and_metrics(tmp_path):
    pytest.importorskip("tensorflow")
    scenes = data.load("scenes", target="depth", size=(32, 40), count=4)
    rows = train(
        learner(), scenes, scenes, out=tmp_path, epochs=2, batch_size=4, crop=(32, 32),
        learning_rate=0.1, augment=False, verbose=0,
    )  # fmt: skip
    name = "val_absolute_relative_error"
    assert rows[-1][name] < rows[0][name] and {"val_threshold_accuracy"} <= set(rows[0])
    assert RunFolder(tmp_path).predictions.is_file()
    assert RunFolder(tmp_path).read_config()["recipe"]["loss"] == "scale_invariant_log"
    card = RunFolder(tmp_path).card.read_text(encoding="utf-8")
    assert '"depth-estimation"' in card and "absolute relative error" in card
    write_card(tmp_path, figures={"pooled": {"delta_1": 0.5}})
    card = RunFolder(tmp_path).card.read_text(encoding="utf-8")
    assert "within a factor of 1.25" in card and "0.5000" in card


@pytest.mark.training
@pytest.mark.parametrize("words", [None, "berhu(space='log_depth')"])
def test_a_few_steps_on_scenes_lower_the_error(words, tiny_vgg, tmp_path):
    scenes = data.load("scenes", target="depth", size=(48, 64), count=8)
    rows = train(
        None, scenes, scenes, out=tmp_path, net={"model": "depth", "classifier": tiny_vgg,
        "decoder": "fcn8s"}, loss=words, epochs=4, batch_size=4, crop=(32, 32), learning_rate=0.01,
        augment=False, verbose=0,
    )  # fmt: skip
    name = "val_absolute_relative_error"
    assert rows[-1][name] < rows[0][name]


@pytest.mark.training
def test_depth_and_classes_over_one_trunk(tiny_vgg, tmp_path):
    parts = {
        name: data.load("scenes", target=name, size=(48, 64), count=8)
        for name in ("classes", "depth")
    }
    both = data.MultiTaskDataset(parts)
    net = {"model": "fcn8s", "classifier": tiny_vgg}
    rows = train(
        None, both, both, out=tmp_path, net=net, epochs=1, batch_size=4, crop=(32, 32),
        augment=True, verbose=0,
    )  # fmt: skip
    assert {"val_classes_mean_iou", "val_depth_absolute_relative_error"} <= set(rows[0])


@pytest.mark.training
def test_normals_beside_depth_train_and_are_exported(tmp_path):
    """A folder of slanted walls: a net with both outputs, and its normals in a file."""
    pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("exports are written by TensorFlow")
    from fcn_keras import export

    rng = np.random.default_rng(0)
    for number in range(4):
        for folder in ("images", "depth"):
            (tmp_path / folder).mkdir(exist_ok=True)
        wall = (2000 + 20 * rng.integers(-9, 9) * np.arange(40)[None].repeat(32, 0)).clip(1)
        Image.fromarray(wall.astype("uint16")).save(tmp_path / f"depth/{number}.png")
        pixels = rng.integers(0, 256, (32, 40, 3), "uint8")
        Image.fromarray(pixels).save(tmp_path / f"images/{number}.png")
    options = {"depth": True, "scale": 0.001}
    parts = {
        "depth": data.load("folder", tmp_path, "all", **options),
        "normals": data.load("folder", tmp_path, "all", normals=60, **options),
    }
    image = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(4, 3, padding="same")(keras.layers.Rescaling(1 / 255)(image))
    outputs = {}
    for name, part in parts.items():
        scores = keras.layers.Conv2D(part.task.channels, 1)(x)
        score = fcn_keras.layers.Logits(task_config=part.task.to_config(), name=f"score_{name}")
        outputs[name] = score([scores, image])
    both = data.MultiTaskDataset(parts)
    rows = train(
        keras.Model(image, outputs), both, both, out=tmp_path / "run", epochs=1, batch_size=2,
        crop=(24, 24), verbose=0,
    )  # fmt: skip
    assert {"val_depth_absolute_relative_error", "val_normals_mean_angle"} <= set(rows[0])
    model = keras.models.load_model(RunFolder(tmp_path / "run").last, compile=False)
    normals = fcn_keras.one_output(model, "normals")
    segmenter = export.tflite.Segmenter(
        export.export_tflite(normals, tmp_path / "n.tflite"), threads=1
    )
    assert segmenter.task == tasks.Normals()
    found = segmenter.segment(pixels)
    np.testing.assert_allclose(np.linalg.norm(found, axis=-1), 1, atol=1e-4)
    np.testing.assert_allclose(found, fcn_keras.segment(normals, pixels), atol=1e-3)
    report = fcn_keras.evaluate(normals, parts["normals"])
    assert 0 < report.mean_angle < 180
