"""NYUDv2: values 0 to 40 in .mat files, images in colour or HHA, depth by `read_depth`."""

import numpy as np
import pytest

from fcn_keras import data
from fcn_keras.data.nyud import read_depth


@pytest.fixture
def root(tmp_path, write):
    for number in (5003, 5004, 5001):
        for folder in ("images", "hha"):
            write.photo(tmp_path / "data" / folder / f"img_{number}.png")
        depth = np.arange(600, dtype="uint16").reshape(20, 30) * 100
        write.png(tmp_path / "data" / "depth" / f"img_{number}.png", depth)
        labels = write.values([0, 1, 40])
        write.mat(tmp_path / "segmentation" / f"img_{number}.mat", segmentation=labels)
    for split, number in (("train", "5003"), ("val", "5004"), ("test", "5001")):
        write.text(tmp_path / f"{split}.txt", number)
    write.photo(tmp_path / "data" / "hha" / "img_5003.png")
    return tmp_path


def test_labels(root, write, same_in_batches):
    train = data.load("nyud", root)
    names = train.labels.names
    assert len(names) == 40 and (names[0], names[24], names[39]) == (
        "wall", "television", "otherprop",
    )  # fmt: skip
    np.testing.assert_array_equal(train[0][1], write.values([255, 0, 39]))
    same_in_batches(train)
    assert data.load("nyud", root, split="test").names == ("5001",)
    assert data.load("nyud", root, split="trainval").names == ("5003", "5004")


def test_inputs(root, write):
    other = root / "data" / "hha" / "img_5001.png"
    write.png(other, np.full((20, 30, 3), 7, "uint8"))
    image, _ = data.load("nyud", root, split="test", inputs="hha")[0]
    assert (image == 7).all()
    assert not (data.load("nyud", root, split="test")[0][0] == 7).all()
    with pytest.raises(ValueError, match=r"color or hha, got 'depth'.*read_depth"):
        data.load("nyud", root, inputs="depth")


def test_depth(root, write):
    depth = read_depth(root, "5004")
    assert depth.dtype == np.float32
    np.testing.assert_array_equal(depth.ravel(), 100.0 * np.arange(600))
    with pytest.raises(FileNotFoundError, match=r"depth/img_9\.png was expected.*nyud\.tar\.gz"):
        read_depth(root, "9")
    write.photo(root / "data" / "depth" / "img_5004.png")
    with pytest.raises(ValueError, match="one channel"):
        read_depth(root, "5004")


def test_depth_as_the_target(root):
    test = data.load("nyud", root, split="test", target="depth")
    assert str(test.task) == "depth in m"
    depth = test[0][1].ravel()
    assert np.isnan(depth[0])
    np.testing.assert_allclose(depth[1:], 0.1 * np.arange(1, 600), rtol=1e-6)
    classes = data.load("nyud", root, split="test")
    image, targets = data.MultiTaskDataset({"class": classes, "depth": test})[0]
    assert image.shape[:2] == targets["class"].shape == targets["depth"].shape
    with pytest.raises(ValueError, match="`target` must be .*got 'hha'"):
        data.load("nyud", root, target="hha")


def test_wrong_values_and_missing_files(root, write):
    path = root / "segmentation" / "img_5001.mat"
    write.mat(path, segmentation=write.values([41]))
    with pytest.raises(data.LabelError, match=r"img_5001.mat holds the label 41"):
        data.load("nyud", root, split="test")[0]
    path.unlink()
    message = r"mask of '5001'.*segmentation.*nyud\.tar\.gz.*img_5001\.mat"
    with pytest.raises(FileNotFoundError, match=message):
        data.load("nyud", root, split="test")
    with pytest.raises(ValueError, match=r"no split 'all'.*\['train', 'val', 'test'\]"):
        data.load("nyud", root, split="all")


def test_check_data(root, check_data):
    code, printed = check_data(f"nyud:{root},inputs=hha")
    assert code == 0 and "1 in train, 1 in val, 1 in test" in printed
