"""Nets of values in place of classes: segmented, averaged, tiled, evaluated and predicted."""

import dataclasses

import keras
import numpy as np
import pytest
from PIL import Image

import fcn_keras
from fcn_keras.inference import predict_files, segment_tiled
from fcn_keras.inference.test_time_augmentation import TTAPredictor
from fcn_keras.inference.uncertainty import MCDropoutPredictor
from fcn_keras.tasks import Regression

pytestmark = pytest.mark.backend

BRIGHTNESS = Regression("brightness", unit="cd")


def model_of(task, kernel, dropout=0.0, size=(None, None)):
    """A convolution with this kernel (rows, columns, inputs, outputs), and the task."""
    kernel = np.asarray(kernel, "float32")
    image = keras.Input((*size, kernel.shape[2]))
    x = keras.layers.Dropout(dropout)(image) if dropout else image
    layer = keras.layers.Conv2D(kernel.shape[3], kernel.shape[:2], padding="same", use_bias=False)
    score = fcn_keras.layers.Logits(task_config=task.to_config())
    model = keras.Model(image, score([layer(x), image]))
    layer.set_weights([kernel])
    return model


def right_looking(**options):
    """A value is a hundredth of the pixel's red and a fiftieth of its right neighbour's."""
    kernel = np.zeros((1, 3, 3, 1))
    kernel[0, 1, 0, 0], kernel[0, 2, 0, 0] = 0.01, 0.02
    return model_of(BRIGHTNESS, kernel, **options)


def values_of(pixels):
    """Returns what `right_looking` computes, in NumPy."""
    red = np.pad(pixels[..., 0].astype("float64"), ((0, 0), (0, 1)))
    return 0.01 * red[:, :-1] + 0.02 * red[:, 1:]


@pytest.fixture(scope="module")
def model():
    return right_looking()


@pytest.fixture
def image():
    return np.random.default_rng(3).integers(0, 256, (33, 41, 3), "uint8")


def test_the_value_of_every_pixel(model, image):
    values, outputs = fcn_keras.segment(model, image, return_logits=True)
    assert values.dtype == np.float32 and values.shape == (33, 41)
    np.testing.assert_allclose(values, values_of(image), rtol=1e-5)
    np.testing.assert_array_equal(outputs, values[..., None])
    batch = fcn_keras.Predictor(model).segment_batch([image, image[::-1]])
    np.testing.assert_allclose(batch[1], values_of(image[::-1]), rtol=1e-5)
    two = model_of(Regression("flow", channels=2), np.full((1, 1, 3, 2), 0.5))
    assert fcn_keras.segment(two, image).shape == (33, 41, 2)


def test_values_are_averaged_over_the_mirrored_image(model, image):
    expected = (values_of(image) + values_of(image[:, ::-1])[:, ::-1]) / 2
    found = fcn_keras.segment(model, image, flip=True)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert np.abs(found - values_of(image)).max() > 0.1


@dataclasses.dataclass(frozen=True)
class Displacement(Regression):
    """Horizontal displacements in pixels."""

    def mirrored(self, values):
        return -values

    def scaled(self, values, factor):
        return values * factor[1]


class Displaced:
    """Says that all is displaced by a tenth of the image's width towards its brighter side."""

    task = Displacement("displacement", unit="px")

    def segment(self, image, *, return_logits=False):
        columns = np.asarray(image, "float64")[..., 0].mean(0)
        sign = 1 if columns[-5:].mean() > columns[:5].mean() else -1
        outputs = np.full((*image.shape[:2], 1), 0.1 * sign * image.shape[1], "float32")
        return (outputs[..., 0], outputs) if return_logits else outputs[..., 0]


def test_the_task_says_how_values_change_with_the_image():
    image = np.tile(np.linspace(0, 255, 40).astype("uint8")[:, None], (20, 1, 3))
    found = TTAPredictor(Displaced(), (0.5, 1.0, 2.0), flip=True).segment(image)
    np.testing.assert_allclose(found, 4, rtol=1e-5)


def test_tiles_have_the_values_of_the_whole(model, image):
    whole = fcn_keras.segment(model, image)
    np.testing.assert_allclose(fcn_keras.segment(model, image, tile=16), whole, rtol=1e-6)
    options = {"tile": 16, "progress": False}
    values, outputs = segment_tiled(model, image, return_logits=True, **options)
    assert outputs.shape == (33, 41, 1) and values.dtype == np.float32
    np.testing.assert_allclose(segment_tiled(model, image, overlap=8, **options), whole, rtol=0.5)
    flipped = fcn_keras.segment(model, image, tile=16, flip=True)
    np.testing.assert_allclose(flipped, fcn_keras.segment(model, image, flip=True), rtol=1e-6)


def test_values_go_to_a_file_by_tiles(tmp_path):
    two = model_of(Regression("flow", channels=2), np.full((1, 1, 3, 2), 0.5))
    image = np.random.default_rng(0).integers(0, 256, (40, 50, 3), "uint8")
    found = segment_tiled(two, image, tile=16, out=tmp_path / "flow.npy", progress=False)
    np.testing.assert_allclose(found, fcn_keras.segment(two, image), rtol=1e-6)
    assert found.shape == (40, 50, 2)


def test_what_needs_probabilities_is_refused_with_the_name_of_the_task(model, image, tmp_path):
    with pytest.raises(ValueError, match="dense CRF needs class prob.*regression of brightness"):
        fcn_keras.segment(model, image, crf=True)
    with pytest.raises(ValueError, match="return_probabilities.*regression"):
        fcn_keras.segment(model, image, return_probabilities=True)
    with pytest.raises(ValueError, match="regression"):
        fcn_keras.Predictor(model).probabilities([image])
    with pytest.raises(ValueError, match="confidence.*regression"):
        predict_files(model, tmp_path, tmp_path, confidence=True)
    with pytest.raises(ValueError, match="names classes, and the task is regression of"):
        fcn_keras.Predictor(model, fcn_keras.LabelSet(("a",)))


def test_evaluation_gives_the_errors_where_there_is_a_target(model, image):
    rng = np.random.default_rng(5)
    pairs, errors = [], []
    for size in ((33, 41), (20, 30), (33, 41)):
        pixels = rng.integers(0, 256, (*size, 3), "uint8")
        target = (values_of(pixels) + rng.normal(size=size)).astype("float32")
        target[rng.random(size) < 0.2] = np.nan
        errors.append((values_of(pixels) - target)[~np.isnan(target)])
        pairs.append((pixels, target))
    errors = np.concatenate(errors)
    report = fcn_keras.evaluate(model, pairs, progress=False)
    assert report.mean_absolute_error == pytest.approx(np.abs(errors).mean(), rel=1e-5)
    assert report.root_mean_squared_error == pytest.approx(np.sqrt((errors**2).mean()), rel=1e-5)
    assert report.num_images == 3 and report.num_pixels == len(errors)
    assert f"{np.abs(errors).mean():.4f} cd" in report.table()


def test_datasets_of_another_task_are_refused(model, image):
    labels = fcn_keras.LabelSet(("a", "b"))
    truth = np.zeros(image.shape[:2], "uint8")
    classes = fcn_keras.data.Dataset("d", "val", labels, ("x",), (image,), (truth,))
    with pytest.raises(ValueError, match="predictor is regression.*dataset is . classes"):
        fcn_keras.evaluate(model, classes)
    with pytest.raises(ValueError, match="boundary"):
        fcn_keras.evaluate(model, [(image, truth.astype("float32"))], boundary=True)


def test_files_of_values(model, image, tmp_path):
    Image.fromarray(image).save(tmp_path / "a.png")
    (result,) = predict_files(model, tmp_path / "a.png", tmp_path / "out", progress=False)
    assert result.values_path.name == "a_values.npy" and result.label_path is None
    np.testing.assert_allclose(np.load(result.values_path), values_of(image), rtol=1e-5)
    with Image.open(result.picture_path) as picture:
        assert picture.width > 240  # with a scale beside it
    scale = 0.0005
    (result,) = predict_files(
        model, tmp_path / "a.png", tmp_path / "png", png_scale=scale, progress=False
    )
    with Image.open(result.values_path) as stored:
        assert stored.mode.startswith("I") and stored.text == {"scale": "0.0005", "unit": "cd"}
        np.testing.assert_allclose(np.asarray(stored) * scale, values_of(image), atol=scale / 1.9)
    (result,) = predict_files(
        model, tmp_path / "a.png", tmp_path / "png", png_scale=1e-5, progress=False
    )
    assert "holds values of 0 to 0.65535" in result.error and "a.png" in result.error


def test_a_png_has_one_value_a_pixel(tmp_path):
    two = model_of(Regression("flow", channels=2), np.full((1, 1, 3, 2), 0.5))
    with pytest.raises(ValueError, match="one value a pixel.*regression"):
        predict_files(two, tmp_path, tmp_path, png_scale=0.1)


def test_dropout_gives_mean_and_variance_of_values(image):
    model = right_looking(dropout=0.25)
    passes = np.stack([one[0] for one in MCDropoutPredictor(model, 4, seed=2).passes([image])])
    found = fcn_keras.inference.uncertainty(model, image, samples=4, seed=2)
    np.testing.assert_allclose(found.mean, passes.mean(0), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found.variance, passes.astype("float64").var(0), atol=1e-5)
    np.testing.assert_array_equal(found.labels, found.mean[..., 0])
    assert found.entropy is None and found.classes is None and found.variance.max() > 0.1


def test_the_commands(command, model, image, tmp_path):
    model.save(tmp_path / "values.keras")
    Image.fromarray(image).save(tmp_path / "a.png")
    words = (tmp_path / "values.keras", tmp_path / "a.png", "--out", tmp_path / "out")
    code, output, errors = command("predict", *words, "--png-scale", 0.001)
    assert (code, errors) == (0, "") and "values: pixel x 0.001 cd" in output
    with Image.open(tmp_path / "out/a_values.png") as stored:
        np.testing.assert_allclose(np.asarray(stored) * 0.001, values_of(image), atol=0.00051)
    code, _, errors = command("predict", *words, "--crf")
    assert code == 1 and "A dense CRF needs class probabilities" in errors
    words = ("evaluate", tmp_path / "values.keras", "--data", "digits", "--split", "test")
    code, _, errors = command(*words, "--confusion", tmp_path / "c.png")
    assert code == 1 and "--confusion is for classes; the task of" in errors
    code, _, errors = command(*words)
    assert code == 1 and "The task of the predictor is regression" in errors
