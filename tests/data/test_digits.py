"""The dataset without files: real digits, different ones in each split, the same every time."""

import time

import numpy as np
import pytest

from fcn_keras import data
from fcn_keras.data import digits

pytestmark = pytest.mark.backend


def test_scenes():
    scenes = data.load("digits", split="val", count=12)
    assert len(scenes) == 12
    image, label = scenes[0]
    assert image.shape == (*label.shape, 3)
    assert image.dtype == label.dtype == np.uint8
    assert scenes.labels.names == ("background", *"0123456789")
    held = set().union(*(set(np.unique(label)) for _, label in scenes))
    assert held == set(range(11))


def test_made_in_seconds_and_the_same_every_time():
    start = time.process_time()
    first = data.load("digits", split="train", count=60, seed=3)
    assert time.process_time() - start < 5
    digits._scenes.cache_clear()
    again = data.load("digits", split="train", count=60, seed=3)
    other = data.load("digits", split="train", count=60, seed=4)
    assert all(np.array_equal(a, b) for a, b in zip(first.images, again.images, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(first.targets, again.targets, strict=True))
    assert not np.array_equal(first.images[0], other.images[0])


def test_no_handwritten_digit_is_in_two_splits():
    drawn = {split: {d.tobytes() for d in digits._handwritten(split)[0]} for split in digits.SPLITS}
    assert not drawn["train"] & drawn["val"]
    assert not drawn["train"] & drawn["test"]
    assert not drawn["val"] & drawn["test"]
    assert sum(map(len, drawn.values())) == 1797


def test_digits_stand_out_where_they_are_labelled():
    """Pixels of a digit differ from the ground around it."""
    image, label = data.load("digits", split="test", count=1)[0]
    image = image.astype(float)
    on, off = image[label > 0], image[label == 0]
    assert np.abs(on.mean(0) - off.mean(0)).max() > 10
    assert 0.05 < (label > 0).mean() < 0.7


def test_size_and_what_is_too_small():
    assert data.load("digits", split="val", size=(70, 96), count=1)[0][1].shape == (70, 96)
    with pytest.raises(ValueError, match=r"at least.*\(40, 80\)"):
        data.load("digits", size=(40, 80))
