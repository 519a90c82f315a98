"""SBD's struct masks, and seg11valid: VOC2011's val without SBD's train."""

import numpy as np
import pytest

from fcn_keras import data
from fcn_keras.cli.sources import load_dataset

TRAIN, VAL = ("2008_000002", "2008_000008"), ("2008_000015",)
VALUES = [0, 5, 20]


@pytest.fixture
def sbd(tmp_path, write):
    folder = tmp_path / "benchmark_RELEASE" / "dataset"
    for name in (*TRAIN, *VAL):
        write.photo(folder / "img" / f"{name}.jpg")
        struct = {
            "Segmentation": write.values(VALUES),
            "Boundaries": np.zeros((20, 1)),
            "CategoriesPresent": np.array([[5], [20]]),
        }
        write.mat(folder / "cls" / f"{name}.mat", GTcls=struct)
        write.mat(folder / "inst" / f"{name}.mat", GTinst={"Segmentation": write.values([0, 1])})
    write.text(folder / "train.txt", *TRAIN)
    write.text(folder / "val.txt", *VAL)
    return tmp_path / "benchmark_RELEASE"


@pytest.fixture
def kit(tmp_path, write):
    for year in (2011, 2012):
        edition = tmp_path / "VOCdevkit" / f"VOC{year}"
        names = (TRAIN[1], "2009_000001", *(["2010_000003"] if year == 2012 else []))
        for name in names:
            write.photo(edition / "JPEGImages" / f"{name}.jpg")
            write.png(edition / "SegmentationClass" / f"{name}.png", write.values([0, 15, 255]))
        write.text(edition / "ImageSets" / "Segmentation" / "val.txt", *names)
        write.text(edition / "ImageSets" / "Segmentation" / "train.txt", TRAIN[0])
    return tmp_path / "VOCdevkit"


@pytest.mark.parametrize("inside", ["", "dataset", ".."])
def test_splits_and_labels(sbd, inside, write):
    train = data.load("sbd", sbd / inside)
    assert train.names == TRAIN and train.labels.num_classes == 21
    assert train.labels.names[20] == "tvmonitor"
    image, label = train[0]
    assert image.shape == (20, 30, 3) and label.dtype == np.uint8
    np.testing.assert_array_equal(label, write.values(VALUES))
    assert data.load("sbd", sbd / inside, split="val").names == VAL


def test_batches(sbd, same_in_batches):
    same_in_batches(data.load("sbd", sbd))


def test_seg11valid_is_vocs_val_without_sbds_train(sbd, kit):
    for dataset in (
        data.load("voc", kit, split="seg11valid", sbd=sbd),
        data.load("sbd", sbd, split="seg11valid", voc=kit),
        load_dataset(f"voc:{kit},sbd={sbd}", "seg11valid"),
        load_dataset(f"sbd:{sbd},voc={kit}", "seg11valid"),
    ):
        assert dataset.names == ("2009_000001",)
        assert "VOC2011" in str(dataset.images[0])
        assert set(np.unique(dataset[0][1])) == {0, 15, 255}


@pytest.mark.parametrize(("kept", "right"), [(736, True), (740, False)])
def test_seg11valid_is_counted_where_the_lists_are_whole(sbd, kit, write, kept, right):
    """VOC2012's val gives another number, and so does a changed list."""
    train = [f"2008_{number:06}" for number in range(8498)]
    val = [*train[: 1111 - kept], *(f"2009_{number:06}" for number in range(kept))]
    write.text(sbd / "dataset" / "train.txt", *train)
    write.text(kit / "VOC2011" / "ImageSets" / "Segmentation" / "val.txt", *val)
    if right:
        from fcn_keras.data import voc

        assert len(voc.load(kit, "seg11valid", sbd=sbd).names) == 736
    else:
        with pytest.raises(ValueError, match="holds 740 images instead of 736"):
            data.load("voc", kit, split="seg11valid", sbd=sbd)


def test_seg11valid_names_what_is_missing(sbd, kit):
    with pytest.raises(ValueError, match="sbd=DIR"):
        data.load("voc", kit, split="seg11valid")
    with pytest.raises(ValueError, match="voc=DIR"):
        data.load("sbd", sbd, split="seg11valid")
    with pytest.raises(FileNotFoundError, match=r"VOC2011.*host\.robots"):
        data.load("voc", kit / "VOC2012", split="seg11valid", sbd=sbd)
    with pytest.raises(FileNotFoundError, match=r"benchmark_RELEASE.*berkeley\.edu"):
        data.load("voc", kit, split="seg11valid", sbd=kit)


def test_wrong_values(sbd, write):
    path = sbd / "dataset" / "cls" / f"{TRAIN[1]}.mat"
    write.mat(path, GTcls={"Segmentation": write.values([0, 21])})
    train = data.load("sbd", sbd)
    with pytest.raises(data.LabelError, match=rf"{TRAIN[1]}.mat holds the label 21.*0 to 20"):
        train[1]
    with pytest.raises(Exception, match=rf"{TRAIN[1]}.mat holds the label 21"):
        list(train.batches(1))


def test_files_that_are_no_masks(sbd, write):
    path = sbd / "dataset" / "cls" / f"{TRAIN[0]}.mat"
    train = data.load("sbd", sbd)
    write.mat(path, GTinst={"Segmentation": write.values([0])})
    with pytest.raises(ValueError, match=rf"{TRAIN[0]}.mat holds \['GTinst'\]; GTcls.Segm"):
        train[0]
    write.mat(path, GTcls={"Segmentation": write.values([0.5], dtype="float64")})
    with pytest.raises(ValueError, match="whole numbers"):
        train[0]
    path.write_bytes(path.read_bytes()[:150])
    with pytest.raises(ValueError, match=f"{TRAIN[0]}.mat cannot be read as a MATLAB file"):
        train[0]


def test_missing_files_and_splits(sbd, tmp_path):
    with pytest.raises(ValueError, match=r"no split 'test'.*\['train', 'val'\]"):
        data.load("sbd", sbd, split="test")
    with pytest.raises(FileNotFoundError, match=r"nowhere was expected.*benchmark\.tgz"):
        data.load("sbd", tmp_path / "nowhere")
    (sbd / "dataset" / "cls" / f"{TRAIN[0]}.mat").unlink()
    with pytest.raises(FileNotFoundError, match=rf"{TRAIN[0]}.*1 of 2.*cls/.*{TRAIN[0]}\.mat"):
        data.load("sbd", sbd)


def test_check_data(sbd, check_data):
    code, printed = check_data(f"sbd:{sbd}")
    assert code == 0 and "2 in train, 1 in val" in printed and "tvmonitor" in printed
    (sbd / "dataset" / "cls" / f"{VAL[0]}.mat").unlink()
    code, printed = check_data(f"sbd:{sbd}")
    assert code == 1
