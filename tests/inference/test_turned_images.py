"""Averages over quarter turns and mirror images: which positions, and that they are exact."""

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras.inference.test_time_augmentation import TTAPredictor
from fcn_keras.tasks import Regression

pytestmark = pytest.mark.backend


@pytest.fixture(scope="module")
def model():
    """A net whose answer at a pixel depends on the pixels around it, each in its own way."""
    keras.utils.set_random_seed(0)
    image = keras.Input((None, None, 3))
    x = keras.layers.Rescaling(1 / 127.5, -1)(image)
    return keras.Model(image, keras.layers.Conv2D(3, 3, padding="same")(x))


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (17, 26, 3)).astype("uint8")


def positions(array):
    """The eight positions of an array (H, W, ...), by its axes alone."""
    other = array.swapaxes(0, 1)
    return [one[::down, ::across] for one in (array, other) for down in (1, -1)
            for across in (1, -1)]  # fmt: skip


def test_all_eight_positions_are_averaged(model, image):
    """Each answer is put back by the position that undoes the first."""
    expected = 0
    for number, moved in enumerate(positions(image)):
        answer = fcn_keras.segment(model, moved, return_probabilities=True)[1]
        undone = {5: 6, 6: 5}.get(number, number)  # the two turns by 90 degrees undo each other
        expected = expected + positions(answer)[undone] / 8
    found = TTAPredictor(model, flip=True, rotate=True).probabilities([image])[0]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    plain = fcn_keras.segment(model, image, return_probabilities=True)[1]
    assert np.abs(found - plain).max() > 0.01


def test_a_turned_image_has_the_turned_answer(model, image):
    def answer(image, **options):
        return fcn_keras.segment(model, image, return_probabilities=True, **options)[1]

    found = answer(image, rotate=True)
    np.testing.assert_allclose(answer(np.rot90(image), rotate=True), np.rot90(found), atol=1e-6)
    assert np.abs(answer(image[:, ::-1], rotate=True) - found[:, ::-1]).max() > 0.01
    both = answer(image, rotate=True, flip=True, scales=(1.0, 1.5))
    for moved, expected in zip(positions(image), positions(both), strict=True):
        again = answer(moved, rotate=True, flip=True, scales=(1.0, 1.5))
        np.testing.assert_allclose(again, expected, atol=1e-5)


def test_evaluate_takes_it(model, image):
    truth = fcn_keras.segment(model, image, rotate=True, flip=True)
    report = fcn_keras.evaluate(model, [(image, truth)], rotate=True, flip=True, progress=False)
    assert report.scores.pixel_accuracy == 1


def test_what_cannot_be_turned_is_refused(model):
    class Fixed(fcn_keras.inference.Segmenter):
        labels, halo, channels, image_reader = None, None, 3, None

        def __init__(self, task, size):
            self.task, self.size = task, size

    with pytest.raises(ValueError, match="only images of 20x30"):
        TTAPredictor(Fixed(None, (20, 30)), rotate=True)
    with pytest.raises(ValueError, match="directions in the image"):
        TTAPredictor(Fixed(Regression("motion", channels=2, directed=True), None), rotate=True)
