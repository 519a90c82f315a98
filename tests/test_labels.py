"""LabelSet: names, palette, void, and what is written to a file."""

import dataclasses
import json

import numpy as np
import pytest

from fcn_keras.labels import VOID_COLOR, LabelSet, voc_palette

# The first colours of PASCAL VOC's development kit, as its class legend shows them.
VOC = (
    (0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0), (0, 0, 128), (128, 0, 128),
    (0, 128, 128), (128, 128, 128), (64, 0, 0), (192, 0, 0), (64, 128, 0), (192, 128, 0),
    (64, 0, 128), (192, 0, 128), (64, 128, 128), (192, 128, 128), (0, 64, 0), (128, 64, 0),
    (0, 192, 0), (128, 192, 0), (0, 64, 128),
)  # fmt: skip


def test_palette_is_the_development_kits():
    assert voc_palette(21) == VOC
    assert voc_palette(256)[255] == (224, 224, 192) == VOID_COLOR
    assert len(set(voc_palette(256))) == 256


def test_defaults():
    labels = LabelSet(("road", "sky"))
    assert labels.num_classes == 2
    assert labels.palette == VOC[:2]
    assert labels.ignore == 255
    assert labels.dtype is np.uint8


@pytest.mark.parametrize(("count", "ignore", "dtype"), [
    (255, 255, np.uint8), (256, 65535, np.uint16), (300, 65535, np.uint16),
])  # fmt: skip
def test_void_lies_above_the_classes(count, ignore, dtype):
    labels = LabelSet.numbered(count)
    assert (labels.ignore, labels.dtype) == (ignore, dtype)
    assert labels.names[:2] == ("class 0", "class 1")


@pytest.mark.parametrize(("arguments", "message"), [
    ((("road", "road"),), "road"),
    (((),), "no names"),
    ((("a", "b"), ((0, 0, 0),)), "2 classes"),
    ((("a", "b"), None, 1), "'b'"),
])  # fmt: skip
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        LabelSet(*arguments)


def test_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        LabelSet(("a",)).names = ("b",)


def test_colorize():
    labels = LabelSet(("a", "b"), ((1, 2, 3), (4, 5, 6)))
    painted = labels.colorize(np.array([[0, 1, 255]]))
    assert painted.dtype == np.uint8
    assert painted.tolist() == [[[1, 2, 3], [4, 5, 6], list(VOID_COLOR)]]


@pytest.mark.parametrize("value", [2, -1, 300])
def test_colorize_refuses_what_is_no_class(value):
    with pytest.raises(ValueError, match=f"{value}.*2 classes.*255"):
        LabelSet(("a", "b")).colorize(np.array([[0, value]]))


def test_config_is_json_and_comes_back(tmp_path):
    labels = LabelSet(("a", "b"), ((1, 2, 3), (4, 5, 6)), 7)
    assert LabelSet.from_config(json.loads(json.dumps(labels.to_config()))) == labels
    labels.save(tmp_path / "labels.json")
    assert LabelSet.load(tmp_path / "labels.json") == labels
