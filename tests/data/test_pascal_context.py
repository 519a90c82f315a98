"""PASCAL-Context: 59 classes out of maps of 459, of which three are spelled in two ways."""

import numpy as np
import pytest

from fcn_keras import data
from fcn_keras.cli.sources import load_dataset

NUMBERS = {"aeroplane": 2, "bedclothes": 19, "cloth": 80, "pottedplant": 308, "table": 397}
ORDER = ("aeroplane", "diningtable", "pottedplant", "clothes", "bedcloth")  # of the 59
FOUND = [0, 2, 19, 80, 308, 397, 431, 459]  # 431 unknown, 459 wool: of no class here
LABELS = [255, 0, 4, 3, 2, 1, 255, 255]


@pytest.fixture
def root(tmp_path, write):
    context, voc = tmp_path / "context", tmp_path / "VOCdevkit" / "VOC2010"
    rest = {number: f"thing {number}" for number in range(1, 460)}
    rest |= {number: name for name, number in NUMBERS.items()} | {308: "potted plant"}
    write.text(context / "labels.txt", *(f"{n}: {rest[n]}" for n in sorted(rest)))
    write.text(context / "59_labels.txt", *(f"{n}: {name}" for n, name in enumerate(ORDER, 1)))
    for name in ("2008_000002", "2008_000003", "2010_000001"):
        write.photo(voc / "JPEGImages" / f"{name}.jpg")
        write.mat(
            context / "trainval" / f"{name}.mat", LabelMap=write.values(FOUND, dtype="uint16")
        )
    write.text(voc / "ImageSets" / "Main" / "train.txt", "2008_000002", "2010_000001")
    write.text(voc / "ImageSets" / "Main" / "val.txt", "2008_000003")
    return context


def test_classes(root, write, same_in_batches):
    train = data.load("pascal-context", root)
    assert train.names == ("2008_000002", "2010_000001") and train.labels.names == ORDER
    np.testing.assert_array_equal(train[1][1], write.values(LABELS))
    same_in_batches(train)
    assert data.load("pascal-context", root, split="val").names == ("2008_000003",)


def test_background_as_in_the_published_nets(root, write):
    for dataset in (
        data.load("pascal-context", root, background=True),
        load_dataset(f"pascal-context:{root},background", "train"),
    ):
        assert dataset.labels.names == ("background", *ORDER)
        expected = [0 if label == 255 else label + 1 for label in LABELS]
        np.testing.assert_array_equal(dataset[0][1], write.values(expected))


def test_where_voc_may_be(root, tmp_path):
    (tmp_path / "VOCdevkit").rename(tmp_path / "elsewhere")
    with pytest.raises(FileNotFoundError, match=r"VOC2010/JPEGImages was expected.*voc2010/"):
        data.load("pascal-context", root)
    for place in ("elsewhere", "elsewhere/VOC2010"):
        assert len(data.load("pascal-context", root, voc=str(tmp_path / place))) == 2


def test_wrong_values(root, write):
    write.mat(
        root / "trainval" / "2010_000001.mat", LabelMap=write.values([2, 460], dtype="uint16")
    )
    with pytest.raises(data.LabelError, match="2010_000001.mat holds the label 460"):
        data.load("pascal-context", root)[1]


def test_missing_files(root):
    (root / "trainval" / "2008_000002.mat").unlink()
    with pytest.raises(FileNotFoundError, match=r"'2008_000002'.*1 of 2.*stanford\.edu"):
        data.load("pascal-context", root)
    with pytest.raises(ValueError, match=r"no split 'test'.*train"):
        data.load("pascal-context", root, split="test")
    (root / "59_labels.txt").unlink()
    with pytest.raises(FileNotFoundError, match=r"59_labels\.txt was expected.*stanford\.edu"):
        data.load("pascal-context", root)


def test_lists_that_make_no_sense(root, write):
    write.text(root / "59_labels.txt", "1: aeroplane", "2: unicorn")
    with pytest.raises(ValueError, match="lacks 'unicorn'"):
        data.load("pascal-context", root)
    write.text(root / "59_labels.txt", "aeroplane")
    with pytest.raises(ValueError, match="'aeroplane' is not `number: name`"):
        data.load("pascal-context", root)


def test_check_data(root, check_data):
    code, printed = check_data(f"pascal-context:{root}")
    assert code == 0 and "2 in train, 1 in val" in printed and "bedcloth" in printed
