"""Masks that number objects: their classes, their objects, and the borders drawn between them."""

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

import fcn_keras
from fcn_keras.data import Dataset, InstanceReader, WeightMaps
from fcn_keras.data.masks.instances import separation_borders
from fcn_keras.labels import LabelSet

CELLS = LabelSet(("background", "cell"))


def tissue(size=(60, 80)):
    """25 cells that fill the plane, and a hole: the nearest of points moved at random."""
    rng = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(np.arange(6, 60, 12), np.arange(8, 80, 16)), -1).reshape(-1, 2)
    points = grid + rng.uniform(-3, 3, grid.shape)
    away = np.stack([np.hypot(*(np.indices(size) - p[:, None, None])) for p in points])
    numbers = away.argmin(0) + 1
    numbers[20:23, 30:45] = 0
    return numbers.astype("uint8")


def touching(numbers, width):
    """The pixels of objects with another object in the square of `width` + 1 pixels, one by one."""
    before, after = (width + 1) // 2, width // 2
    found = np.zeros(numbers.shape, bool)
    for row, column in np.argwhere(numbers):
        window = numbers[max(row - before, 0) : row + after + 1,
                         max(column - before, 0) : column + after + 1]  # fmt: skip
        found[row, column] = len(set(window[window > 0].tolist())) > 1
    return found


@pytest.mark.parametrize("width", [1, 2, 3, 6])
def test_borders_part_all_objects(width):
    numbers = tissue()
    border = separation_borders(numbers, width)
    np.testing.assert_array_equal(border, touching(numbers, width))
    kept = np.where(border, 0, numbers)
    parts, count = ndimage.label(kept > 0)
    for part in range(1, count + 1):
        assert len(np.unique(kept[parts == part])) == 1
    middle = np.array([[1] * 9 + [2] * 9])
    assert separation_borders(middle, width).sum() == width


def folder(tmp_path, numbers, classes=None):
    for name, array in (("images", np.zeros((*numbers.shape[:2], 3), "uint8")), ("masks", numbers)):
        (tmp_path / name).mkdir()
        Image.fromarray(array).save(tmp_path / name / "a.png")
    if classes:
        (tmp_path / "classes.txt").write_text(classes)
    return tmp_path


@pytest.mark.parametrize("colours", [False, True])
def test_a_folder_of_numbered_cells(tmp_path, colours):
    numbers = tissue()
    palette = np.random.default_rng(0).integers(1, 256, (26, 3)).astype("uint8")
    palette[0] = 0
    root = folder(tmp_path, palette[numbers] if colours else numbers)
    data = fcn_keras.data.load("folder", root, split="all", separate=2)
    border = touching(numbers, 2)
    image, label = data[0]
    np.testing.assert_array_equal(label, (numbers > 0) & ~border)
    objects = data.read_objects(0)
    pairs = set(zip(objects[~border].tolist(), numbers[~border].tolist(), strict=True))
    assert len(pairs) == 26 and not objects[border].any()
    ((_, batch, weights),) = data.batches(1, weight_maps=WeightMaps()).as_numpy_iterator()
    np.testing.assert_array_equal(batch[0], label)
    assert weights[0][border].min() > 5
    plain = fcn_keras.data.load("folder", root, split="all", instances=True)
    np.testing.assert_array_equal(plain[0][1], numbers > 0)
    assert len(np.unique(plain.read_objects(0))) == 26


def test_the_numbers_of_each_class(tmp_path):
    root = folder(tmp_path, tissue(), "background = 0\negg = 1-9\ncell = 10-200\n")
    data = fcn_keras.data.load("folder", root, split="all", separate=2)
    label, objects = data.read_target(0), data.read_objects(0)
    assert set(np.unique(objects[label == 1])) == set(range(1, 10))
    assert set(np.unique(objects[label == 2])) == set(range(10, 26))


def test_arrays_in_memory_get_borders_too():
    numbers = tissue()
    reader = InstanceReader(CELLS, binary=True, separate=2)
    image = np.zeros((*numbers.shape, 3), "uint8")
    data = Dataset("made", "train", CELLS, ("a",), (image,), (numbers,), reader)
    np.testing.assert_array_equal(data[0][1], (numbers > 0) & ~touching(numbers, 2))
    assert data.read_objects(0).max() == ndimage.label(data[0][1])[1]


@pytest.mark.parametrize(("options", "classes", "message"), [
    ({"instances": True, "threshold": 128}, None, "does not go with instances"),
    ({"instances": True}, "a\nb\nc\n", "instances needs two classes"),
    ({"separate": -1}, None, "`separate` must be a whole number"),
    ({"separate": 2, "regression": "depth"}, None, "separate=2 is for classes"),
])  # fmt: skip
def test_refusals(tmp_path, options, classes, message):
    root = folder(tmp_path, tissue(), classes)
    if "regression" in options:
        options = {**options, "masks": "masks"}
    with pytest.raises(ValueError, match=message):
        fcn_keras.data.load("folder", root, split="all", **options)
