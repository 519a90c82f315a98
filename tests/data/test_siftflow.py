"""SIFT Flow: semantic maps of 0 to 33, geometric ones of -1 and 1 to 3."""

import numpy as np
import pytest

from fcn_keras import data
from fcn_keras.cli.sources import load_dataset
from fcn_keras.data.siftflow import SCENES


@pytest.fixture
def root(tmp_path, write):
    for name in ("coast_natu975", "highway_gre37", "street_par29"):
        write.photo(tmp_path / "Images" / SCENES / f"{name}.jpg")
        semantic = write.values([0, 1, 28, 33])
        geometric = write.values([-1, 1, 2, 3], dtype="int16")
        write.mat(tmp_path / "SemanticLabels" / SCENES / f"{name}.mat", S=semantic)
        write.mat(tmp_path / "GeoLabels" / SCENES / f"{name}.mat", S=geometric)
    write.text(tmp_path / "trainval.txt", "coast_natu975", "highway_gre37")
    write.text(tmp_path / "test.txt", "street_par29")
    return tmp_path


def test_semantic(root, write, same_in_batches):
    train = data.load("siftflow", root, split="trainval")
    assert train.names == ("coast_natu975", "highway_gre37")
    names = train.labels.names
    assert len(names) == 33 and (names[0], names[27], names[32]) == ("awning", "sky", "window")
    np.testing.assert_array_equal(train[0][1], write.values([255, 0, 27, 32]))
    same_in_batches(train)
    assert data.load("siftflow", root, split="test").names == ("street_par29",)
    assert data.load("siftflow", root, split="train").names == train.names


def test_geometric(root, write, same_in_batches):
    for dataset in (
        data.load("siftflow", root, split="test", task="geometric"),
        load_dataset(f"siftflow:{root},task=geometric", "test"),
    ):
        assert dataset.labels.names == ("sky", "horizontal", "vertical")
        np.testing.assert_array_equal(dataset[0][1], write.values([255, 0, 1, 2]))
        same_in_batches(dataset)


def test_wrong_values(root, write):
    path = root / "SemanticLabels" / SCENES / "street_par29.mat"
    for value in (34, -1):
        write.mat(path, S=write.values([1, value], dtype="int16"))
        with pytest.raises(data.LabelError, match=rf"street_par29.mat holds the label {value};"):
            data.load("siftflow", root, split="test")[0]
    write.mat(path, labels=write.values([1]))
    with pytest.raises(ValueError, match=r"holds \['labels'\]; S was expected"):
        data.load("siftflow", root, split="test")[0]


def test_refuses(root, tmp_path):
    with pytest.raises(ValueError, match="semantic or geometric, got 'depth'"):
        data.load("siftflow", root, task="depth")
    with pytest.raises(ValueError, match=r"no split 'val'.*\['trainval', 'test'\]"):
        data.load("siftflow", root, split="val")
    (root / "GeoLabels" / SCENES / "street_par29.mat").unlink()
    with pytest.raises(FileNotFoundError, match=r"street_par29.*SiftFlowDataset\.zip"):
        data.load("siftflow", root, split="test", task="geometric")
    for name in ("trainval", "test"):
        (root / f"{name}.txt").unlink()
    with pytest.raises(FileNotFoundError, match=r"trainval\.txt was expected.*github"):
        data.load("siftflow", root)


def test_check_data(root, check_data):
    code, printed = check_data(f"siftflow:{root}")
    assert code == 0 and "2 in trainval, 1 in test" in printed
    assert "Never occurs:" in printed and "cow" in printed
