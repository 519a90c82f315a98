"""Segmenting single images: what counts as an image, and that the labels are the model's argmax."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import fcn_keras
from fcn_keras.inference import as_segmenter

pytestmark = pytest.mark.backend


def colour_model(num_classes=3, size=(None, None), channels=3):
    """Logits are the pixel's channels (and zeros): the label of a pixel is its largest channel."""
    image = keras.Input((*size, channels))
    kernel = np.zeros((1, 1, channels, num_classes), "float32")
    for channel in range(min(channels, num_classes)):
        kernel[0, 0, channel, channel] = 1
    layer = keras.layers.Conv2D(num_classes, 1, use_bias=False)
    model = keras.Model(image, layer(image))
    layer.set_weights([kernel])
    return model


@pytest.fixture(scope="module")
def predictor():
    return fcn_keras.Predictor(colour_model())


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (9, 14, 3), "uint8")


@settings(deadline=None, max_examples=12)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 99))
def test_labels_are_the_argmax_at_any_size(predictor, height, width, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), "uint8")
    labels = predictor.segment(pixels)
    assert labels.shape == (height, width) and labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, pixels.argmax(-1))


def test_forms_of_an_image_agree(predictor, image, tmp_path):
    Image.fromarray(image).save(tmp_path / "image.png")
    alpha = np.concatenate([image, np.full((9, 14, 1), 255, "uint8")], -1)
    forms = [
        tmp_path / "image.png",
        str(tmp_path / "image.png"),
        Image.fromarray(image),
        Image.fromarray(alpha, "RGBA"),
        alpha,
        alpha.astype("float32"),
        image.astype("float32"),
        image.astype("float64"),
        image.astype("int32"),
        keras.ops.convert_to_tensor(image),
    ]
    for form in forms:
        np.testing.assert_array_equal(predictor.segment(form), image.argmax(-1))


def test_transparency_is_white(predictor, image):
    clear = np.concatenate([image, np.zeros((9, 14, 1), "uint8")], -1)
    for form in (clear, clear.astype("float32"), Image.fromarray(clear, "RGBA")):
        _, scores = predictor.segment(form, return_logits=True)
        np.testing.assert_array_equal(scores, np.full_like(image, 255))


def test_fractions_of_a_float_image_count(predictor):
    image = np.zeros((1, 2, 3), "float32")
    image[0, 0] = [7.2, 7.6, 7.4]
    image[0, 1] = [7.6, 7.2, 7.4]
    np.testing.assert_array_equal(predictor.segment(image), [[1, 0]])


def test_grey_images(predictor, image, tmp_path):
    grey = image[..., 0]
    _, scores = predictor.segment(grey, return_logits=True)
    np.testing.assert_array_equal(scores, np.repeat(grey[..., None], 3, -1))
    _, scores = predictor.segment(Image.fromarray(grey), return_logits=True)
    np.testing.assert_array_equal(scores, np.repeat(grey[..., None], 3, -1))
    one_channel = fcn_keras.Predictor(colour_model(2, channels=1))
    assert one_channel.segment(image).shape == grey.shape
    assert one_channel.segment(grey).max() == 0


@pytest.mark.parametrize("value", [0, 255])
def test_flat_images_are_images(predictor, value):
    assert predictor.segment(np.full((4, 4, 3), value, "float32")).shape == (4, 4)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (np.random.default_rng(0).random((4, 5, 3)), "scale 0-1.*image \\* 255"),
        (np.ones((4, 5, 3), "float32"), "scale 0-1"),
        (np.full((4, 5, 3), -3.0), "0-255.*-3 to -3.*belong to the model"),
        (np.full((4, 5, 3), 60000, "uint16"), "60000.*divided by 257"),
        (np.full((4, 5, 3), np.nan), "0-255"),
        (np.zeros((4, 5, 3), bool), "array of bool"),
        (np.zeros((2, 4, 5, 3), "uint8"), r"batch of shape \(2, 4, 5, 3\)"),
        (np.zeros((3, 40, 50), "uint8"), "channels come last.*transpose"),
        (np.zeros(7, "uint8"), r"\(H, W, 3\); got shape \(7,\)"),
        (np.zeros((0, 5, 3), "uint8"), "no pixels"),
    ],
)
def test_bad_arrays_are_refused_with_advice(predictor, bad, words):
    with pytest.raises(ValueError, match=words):
        predictor.segment(bad)


def test_bad_files_are_named(predictor, tmp_path):
    (tmp_path / "torn.jpg").write_bytes(b"\xff\xd8\xff no picture")
    with pytest.raises(ValueError, match="torn.jpg"):
        predictor.segment(tmp_path / "torn.jpg")
    with pytest.raises((FileNotFoundError, ValueError), match="missing.jpg"):
        predictor.segment(tmp_path / "missing.jpg")
    with pytest.raises(TypeError, match="path, a PIL image or an array.*int"):
        predictor.segment(3)


def test_scores_are_the_logits(predictor, image):
    labels, scores = predictor.segment(image, return_logits=True)
    assert scores.dtype == np.float32
    np.testing.assert_array_equal(scores, image)
    np.testing.assert_array_equal(labels, image.argmax(-1))


def test_batch(predictor, image):
    batch = predictor.segment_batch([image, image[::-1]])
    np.testing.assert_array_equal(batch, np.stack([image, image[::-1]]).argmax(-1))
    with pytest.raises(ValueError, match="one size; got 8x14, 9x14"):
        predictor.segment_batch([image, image[1:]])


def test_more_than_255_classes_need_16_bits(image):
    model = colour_model(300)
    bias = keras.layers.Conv2D(300, 1)
    model = keras.Model(model.input, bias(model.output))
    bias.set_weights([np.zeros((1, 1, 300, 300)), np.eye(300)[299]])
    labels = fcn_keras.segment(model, image)
    assert labels.dtype == np.uint16 and (labels == 299).all()


def test_segment_keeps_one_predictor_a_model(image, tmp_path):
    model = colour_model()
    fcn_keras.segment(model, image)
    assert as_segmenter(model) is as_segmenter(model)
    model.layers[-1].set_weights([-model.layers[-1].get_weights()[0]])
    np.testing.assert_array_equal(fcn_keras.segment(model, image), image.argmin(-1))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(fcn_keras.segment(again, image), image.argmin(-1))


def test_predicting_leaves_the_compiled_model_alone(image):
    model = colour_model()
    model.compile("sgd", "mse")
    before = model.predict_function
    fcn_keras.segment(model, image)
    assert model.predict_function is before and len(model._inbound_nodes) <= 1


def test_sizes_share_one_graph():
    traces = []

    @keras.saving.register_keras_serializable("fcn_keras_tests")
    class Counting(keras.layers.Layer):
        def call(self, x):
            traces.append(x.shape)
            return x

    image = keras.Input((None, None, 3))
    predictor = fcn_keras.Predictor(keras.Model(image, Counting()(image)))
    traces.clear()
    for size in range(2, 30, 3):
        predictor.segment(np.zeros((size, size + 1, 3), "uint8"))
    if keras.backend.backend() == "tensorflow":
        assert len(traces) <= 4


def test_labels_default_to_numbered_classes():
    predictor = fcn_keras.Predictor(colour_model(4))
    assert predictor.labels == fcn_keras.LabelSet.numbered(4)
    labels = fcn_keras.LabelSet(("road", "sky"))
    with pytest.raises(ValueError, match="names 2 classes.*model has 4"):
        fcn_keras.Predictor(colour_model(4), labels)


def test_labels_stored_in_the_model_are_found():
    labels = fcn_keras.LabelSet(("ground", "plant", "stone"))
    image = keras.Input((None, None, 3))
    task = fcn_keras.tasks.Classes(labels)
    score = fcn_keras.layers.Logits(task_config=task.to_config(), name="score")
    assert fcn_keras.Predictor(keras.Model(image, score([image, image]))).labels == labels


def test_unfit_models_are_refused(image):
    with pytest.raises(ValueError, match="takes images of 8x8 only.*9x14.*input_shape"):
        fcn_keras.segment(colour_model(size=(8, 8)), image)
    with pytest.raises(ValueError, match="1 channel.*background"):
        fcn_keras.segment(colour_model(1), image)
    inputs = keras.Input((None, None, 3))
    with pytest.raises(ValueError, match="or a dict of them; .* has the output shape"):
        fcn_keras.segment(keras.Model(inputs, [inputs, inputs]), image)
    small = keras.Model(inputs, keras.layers.MaxPooling2D(padding="same")(inputs))
    with pytest.raises(ValueError, match="output is 5x7 for an image of 9x14"):
        fcn_keras.segment(small, image)
    with pytest.raises(TypeError, match="str.*export.load"):
        fcn_keras.segment("model.keras", image)


def test_mixed_precision_changes_nothing_outside_the_model(image):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        predictor = fcn_keras.Predictor(colour_model())
        np.testing.assert_array_equal(predictor.segment(image), image.argmax(-1))
    finally:
        keras.config.set_dtype_policy("float32")
