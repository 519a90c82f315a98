"""A dataset of coloured rectangles in memory, and a net small enough to learn them in seconds."""

import keras
import numpy as np
import pytest

from fcn_keras.data import Dataset
from fcn_keras.labels import LabelSet

L = keras.layers


def shapes_of(count, split="train", size=(24, 32)):
    """A `Dataset` of red and blue rectangles on grey, the top row void."""
    random = np.random.default_rng([count, len(split)])
    images, masks = zip(*(_pair(random, *size) for _ in range(count)), strict=True)
    names = tuple(f"{split}{i}" for i in range(count))
    labels = LabelSet(("ground", "red", "blue"))
    return Dataset("shapes", split, labels, names, images, masks)


def _pair(random, height, width):
    image = random.integers(60, 90, (height, width, 3)).astype("uint8")
    label = np.zeros((height, width), "uint8")
    for value, channel in ((1, 0), (2, 2)):
        top, left = random.integers(0, height - 8), random.integers(0, width - 10)
        image[top : top + 8, left : left + 10] = 40
        image[top : top + 8, left : left + 10, channel] = 220
        label[top : top + 8, left : left + 10] = value
    label[0] = 255
    return image, label


def tiny_net(num_classes=3, name="tiny"):
    """Two convolutions that keep the size."""
    image = keras.Input((None, None, 3), name="image")
    x = L.Rescaling(1 / 127.5, -1)(image)
    x = L.Conv2D(8, 3, padding="same", use_bias=False)(x)
    x = L.ReLU()(L.BatchNormalization(momentum=0.7)(x))
    x = L.Dropout(0.1)(x)
    return keras.Model(image, L.Conv2D(num_classes, 1, dtype="float32")(x), name=name)


@pytest.fixture(scope="session")
def make_net():
    return tiny_net


@pytest.fixture(scope="session")
def make_shapes():
    return shapes_of


@pytest.fixture
def net():
    return tiny_net()


@pytest.fixture
def shapes():
    return shapes_of(16)


@pytest.fixture
def unseen():
    return shapes_of(5, "val", size=(21, 30))
