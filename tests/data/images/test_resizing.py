"""Images and masks of different sizes: images are brought to the size of their masks."""

import numpy as np
import pytest
from PIL import Image

from fcn_keras import data


@pytest.fixture
def folder(tmp_path):
    """Images of 40x60 whose masks are half as large."""
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    rng = np.random.default_rng(0)
    for number in range(5):
        small = rng.integers(0, 256, (20, 30, 3), "uint8")
        image = np.kron(small, np.ones((2, 2, 1), "uint8"))
        Image.fromarray(image).save(tmp_path / "images" / f"{number}.png")
        Image.fromarray(small[..., 0] // 128).save(tmp_path / "masks" / f"{number}.png")
    (tmp_path / "classes.txt").write_text("ground\negg\n")
    return tmp_path


def test_the_message_names_the_option(folder, check_data):
    code, text = check_data(f"folder:{folder}")
    assert code == 1 and "40x60" in text and "folder:DIR,resize=images" in text
    code, text = check_data(f"folder:{folder},resize=images")
    assert code == 0 and "nothing is wrong" in text


def test_images_have_the_size_of_their_masks_in_examples_and_batches(folder):
    part = data.load("folder", folder, split="all", resize="images")
    images, labels = next(iter(part.batches(5, shuffle=False)))
    for index, (image, label) in enumerate(part):
        assert image.shape == (20, 30, 3) and image.dtype == np.uint8
        np.testing.assert_array_equal(label, np.array(Image.open(part.targets[index])))
        np.testing.assert_array_equal(images[index], image)
        np.testing.assert_array_equal(labels[index], label)
        large = np.array(Image.open(part.images[index]).convert("RGB"), "float64")
        halves = large.reshape(20, 2, 30, 2, 3).mean((1, 3))
        # the average of a pixel is bilinear, so that its neighbours have a share as well
        assert np.corrcoef(image.ravel(), halves.ravel())[0, 1] > 0.8


def test_floats_and_many_channels(folder):
    for path in (folder / "images").iterdir():
        np.save(path.with_suffix(".npy"), np.full((40, 60, 5), 7.25, "float32"))
        path.unlink()
    image, _ = data.load("folder", folder, split="all", resize="images")[0]
    assert image.shape == (20, 30, 5) and (image == 7.25).all() and image.dtype == np.float32


def test_other_proportions_are_refused(folder):
    Image.fromarray(np.zeros((20, 40), "uint8")).save(folder / "masks" / "3.png")
    part = data.load("folder", folder, split="all", resize="images")
    with pytest.raises(ValueError, match=r"40x60 .*20x40") as caught:
        part[3]
    assert "resize" not in str(caught.value)
    with pytest.raises(Exception, match=r"40x60 .*20x40"):
        list(part.batches(1, shuffle=False))


def test_an_unknown_word_is_refused(folder):
    with pytest.raises(ValueError, match="resize.*images.*masks"):
        data.load("folder", folder, split="all", resize="masks")


@pytest.mark.data
def test_real_masks_that_are_smaller_than_their_images(data_root):
    if not (data_root / "horses").is_dir():
        pytest.skip(f"no horses in {data_root}")
    options = {"images": "rgb", "masks": "mask", "threshold": 128}
    part = data.load("folder", data_root / "horses", split="all", **options).take(5)
    with pytest.raises(ValueError, match="resize=images"):
        part[0]
    part = data.load("folder", data_root / "horses", split="all", resize="images", **options)
    for index, (image, label) in enumerate(part.take(5)):
        stored = np.array(Image.open(part.targets[index]))
        assert image.shape[:2] == stored.shape
        np.testing.assert_array_equal(label, stored >= 128)
