"""ADE20K's 150 classes, counted from 1 in the files."""

import numpy as np
import pytest

from fcn_keras import data

FIRST = ("wall", "building, edifice", "sky")


@pytest.fixture
def root(tmp_path, write):
    root = tmp_path / "ADEChallengeData2016"
    for folder, name in (("training", "ADE_train_0001"), ("validation", "ADE_val_0001")):
        write.photo(root / "images" / folder / f"{name}.jpg")
        write.png(root / "annotations" / folder / f"{name}.png", write.values([0, 1, 2, 150]))
    names = [*FIRST, "screen door, screen", "screen, silver screen", "screen, telly"]
    names += [f"thing {number}, object" for number in range(len(names), 150)]
    lines = [f"{n}\t0.1576\t11664\t1172\t1\t{name} " for n, name in enumerate(names, 1)]
    write.text(root / "objectInfo150.txt", "Idx\tRatio\tTrain\tVal\tStuff\tName", *lines)
    return root


def test_labels(root, write, same_in_batches):
    train = data.load("ade20k", root)
    names = train.labels.names
    assert len(names) == 150 and names[:4] == ("wall", "building", "sky", "screen door")
    assert names[4:6] == ("screen, silver screen", "screen, telly")  # one word would not do
    np.testing.assert_array_equal(train[0][1], write.values([255, 0, 1, 149]))
    same_in_batches(train)


@pytest.mark.parametrize("split", ["val", "validation"])
def test_splits_and_the_folder_around(root, split):
    assert data.load("ade20k", root.parent, split=split).names == ("ADE_val_0001",)


def test_names_are_numbers_where_the_list_is_missing(root):
    (root / "objectInfo150.txt").unlink()
    assert data.load("ade20k", root).labels.names[::149] == ("class 1", "class 150")


def test_refuses(root, write, tmp_path):
    path = root / "annotations" / "training" / "ADE_train_0001.png"
    write.png(path, write.values([1, 151]))
    with pytest.raises(data.LabelError, match="holds the label 151"):
        data.load("ade20k", root)[0]
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"ADE_train_0001.*ADEChallengeData2016"):
        data.load("ade20k", root)
    with pytest.raises(FileNotFoundError, match=r"nowhere.*sceneparsing\.csail\.mit\.edu"):
        data.load("ade20k", tmp_path / "nowhere")
    with pytest.raises(ValueError, match="no split 'test'"):
        data.load("ade20k", root, split="test")
    write.text(root / "objectInfo150.txt", "Idx\tName", "1\twall")
    with pytest.raises(ValueError, match="names 1 classes instead of 150"):
        data.load("ade20k", root)


def test_check_data(root, check_data):
    code, printed = check_data(f"ade20k:{root}")
    assert code == 0 and "1 in train, 1 in val" in printed and "building" in printed
