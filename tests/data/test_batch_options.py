"""Options of batches: unreadable files are skipped, epochs repeat, workers share, caches."""

import warnings

import numpy as np
import pytest
from PIL import Image

from fcn_keras.data import Dataset
from fcn_keras.data.unreadable import Skipped
from fcn_keras.labels import LabelSet

pytest.importorskip("tensorflow")
LABELS = LabelSet(("ground", "object"))


@pytest.fixture
def data(tmp_path):
    """Ten pairs of files; the first value of an image is its number, whose parity is its label."""
    rng = np.random.default_rng(0)
    names = tuple(f"n{i}" for i in range(10))
    paths = []
    for number, name in enumerate(names):
        image = rng.integers(0, 256, (12, 16, 3)).astype("uint8")
        image[..., 0] = number
        pair = tmp_path / f"{name}.png", tmp_path / f"{name}_mask.png"
        for array, path in zip((image, image[..., 0] % 2), pair, strict=True):
            Image.fromarray(array).save(path)
        paths.append(pair)
    images, masks = zip(*paths, strict=True)
    return Dataset("made", "train", LABELS, names, images, masks)


def numbers(batches):
    """The number of each image in the order of the batches."""
    return [int(image[0, 0, 0]) for images, _ in batches.as_numpy_iterator() for image in images]


def spoil(data):
    """Makes a truncated file, one that is no image, a missing one, and a label out of range."""
    data.images[1].write_bytes(data.images[1].read_bytes()[:200])
    data.images[3].write_text("not an image")
    data.targets[6].unlink()
    Image.fromarray(np.full((12, 16), 9, "uint8")).save(data.targets[8])
    return [n for n in range(10) if n not in (1, 3, 6, 8)]


@pytest.mark.parametrize("cache", [False, True])
def test_unreadable_examples_are_skipped_and_named(data, cache):
    left, skipped = spoil(data), Skipped()
    batches = data.batches(4, on_error=skipped, cache=cache)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert numbers(batches) == left
        assert numbers(batches) == left  # the second epoch warns no more
    told = [str(warning.message) for warning in caught if "Skipped" in str(warning.message)]
    assert len(told) == len(skipped) == 4
    assert sorted(skipped.problems) == ["n1", "n3", "n6", "n8"]
    assert "n3.png" in skipped.problems["n3"] and "label 9" in skipped.problems["n8"]
    assert str(skipped).startswith("4 examples skipped: n")


def test_labels_and_augmentation_are_those_of_the_examples_left(data):
    spoil(data)
    with pytest.warns(UserWarning, match="Skipped"):
        (images, labels), *_ = data.batches(
            6, crop=(8, 8), on_error="skip", shuffle=True, seed=3
        ).as_numpy_iterator()
    for image, label in zip(images, labels, strict=True):
        assert image.shape == (8, 8, 3)
        assert (label == image[0, 0, 0] % 2).all()


def test_nothing_left_is_an_error(data):
    for path in data.images:
        path.write_text("nothing")
    with pytest.warns(UserWarning), pytest.raises(Exception, match="none of the 10 examples"):
        numbers(data.batches(4, on_error="skip"))


def test_by_default_an_error_stops(data):
    spoil(data)
    with pytest.raises(Exception, match="n[136]"):
        numbers(data.batches(1))


def test_what_on_error_and_shard_take(data):
    with pytest.raises(ValueError, match="'raise', 'skip' or a Skipped, got 'stop'"):
        data.batches(2, on_error="stop")
    for shard in ((2, 2), (-1, 2), (0, 11), (0,)):
        with pytest.raises(ValueError, match="0 <= index < count <= 10"):
            data.batches(2, shard=shard)


def test_shares_are_disjoint_equal_and_new_each_epoch(data):
    shares = [data.batches(2, shuffle=True, seed=4, shard=(i, 3)) for i in range(3)]
    epochs = [[numbers(share) for share in shares] for _ in range(2)]
    for epoch in epochs:
        assert [len(share) for share in epoch] == [3, 3, 3]
        assert len({*epoch[0], *epoch[1], *epoch[2]}) == 9
    assert {*epochs[0][0]} != {*epochs[1][0]}


def test_repeated_data_runs_over_the_ends_of_epochs(data):
    batches = data.batches(4, shuffle=True, seed=1, repeat=True, drop_remainder=True)
    found = numbers(batches.take(5))
    assert sorted(found[:10]) == sorted(found[10:]) == list(range(10))
    assert found[:10] != found[10:]


def test_a_cache_on_disk(data, tmp_path):
    where = tmp_path / "cache" / "examples"
    where.parent.mkdir()
    assert numbers(data.batches(4, cache=where)) == list(range(10))
    assert list(where.parent.iterdir())
    for path in data.images:
        path.write_text("gone")
    assert numbers(data.batches(4, cache=str(where))) == list(range(10))
