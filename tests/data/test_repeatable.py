"""A seed gives the same windows in every version, so that trainings can be repeated."""

import hashlib

import keras
import numpy as np
import pytest

from fcn_keras.data import Augmentation, Dataset
from fcn_keras.labels import LabelSet

pytest.importorskip("tensorflow")
LABELS = LabelSet(("a", "b", "c"))
SIZES = [(20, 30)] * 3 + [(25, 18)] * 3
VARIED = Augmentation(scale=(0.6, 1.6), color=0.2)


def data():
    rng = np.random.default_rng(7)
    images = tuple(rng.integers(0, 256, (*size, 3)).astype("uint8") for size in SIZES)
    masks = tuple(rng.integers(0, 3, size).astype("uint8") for size in SIZES)
    return Dataset("made", "train", LABELS, tuple("abcdef"), images, masks)


@pytest.fixture(autouse=True)
def global_seed():
    """TensorFlow mixes the global seed, which a training sets, into every other seed."""
    keras.utils.set_random_seed(5)


def checksum(arrays):
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()[:16]


@pytest.mark.parametrize(("options", "images", "labels"), [
    ({"crop": (16, 24)}, "ce807217f69ad351", "e3c6cb3268586b69"),
    ({"crop": 8, "augment": Augmentation(flip=True), "shard": (1, 2)}, "b02676d3aa4c33dc",
     "d1d92b19353a3299"),
])  # fmt: skip
def test_windows(options, images, labels):
    found = list(data().batches(4, seed=3, **options).as_numpy_iterator())
    assert checksum(image for image, _ in found) == images
    assert checksum(label for _, label in found) == labels


def test_scaled_and_recoloured_windows():
    """Resized pixels may differ by a rounding between processors, so their means are compared."""
    found = list(data().batches(4, crop=(16, 24), seed=3, augment=VARIED).as_numpy_iterator())
    assert checksum(label for _, label in found) == "ddb9bbdd87e39a4d"
    means = np.concatenate([image.mean(axis=(1, 2, 3)) for image, _ in found])
    np.testing.assert_allclose(
        means, [136.382, 142.348, 174.871, 115.489, 160.046, 133.679], atol=0.01
    )
