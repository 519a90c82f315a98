"""Everything that segments offers the same, whatever the number of channels and inputs."""

import inspect

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras import inference
from fcn_keras.inference.crf import CRFPredictor
from fcn_keras.inference.test_time_augmentation import TTAPredictor
from fcn_keras.inference.tiling import Tiled
from fcn_keras.inference.uncertainty import MCDropoutPredictor

pytestmark = pytest.mark.backend

L = keras.layers
LABELS = fcn_keras.LabelSet(("a", "b", "c"))


def net(channels=3, dropout=0.3):
    keras.utils.set_random_seed(1)
    image = keras.Input((None, None, channels))
    x = L.Dropout(dropout)(L.Rescaling(1 / 64)(image))
    x = L.Conv2D(3, (1, 3), padding="same")(x)
    task = fcn_keras.tasks.Classes(LABELS)
    return keras.Model(image, fcn_keras.layers.Logits(task_config=task.to_config())([x, image]))


class Own:
    """An object of the user's that has labels and logits."""

    labels = LABELS

    def __init__(self, model):
        self.model = model

    def segment(self, image, *, return_logits=False):
        return fcn_keras.segment(self.model, image, return_logits=return_logits)


KINDS = {
    "Predictor": inference.Predictor,
    "TTAPredictor": lambda model: TTAPredictor(model, flip=True),
    "Ensemble": lambda model: inference.Ensemble([model, model]),
    "CRFPredictor": lambda model: CRFPredictor(model, steps=1),
    "MCDropoutPredictor": lambda model: MCDropoutPredictor(model, 2),
    "Tiled": lambda model: Tiled(model, 16),
    "UserSegmenter": lambda model: inference.as_segmenter(Own(model)),
}


@pytest.fixture(scope="module")
def model():
    return net()


@pytest.mark.parametrize("kind", KINDS)
def test_all_of_the_protocol(kind, model):
    segmenter = KINDS[kind](model)
    assert inference.as_segmenter(segmenter) is segmenter
    assert segmenter.labels == LABELS and segmenter.task.labels == LABELS
    assert segmenter.size is None and segmenter.channels in (3, None)
    assert segmenter.halo is None or segmenter.halo == fcn_keras.geometry.halo(model)
    for name in ("segment", "segment_batch", "probabilities"):
        asked = inspect.signature(getattr(inference.Segmenter, name)).parameters
        assert list(inspect.signature(getattr(type(segmenter), name)).parameters) == list(asked)
    images = np.random.default_rng(0).integers(0, 256, (2, 20, 30, 3), "uint8")
    found = segmenter.probabilities(images)
    assert found.shape == (2, 20, 30, 3) and found.dtype == np.float32
    np.testing.assert_allclose(found.sum(-1), 1, atol=1e-5)
    if kind != "MCDropoutPredictor":  # each of whose passes is another
        labels = segmenter.segment_batch(images)
        assert labels.dtype == np.uint8
        np.testing.assert_array_equal(labels, found.argmax(-1))
        np.testing.assert_array_equal(segmenter.segment(images[1]), labels[1])
    if kind in ("Predictor", "Tiled", "UserSegmenter"):
        labels, logits = segmenter.segment_batch(images, return_logits=True)
        np.testing.assert_array_equal(labels, logits.argmax(-1))
        np.testing.assert_allclose(keras.ops.softmax(logits), found, atol=1e-5)
    else:
        with pytest.raises(ValueError, match=f"{kind} has no logits"):
            segmenter.segment(images[0], return_logits=True)


def test_dropout_tiles_and_mirror_images_go_together(model):
    image = np.random.default_rng(0).integers(0, 256, (40, 50, 3), "uint8")
    labels = fcn_keras.segment(model, image, samples=2, tile=16, flip=True)
    assert labels.shape == (40, 50)


@pytest.mark.parametrize("channels", [
    1, 4, *(pytest.param(count, marks=pytest.mark.backend("sweep")) for count in (2, 6)),
])  # fmt: skip
def test_any_number_of_channels_can_be_averaged(channels):
    model = net(channels, 0.0)
    image = np.random.default_rng(0).integers(0, 256, (20, 30, channels), "uint8")
    found = TTAPredictor(model, flip=True).probabilities([image])[0]
    one = fcn_keras.Predictor(model)
    mirrored = one.probabilities([image[:, ::-1]])[0][:, ::-1]
    np.testing.assert_allclose(found, (one.probabilities([image])[0] + mirrored) / 2, atol=1e-6)
    assert fcn_keras.segment(model, image, flip=True, scales=(0.5, 1)).shape == (20, 30)
    if channels != 1:
        with pytest.raises(ValueError, match=f"RGB images; got a model of {channels} channels"):
            fcn_keras.segment(model, image, crf=True)


def test_several_inputs_are_mirrored_together():
    inputs = {name: keras.Input((None, None, n), name=name) for name, n in (("rgb", 3), ("d", 1))}
    keras.utils.set_random_seed(0)
    x = L.Concatenate()([L.Rescaling(1 / 64)(tensor) for tensor in inputs.values()])
    model = keras.Model(inputs, L.Conv2D(3, (1, 3), padding="same")(x))
    rng = np.random.default_rng(0)
    scene = {"rgb": rng.integers(0, 256, (9, 14, 3), "uint8"), "d": rng.integers(0, 256, (9, 14))}
    one = fcn_keras.Predictor(model)
    mirrored = {name: array[:, ::-1] for name, array in scene.items()}
    expected = (one.probabilities([scene]) + one.probabilities([mirrored])[:, :, ::-1]) / 2
    np.testing.assert_allclose(
        TTAPredictor(model, flip=True).probabilities([scene]), expected, atol=1e-6
    )


def test_a_model_of_one_channel_needs_a_task():
    image = keras.Input((None, None, 3))
    model = keras.Model(image, L.Conv2D(1, 1)(image))
    with pytest.raises(ValueError, match=r"tasks\.Regression"):
        fcn_keras.segment(model, np.zeros((9, 9, 3), "uint8"))
