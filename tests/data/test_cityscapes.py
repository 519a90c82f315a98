"""Cityscapes: ids of the files become the 19 classes, everything else void."""

import numpy as np
import pytest

from fcn_keras import data

# Published as trainId in the authors' labels.py: id -> trainId, 255 elsewhere.
TRAIN_IDS = {
    7: 0, 8: 1, 11: 2, 12: 3, 13: 4, 17: 5, 19: 6, 20: 7, 21: 8, 22: 9, 23: 10, 24: 11, 25: 12,
    26: 13, 27: 14, 28: 15, 31: 16, 32: 17, 33: 18,
}  # fmt: skip
FRAMES = {"train": ("aachen_000000_000019", "ulm_000001_000019"), "val": ("lindau_000002_000019",)}


@pytest.fixture
def root(tmp_path, write):
    for split, names in FRAMES.items():
        for name in names:
            city = name.partition("_")[0]
            write.photo(tmp_path / "leftImg8bit" / split / city / f"{name}_leftImg8bit.png")
            folder = tmp_path / "gtFine" / split / city
            write.png(folder / f"{name}_gtFine_labelIds.png", write.values(range(34)))
            write.png(
                folder / f"{name}_gtFine_instanceIds.png", write.values([26001], (4, 4), "uint16")
            )
            write.png(folder / f"{name}_gtFine_color.png", np.zeros((4, 4, 3), "uint8"))
    return tmp_path


def test_train_ids(root, write, same_in_batches):
    train = data.load("cityscapes", root)
    assert train.names == FRAMES["train"]
    expected = [TRAIN_IDS.get(number, 255) for number in range(34)]
    np.testing.assert_array_equal(train[0][1], write.values(expected))
    same_in_batches(train)
    assert data.load("cityscapes", root, split="val").names == FRAMES["val"]


def test_names_and_colours():
    from fcn_keras.data.cityscapes import LABELS

    assert LABELS.num_classes == 19
    known = dict(zip(LABELS.names, LABELS.palette, strict=True))
    assert known["road"] == (128, 64, 128) and known["bicycle"] == (119, 11, 32)
    assert LABELS.names.index("train") == 16 and known["train"] == (0, 80, 100)


def test_wrong_values(root, write):
    path = root / "gtFine/val/lindau/lindau_000002_000019_gtFine_labelIds.png"
    write.png(path, write.values([7, 34]))
    with pytest.raises(data.LabelError, match="lindau.*holds the label 34"):
        data.load("cityscapes", root, split="val")[0]
    with pytest.raises(Exception, match="lindau.*holds the label 34"):
        list(data.load("cityscapes", root, split="val").batches(1))


def test_refuses(root, tmp_path):
    with pytest.raises(ValueError, match="'test'.*train and val.*not published"):
        data.load("cityscapes", root, split="test")
    (root / "gtFine/train/ulm/ulm_000001_000019_gtFine_labelIds.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"ulm_000001.*1 of 2.*cityscapes-dataset\.com"):
        data.load("cityscapes", root)
    with pytest.raises(FileNotFoundError, match=r"nowhere.*leftImg8bit.*gtFine"):
        data.load("cityscapes", tmp_path / "nowhere")


def test_check_data(root, check_data):
    code, printed = check_data(f"cityscapes:{root}")
    assert code == 0 and "2 in train, 1 in val" in printed and "traffic light" in printed
