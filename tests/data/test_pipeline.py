"""Batches: shapes, order, seeds, and errors that name files."""

import numpy as np
import pytest
from PIL import Image

from fcn_keras.data import Augmentation, Dataset, pipeline
from fcn_keras.labels import LabelSet

LABELS = LabelSet(("ground", "object"))


def in_memory(sizes, seed=0):
    rng = np.random.default_rng(seed)
    images = tuple(rng.integers(0, 256, (*size, 3)).astype("uint8") for size in sizes)
    masks = tuple(rng.integers(0, 2, size).astype("uint8") for size in sizes)
    names = tuple(f"n{i}" for i in range(len(sizes)))
    return Dataset("made", "train", LABELS, names, images, masks)


def in_files(data, folder):
    """The same dataset, read from PNG files."""
    paths = []
    for name, image, mask in zip(data.names, data.images, data.targets, strict=True):
        pair = folder / f"{name}.png", folder / f"{name}_mask.png"
        for array, path in zip((image, mask), pair, strict=True):
            Image.fromarray(array).save(path)
        paths.append(pair)
    images, masks = zip(*paths, strict=True)
    return Dataset(data.name, data.split, data.labels, data.names, images, masks)


def epoch(batches):
    """All images and all labels of one epoch."""
    images, labels = zip(*batches.as_numpy_iterator(), strict=True)
    return np.concatenate(images), np.concatenate(labels)


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.fixture(params=["memory", "files"])
def data(request, tmp_path):
    made = in_memory([(20, 30)] * 10)
    return made if request.param == "memory" else in_files(made, tmp_path)


def test_whole_images_in_order(data):
    batches = data.batches(4)
    assert [len(images) for images, _ in batches] == [4, 4, 2]
    images, labels = epoch(batches)
    assert images.dtype == labels.dtype == np.uint8
    np.testing.assert_array_equal(images, np.stack([image for image, _ in data]))
    np.testing.assert_array_equal(labels, np.stack([label for _, label in data]))


def test_examples(data):
    for example, (image, label) in zip(data.examples().as_numpy_iterator(), data, strict=True):
        np.testing.assert_array_equal(example["image"], image)
        np.testing.assert_array_equal(example["target"], label)


def test_abandoning_an_iterator_does_not_wait(data):
    """The end of an iterator would wait for tf.data's autotuning thread, which sleeps."""
    for made in (data.batches(4), data.batches(4, crop=8, repeat=True).take(3), data.examples()):
        assert made.options().autotune.enabled is False


def test_shapes_are_known_to_a_model():
    images, labels = in_memory([(20, 30)] * 4).batches(2, crop=(8, 9)).element_spec
    assert images.shape[1:] == (8, 9, 3)
    assert labels.shape[1:] == (8, 9)


def test_drop_remainder(data):
    assert [len(images) for images, _ in data.batches(4, drop_remainder=True)] == [4, 4]


@pytest.mark.parametrize("cache", [False, True])
def test_seed_repeats_and_epochs_differ(data, cache):
    options = {"crop": (12, 16), "augment": Augmentation(scale=(0.6, 1.6), color=0.2)}
    first, again, other = (data.batches(4, seed=seed, cache=cache, **options) for seed in (1, 1, 2))
    one, two = epoch(first), epoch(first)
    assert not same(one, two)
    assert same(one, epoch(again))
    assert same(two, epoch(again))
    assert not same(one, epoch(other))


def test_shuffle_is_another_order_each_epoch():
    data = in_memory([(4, 4)] * 12)
    keys = [image.tobytes() for image in data.images]
    batches = data.batches(3, shuffle=True, seed=5)
    orders = [[keys.index(image.tobytes()) for image in epoch(batches)[0]] for _ in range(2)]
    assert orders[0] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(12))


@pytest.mark.parametrize("stored", ["memory", "files"])
def test_sizes_may_differ(tmp_path, stored):
    data = in_memory([(5, 9), (7, 4)])
    data = data if stored == "memory" else in_files(data, tmp_path)
    images, labels = epoch(data.batches(2))
    assert images.shape == (2, 7, 9, 3)
    for image, label, (true_image, true_label) in zip(images, labels, data, strict=True):
        height, width = true_label.shape
        np.testing.assert_array_equal(image[:height, :width], true_image)
        np.testing.assert_array_equal(label[:height, :width], true_label)
        assert (label[height:] == 255).all() and (label[:, width:] == 255).all()
        assert (image[height:] == 116).all() and (image[:, width:] == 116).all()
    images, labels = epoch(data.batches(2, crop=(6, 6), augment=True))
    assert images.shape == (2, 6, 6, 3) and labels.shape == (2, 6, 6)


@pytest.mark.parametrize(("options", "message"), [
    ({"batch_size": 0}, "batch_size"),
    ({"batch_size": 1, "crop": (0, 5)}, "crop"),
    ({"batch_size": 1, "crop": (3, 5, 3)}, "crop"),
    ({"batch_size": 1, "augment": "flip"}, "flip"),
])  # fmt: skip
def test_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        in_memory([(8, 8)]).batches(**options)


@pytest.mark.parametrize("crop", [None, (8, 8)])
def test_wrong_label_stops_a_training_and_names_the_file(tmp_path, crop):
    data = in_files(in_memory([(8, 8)] * 3), tmp_path)
    Image.fromarray(np.full((8, 8), 9, "uint8")).save(data.targets[1])
    with pytest.raises(Exception, match=r"n1_mask.png holds the label 9; allowed are 0 to 1"):
        epoch(data.batches(1, crop=crop))


def test_missing_file_is_named(tmp_path):
    data = in_files(in_memory([(8, 8)] * 3), tmp_path)
    data.images[2].unlink()
    with pytest.raises(Exception, match="n2.png"):
        epoch(data.batches(1))


def test_files_of_several_kinds_in_one_dataset(tmp_path):
    """Each file goes to a decoder that gives the right pixels."""
    data = in_files(in_memory([(8, 12)] * 4), tmp_path)
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    Image.open(data.images[1]).save(data.images[1], exif=exif)
    Image.open(data.images[2]).convert("L").save(data.images[2])
    palette = Image.open(data.targets[3]).convert("P")
    palette.putpalette([9, 9, 9, 200, 0, 0])
    palette.save(data.targets[3])
    images, labels = epoch(data.batches(4))
    for image, label, pair in zip(images, labels, data, strict=True):
        np.testing.assert_array_equal(image, pair[0])
        np.testing.assert_array_equal(label, pair[1])


def test_without_tensorflow_says_what_needs_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tensorflow", None)
    with pytest.raises(ImportError, match="tf.data.*pip install tensorflow"):
        pipeline.tensorflow()
