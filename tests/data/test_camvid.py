"""CamVid's original masks in 32 colours, which become the 11 classes of the SegNet tutorial."""

import numpy as np
import pytest

from fcn_keras import data
from fcn_keras.data.camvid import ORIGINAL

COLORS = [(color, group) for group, kinds in ORIGINAL.items() for color in kinds.values()]


def all_colors():
    """A mask of 32 columns, one for each colour, and its label map."""
    row = np.array([color for color, _ in COLORS], "uint8")
    groups = list(ORIGINAL)
    label = np.array([255 if g == "void" else groups.index(g) for _, g in COLORS], "uint8")
    return np.tile(row, (20, 1, 1)), np.tile(label, (20, 1))


@pytest.fixture
def original(tmp_path, write):
    for name in ("0001TP_006690", "0006R0_f00930", "Seq05VD_f00000"):
        write.photo(tmp_path / "701_StillsRaw_full" / f"{name}.png", (20, 32))
        write.png(tmp_path / "LabeledApproved_full" / f"{name}_L.png", all_colors()[0])
    return tmp_path


def test_32_colours():
    """There are 32 different colours, as in label_colors.txt; four groups are as published."""
    assert len(COLORS) == len({color for color, _ in COLORS}) == 32
    groups = dict(COLORS)
    assert groups[192, 128, 64] == groups[64, 128, 64] == "Pedestrian"  # Child, Animal
    assert groups[192, 0, 192] == "Bicyclist"  # MotorcycleScooter
    assert groups[0, 64, 64] == "SignSymbol"  # TrafficLight
    assert groups[0, 0, 0] == "void"


def test_labels(original, same_in_batches):
    every = data.load("camvid", original, split="all")
    assert every.names == ("0001TP_006690", "0006R0_f00930", "Seq05VD_f00000")
    assert every.labels.names == tuple(ORIGINAL)[:11]
    np.testing.assert_array_equal(every[0][1], all_colors()[1])
    same_in_batches(every)


def test_a_mask_of_void_alone_is_void(original, write):
    write.png(
        original / "LabeledApproved_full" / "0001TP_006690_L.png", np.zeros((20, 32, 3), "uint8")
    )
    assert (data.load("camvid", original, split="all")[0][1] == 255).all()


def test_lists(original, write):
    with pytest.raises(ValueError, match=r"no split 'train'.*train\.txt.*'all'"):
        data.load("camvid", original)
    write.text(original / "train.txt", "0006R0_f00930.png")
    assert data.load("camvid", original).names == ("0006R0_f00930",)


def test_split_into_folders(original, same_in_batches):
    (original / "701_StillsRaw_full").rename(original / "train")
    (original / "LabeledApproved_full").rename(original / "train_labels")
    train = data.load("camvid", original)
    assert len(train) == 3
    np.testing.assert_array_equal(train[2][1], all_colors()[1])


def test_wrong_colours_and_missing_masks(original, write):
    path = original / "LabeledApproved_full" / "0006R0_f00930_L.png"
    wrong = all_colors()[0]
    wrong[3, 4] = (1, 2, 3)
    write.png(path, wrong)
    with pytest.raises(data.LabelError, match=r"\(1, 2, 3\) at row 3, column 4"):
        data.load("camvid", original, split="all")[1]
    path.unlink()
    with pytest.raises(
        FileNotFoundError, match=r"0006R0_f00930.*mi\.eng\.cam.*0006R0_f00930_L\.png"
    ):
        data.load("camvid", original, split="all")


def test_check_data(original, check_data):
    code, printed = check_data(f"camvid:{original}")
    assert code == 0 and "3 in all" in printed and "Bicyclist" in printed
