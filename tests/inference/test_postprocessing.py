"""Probabilities: of a net, averaged over scales and mirror images, and refined by a CRF."""

import keras
import numpy as np
import pytest
from PIL import Image

import fcn_keras
from fcn_keras import crf
from fcn_keras.inference import build_predictor
from fcn_keras.inference.crf import CRFPredictor
from fcn_keras.inference.test_time_augmentation import TTAPredictor

pytestmark = pytest.mark.backend


def right_looking():
    """Two classes: a pixel's score is a third of its own value and of its left neighbour's."""
    image = keras.Input((None, None, 3))
    layer = keras.layers.Conv2D(2, (1, 3), padding="same", use_bias=False)
    model = keras.Model(image, layer(image))
    kernel = np.zeros((1, 3, 3, 2), "float32")
    kernel[0, :2, 0, 0] = kernel[0, 1:, 1, 1] = 0.01
    layer.set_weights([kernel])
    return model


def softmax(logits):
    exponents = np.exp(logits - logits.max(-1, keepdims=True))
    return exponents / exponents.sum(-1, keepdims=True)


def scores_of(pixels):
    """What `right_looking` computes, in NumPy."""
    values = np.pad(pixels.astype("float64"), ((0, 0), (1, 1), (0, 0)))
    left, own, right = values[:, :-2], values[:, 1:-1], values[:, 2:]
    return 0.01 * np.stack([(left + own)[..., 0], (own + right)[..., 1]], -1)


@pytest.fixture(scope="module")
def model():
    return right_looking()


@pytest.fixture
def image():
    return np.random.default_rng(3).integers(0, 256, (12, 20, 3), "uint8")


def test_probabilities_are_the_softmax_of_the_logits(model, image):
    labels, found = fcn_keras.segment(model, image, return_probabilities=True)
    expected = softmax(scores_of(image))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_array_equal(labels, expected.argmax(-1))
    assert found.dtype == np.float32 and labels.dtype == np.uint8


def test_flipped_images_are_averaged_after_they_are_flipped_back(model, image):
    expected = (softmax(scores_of(image)) + softmax(scores_of(image[:, ::-1]))[:, ::-1]) / 2
    labels, found = fcn_keras.segment(model, image, flip=True, return_probabilities=True)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_array_equal(labels, expected.argmax(-1))
    assert np.abs(found - softmax(scores_of(image))).max() > 0.05


def bilinear(maps, size):
    """Half-pixel bilinear enlargement by Pillow, one channel after the other."""
    channels = [
        Image.fromarray(maps[..., c].astype("float32")).resize(
            size[::-1], Image.Resampling.BILINEAR
        )
        for c in range(maps.shape[-1])
    ]
    return np.stack([np.asarray(channel) for channel in channels], -1)


def test_scales_are_averaged_on_the_images_grid(model, image):
    """Shrunk and enlarged again by Pillow, whose bilinear filter is antialiased too."""
    expected = softmax(scores_of(image))
    for scale in (0.5, 2.0):
        size = tuple(round(side * scale) for side in image.shape[:2])
        seen = bilinear(image, size)
        back = softmax(scores_of(seen))
        expected = expected + (
            bilinear(back, image.shape[:2]) if scale < 1 else sampled(back, image.shape[:2])
        )
    found = TTAPredictor(model, (0.5, 1.0, 2.0)).probabilities([image])[0]
    np.testing.assert_allclose(found, expected / 3, atol=0.002)
    np.testing.assert_allclose(found.sum(-1), 1, atol=1e-5)


@pytest.mark.backend("sweep")
def test_white_stays_on_the_scale(model):
    """Weights of a resize add up to 1 but for rounding: 255 may become a little more."""
    white = np.full((37, 53, 3), 255, "uint8")
    scales = np.linspace(0.3, 1.7, 9)
    found = TTAPredictor(model, scales).probabilities([white])
    np.testing.assert_allclose(found[0, 5:-5, 5:-5], 0.5, atol=1e-4)


def sampled(maps, size):
    """The mean of the two cells on each side of a pixel's centre, at half the size."""
    assert maps.shape[0] == 2 * size[0] and maps.shape[1] == 2 * size[1]
    return maps.reshape(size[0], 2, size[1], 2, -1).mean((1, 3))


def test_batches_are_labelled_like_single_images(model, image):
    averaged = TTAPredictor(model, (0.75, 1.0), flip=True)
    images = [image, 255 - image]
    batch = averaged.segment_batch(images)
    for one, labels in zip(images, batch, strict=True):
        np.testing.assert_array_equal(averaged.segment(one), labels)


@pytest.mark.parametrize("scales", [(), (0.0,), (1.0, -2.0), (float("nan"),)])
def test_impossible_scales_are_refused(model, scales):
    with pytest.raises(ValueError, match="positive numbers, such as"):
        TTAPredictor(model, scales)


def test_the_crf_is_that_of_its_room(model, image):
    options = {"steps": 3, "bilateral_weight": 4.0}
    expected = crf.dense_crf(scores_of(image), image, **options)
    labels, found = fcn_keras.segment(model, image, crf=options, return_probabilities=True)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    np.testing.assert_array_equal(labels, found.argmax(-1))
    assert (labels != fcn_keras.segment(model, image)).any()
    averaged = TTAPredictor(model, flip=True)
    both = build_predictor(model, flip=True, crf=options).probabilities([image])
    expected = crf.dense_crf(
        averaged.probabilities([image]), image[None], from_logits=False, **options
    )
    np.testing.assert_allclose(both, expected, atol=1e-6)


def test_published_options_of_the_crf_go_by_their_name(model, image):
    numbers = {"bilateral_weight": 4, "bilateral_width": 121, "color_width": 5}  # of LargeFOV
    expected = build_predictor(model, crf=numbers).probabilities([image])
    found = build_predictor(model, crf="deeplab-largefov").probabilities([image])
    np.testing.assert_array_equal(found, expected)
    with pytest.raises(ValueError, match="`crf` must be one of 'deeplab'"):
        fcn_keras.segment(model, image, crf="largefov")


def test_a_wrong_option_of_the_crf_is_refused_at_once(model):
    with pytest.raises(TypeError, match="stepps"):
        CRFPredictor(model, stepps=3)
    with pytest.raises(ValueError, match="steps"):
        build_predictor(model, crf={"steps": -1})


def test_evaluation_takes_the_same_options(model, image):
    truth = fcn_keras.segment(model, image, flip=True, crf={"steps": 2})
    report = fcn_keras.evaluate(model, [(image, truth)], flip=True, crf={"steps": 2})
    assert report.scores.mean_iou == 1
    assert fcn_keras.evaluate(model, [(image, truth)]).scores.mean_iou < 1


class ByLabels:
    labels = fcn_keras.LabelSet(("a", "b"))

    def segment(self, image):
        return np.zeros(np.shape(image)[:2], "uint8")


class ByScores(ByLabels):
    def segment(self, image, *, return_logits=False):
        scores = scores_of(image)
        labels = scores.argmax(-1).astype("uint8")
        return (labels, scores) if return_logits else labels


def test_anything_that_gives_scores_can_be_averaged(model, image):
    expected = TTAPredictor(model, flip=True).probabilities([image])
    np.testing.assert_allclose(
        TTAPredictor(ByScores(), flip=True).probabilities([image]), expected, atol=1e-5
    )
    with pytest.raises(ValueError, match="ByLabels gives labels alone"):
        TTAPredictor(ByLabels(), flip=True).segment(image)


def test_scores_and_averages_exclude_each_other(model, image):
    with pytest.raises(ValueError, match="return_probabilities=True"):
        fcn_keras.segment(model, image, flip=True, return_logits=True)


def test_several_outputs_are_taken_one_by_one(image):
    inputs = keras.Input((None, None, 3))
    outputs = {name: keras.layers.Conv2D(2, 1)(inputs) for name in ("what", "where")}
    both = keras.Model(inputs, outputs)
    with pytest.raises(ValueError, match="one_output.*'what'"):
        fcn_keras.segment(both, image, flip=True)


def test_tiles_are_seen_like_the_whole(model, image):
    large = np.tile(image, (6, 5, 1))
    labels, scores = fcn_keras.segment(model, large, tile=16, return_logits=True)
    whole, expected = fcn_keras.segment(model, large, return_logits=True)
    np.testing.assert_array_equal(labels, whole)
    np.testing.assert_allclose(scores, expected, atol=1e-4)
    flipped = fcn_keras.segment(model, large, tile=16, flip=True)
    np.testing.assert_array_equal(flipped, fcn_keras.segment(model, large, flip=True))
    report = fcn_keras.evaluate(model, [(large, whole)], tile=16)
    assert report.scores.mean_iou == 1
