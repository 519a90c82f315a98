"""Images of any number of channels, and images that a net of another number takes."""

import numpy as np
import pytest
from PIL import Image

from fcn_keras import visualize
from fcn_keras.data import Augmentation, Dataset, read_image
from fcn_keras.data.images.conversion import to_input
from fcn_keras.labels import LabelSet

pytest.importorskip("tensorflow")
LABELS = LabelSet(("ground", "object"))
SIZE = (12, 16)


def made(channels, dtype="uint8", count=3):
    rng = np.random.default_rng(channels)
    images = [rng.integers(0, 256, (*SIZE, channels)).astype(dtype) for _ in range(count)]
    if dtype == "float32":
        images = [image * np.float32(0.99) for image in images]
    masks = [rng.integers(0, 2, SIZE).astype("uint8") for _ in range(count)]
    return Dataset("made", "train", LABELS, tuple("abc"[:count]), tuple(images), tuple(masks))


def in_npy(dataset, folder):
    """The same dataset in .npy files."""
    pairs = []
    for name, image, mask in zip(dataset.names, dataset.images, dataset.targets, strict=True):
        pairs.append((folder / f"{name}.npy", folder / f"{name}_mask.npy"))
        np.save(pairs[-1][0], image)
        np.save(pairs[-1][1], mask)
    images, masks = zip(*pairs, strict=True)
    return Dataset("made", "train", LABELS, dataset.names, images, masks)


@pytest.mark.parametrize(("channels", "dtype"), [(1, "uint8"), (2, "float32"), (5, "uint8")])
@pytest.mark.parametrize("stored", ["memory", "files"])
def test_batches_of_any_depth(tmp_path, stored, channels, dtype):
    memory = made(channels, dtype)
    data = memory if stored == "memory" else in_npy(memory, tmp_path)
    assert (data.channels, data.image_dtype) == (channels, dtype)
    images, targets = next(data.batches(3).as_numpy_iterator())
    assert images.dtype == dtype
    np.testing.assert_array_equal(images, np.stack(memory.images))
    np.testing.assert_array_equal(targets, np.stack(memory.targets))
    options = {"crop": (8, 20), "augment": Augmentation(scale=(0.5, 2.0), color=0.2), "seed": 3}
    ours, theirs = (next(d.batches(3, **options).as_numpy_iterator()) for d in (data, memory))
    assert ours[0].shape == (3, 8, 20, channels)
    np.testing.assert_array_equal(ours[0], theirs[0])
    np.testing.assert_array_equal(ours[1], theirs[1])
    assert set(np.unique(ours[0][ours[1] == 255])) == {116}


def test_every_channel_is_resized_and_cropped_as_colour_is():
    """The channels of a deep image are those of three images of one window."""
    deep = made(6)
    first, second = (
        Dataset("half", "train", LABELS, deep.names, [i[..., part] for i in deep.images],
                deep.targets)
        for part in (slice(0, 3), slice(3, 6))
    )  # fmt: skip
    options = {"crop": (10, 10), "augment": Augmentation(scale=(0.5, 2.0)), "seed": 7}
    images = [next(d.batches(3, **options).as_numpy_iterator())[0] for d in (deep, first, second)]
    np.testing.assert_array_equal(images[0], np.concatenate(images[1:], -1))


def test_colour_of_other_depths_is_brightness_and_contrast():
    values = np.random.default_rng(0).uniform(90, 166, (20, 20, 2)).astype("float32")
    data = Dataset("c", "train", LABELS, ("it",), (values,), (np.zeros((20, 20), "uint8"),))
    augment = Augmentation(flip=False, color=0.2)
    changed = 0
    for image, _ in data.batches(1, augment=augment).repeat(10).as_numpy_iterator():
        line = np.polyfit(values.ravel(), image.ravel(), 1)
        assert np.abs(np.polyval(line, values) - image[0]).max() < 1e-2
        assert 0.8 <= line[0] <= 1.2
        changed += abs(line[0] - 1) > 0.01
    assert changed > 3


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_photographs_for_a_net_of_one_channel(tmp_path, suffix):
    photo = np.random.default_rng(1).integers(0, 256, (*SIZE, 3), "uint8")
    image, mask = tmp_path / f"a.{suffix}", tmp_path / "mask.png"
    Image.fromarray(photo).save(image)
    Image.fromarray(photo[..., 0] % 2).save(mask)
    grey = Dataset("one", "train", LABELS, ("a",), (image,), (mask,)).with_channels(1)
    expected = np.array(Image.open(image).convert("L"))[..., None]
    np.testing.assert_array_equal(grey[0][0], expected)
    np.testing.assert_array_equal(next(grey.batches(1).as_numpy_iterator())[0][0], expected)
    np.testing.assert_array_equal(to_input(image, (None, None, 1)), expected)


def test_grey_for_a_net_of_three_channels():
    grey = made(1)
    image = next(grey.with_channels(3).batches(1).as_numpy_iterator())[0][0]
    np.testing.assert_array_equal(image, grey.images[0].repeat(3, -1))
    with pytest.raises(ValueError, match="have 5 channels, but the net takes 3"):
        made(5).with_channels(3)
    assert made(5).with_channels(5).channels == 5


def test_a_file_of_another_depth_is_named(tmp_path):
    data = in_npy(made(5), tmp_path)
    np.save(data.images[1], np.zeros((*SIZE, 4), "uint8"))
    with pytest.raises(ValueError, match="b.npy has 4 channels, but the images of made have 5"):
        data[1]
    with pytest.raises(Exception, match="b.npy has 4 channels"):
        list(data.batches(1))


@pytest.mark.parametrize(("array", "message"), [
    (np.full((4, 4, 5), 300, "uint16"), "x.npy cannot be used as an image: Pixels are 0-255"),
    (np.full((4, 4, 5), 0.5), "on the scale 0-1"),
    (np.zeros((2, 4, 4, 5), "uint8"), r"its array is \(2, 4, 4, 5\)"),
])  # fmt: skip
def test_arrays_that_are_no_images(tmp_path, array, message):
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(ValueError, match=message):
        read_image(tmp_path / "x.npy")


def test_a_sheet_of_deep_images_shows_their_first_three_channels(tmp_path):
    deep = made(5, count=1)
    three = Dataset("three", "train", LABELS, ("a",), (deep.images[0][..., :3],), deep.targets)
    sheets = [visualize.contact_sheet(d, tmp_path / f"{d.name}.png") for d in (deep, three)]
    first, second = (np.array(Image.open(sheet)) for sheet in sheets)
    np.testing.assert_array_equal(first, second)


def test_several_inputs():
    shapes = {"color": (None, None, 3), "depth": (None, None, 1)}
    images = {"color": np.zeros((4, 6), "uint8"), "depth": np.zeros((4, 6, 1), "float32")}
    arrays = to_input(images, shapes)
    assert {name: array.shape for name, array in arrays.items()} == {
        "color": (4, 6, 3), "depth": (4, 6, 1),
    }  # fmt: skip
    with pytest.raises(ValueError, match="takes a dict of the images color, depth; got ndarray"):
        to_input(images["color"], shapes)
    images["depth"] = np.zeros((4, 5, 1), "float32")
    with pytest.raises(ValueError, match="must be of one size; got color 4x6, depth 4x5"):
        to_input(images, shapes)
