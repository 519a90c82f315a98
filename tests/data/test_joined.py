"""Several datasets as one: every example is read by its own part."""

import numpy as np
import pytest

from fcn_keras import LabelSet, data
from fcn_keras.data import Dataset, MaskReader, joined

LABELS = LabelSet(("ground", "leaf"))
SIZE = (6, 8)


@pytest.fixture
def part(tmp_path, write):
    """Makes a dataset of two files of a value, whose mask value `leaf` is the leaf."""

    def make(split, shade, leaf, **options):
        images, masks = [], []
        for number in range(2):
            images.append(tmp_path / split / f"{number}.png")
            masks.append(tmp_path / split / f"{number}_mask.png")
            write.png(images[-1], np.full((*SIZE, 3), shade + number, "uint8"))
            mask = np.zeros(SIZE, "uint8")
            mask[number:3] = leaf
            write.png(masks[-1], mask)
        reader = MaskReader(LABELS, values=((0, 0, 0), (leaf, leaf, 1)))
        return Dataset("mine", split, LABELS, ("a", "b"), images, masks, reader, **options)

    return make


def test_every_example_is_read_by_its_own_part(part, same_in_batches):
    both = joined([part("train", 10, leaf=7), part("val", 20, leaf=9, image_reader=darkened)])
    assert (both.name, both.split, len(both)) == ("mine", "train+val", 4)
    assert [int(image[0, 0, 0]) for image, _ in both] == [10, 11, 19, 20]
    assert [int(target.sum()) for _, target in both] == [24, 16, 24, 16]
    same_in_batches(both)
    swapped = both.at([3, 0])
    assert [int(image[0, 0, 0]) for image, _ in swapped] == [20, 10]
    same_in_batches(swapped)


def darkened(path):
    return data.read_image(path) - 1


def test_arrays_beside_files(part, same_in_batches):
    images, masks = np.full((3, 4, 5, 3), 99, "uint8"), np.ones((3, 4, 5), "uint8")
    both = joined([part("train", 10, leaf=7), Dataset("b", "val", LABELS, "xyz", images, masks)])
    assert not both.in_memory and not both.missing
    assert both[4][0].shape == (4, 5, 3) and both[4][1].all()
    same_in_batches(both)


def test_grey_and_rgb_become_rgb(part):
    grey = np.full((1, 4, 5, 1), 50, "uint8")
    both = joined([Dataset("g", "train", LABELS, "g", grey, np.zeros((1, 4, 5), "uint8")),
                   part("val", 20, leaf=9)])  # fmt: skip
    assert both.channels == 3 and both[0][0].shape == (4, 5, 3) and both[1][0].shape == (*SIZE, 3)
    assert both.with_channels(1)[1][0].shape == (*SIZE, 1)


def test_refuses_what_no_net_fits(part):
    five = Dataset("f", "val", LABELS, "f", np.zeros((1, 4, 5, 5), "uint8"),
                   np.zeros((1, 4, 5), "uint8"))  # fmt: skip
    with pytest.raises(ValueError, match="5 channels|have 3 channels, but the net takes 5"):
        joined([part("train", 10, leaf=7), five])
    other = Dataset("o", "val", LabelSet(("ground", "fruit")), "o",
                    np.zeros((1, 4, 5, 3), "uint8"), np.zeros((1, 4, 5), "uint8"))  # fmt: skip
    with pytest.raises(ValueError, match="train has .*leaf.*val has .*fruit"):
        joined([part("train", 10, leaf=7), other])
