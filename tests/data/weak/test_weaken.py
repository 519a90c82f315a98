"""Weak labels made from masks, against what the masks hold."""

import numpy as np
import pytest

from fcn_keras.data import Dataset, joined, weaken
from fcn_keras.data.weak.boxes import Box, painted
from fcn_keras.labels import LabelSet
from fcn_keras.metrics.components import components
from fcn_keras.tasks import Regression

LABELS = LabelSet(("background", "cat", "dog"))
VOID = 255


def mask(seed=0, size=(60, 80)):
    """Two cats, one of which is an L, and a dog that has the edge of the image."""
    label = np.zeros(size, "uint8")
    label[5:40, 5:13] = label[32:40, 5:35] = 1
    label[4:14, 60:72] = 1
    label[45:60, 30 + seed : 80] = 2
    label[43:45, 30:80] = VOID
    return label


@pytest.fixture
def full():
    labels = [mask(seed) for seed in range(3)]
    images = [np.full((*label.shape, 3), 10 * n, "uint8") for n, label in enumerate(labels)]
    return Dataset("pets", "train", LABELS, ("a", "b", "c"), images, labels)


def test_tags_and_sizes_are_what_the_mask_holds(full):
    data = weaken(full, to="tags")
    np.testing.assert_array_equal(data.read_tags(0), [1, 1, 1])
    assert (data[0][1] == VOID).all() and data[0][1].shape == (60, 80)
    share = [(mask() == label).mean() for label in range(3)]
    sizes = weaken(full, to="sizes", large=0.12).read_tags(0)
    np.testing.assert_array_equal(sizes, [2 if one > 0.12 else 1 for one in share])
    assert {*sizes} == {1, 2}


def test_boxes_are_the_tight_ones_and_are_painted(full):
    data = weaken(full, to="boxes")
    boxes = [(1, 5, 5, 40, 35), (1, 4, 60, 14, 72), (2, 45, 30, 60, 80)]
    assert sorted(data.read_boxes(0)) == sorted(boxes)
    expected = np.zeros((60, 80), "uint8")
    for label, top, left, bottom, right in boxes:
        expected[top:bottom, left:right] = label
    np.testing.assert_array_equal(data[0][1], expected)


def test_smaller_boxes_lie_over_larger_ones_and_end_at_the_map():
    boxes = [Box(2, 2, 2, 4, 4), Box(1, 0, 0, 9, 9)]
    label = painted(boxes, (6, 6), outside=VOID)
    assert (label[2:4, 2:4] == 2).all() and (label == 1).sum() == 36 - 4


@pytest.mark.parametrize("form", ["points", "scribbles"])
def test_each_object_and_the_background_has_one_mark_inside_of_it(full, form):
    marks, label = weaken(full, to=form, seed=3)[0][1], mask()
    drawn = marks != VOID
    np.testing.assert_array_equal(marks[drawn], label[drawn])
    for value, count in ((0, 1), (1, 2), (2, 1)):
        parts = components(marks == value, connectivity=8)
        assert parts.max() == count
        if value:
            objects = components(label == value)
            assert {*objects[marks == value]} == set(range(1, count + 1))
    assert drawn.mean() < (0.05 if form == "points" else 0.2)


def test_points_keep_away_from_borders(full):
    from scipy import ndimage

    data = weaken(full, to="points", radius=0)
    marks, label = data[0][1], mask()
    assert (marks != VOID).sum() == 4
    depth = ndimage.distance_transform_edt(np.pad(label == 2, 1))[1:-1, 1:-1]
    assert depth[marks == 2].item() >= depth.max() / 2


def test_a_scribble_runs_through_its_object(full):
    """Along the L it reaches both ends; a third of it is shorter."""
    marks = weaken(full, to="scribbles")[0][1]
    rows, columns = np.nonzero((marks == 1) & (np.arange(80) < 50))
    assert np.ptp(rows) > 20 and np.ptp(columns) > 15
    short = weaken(full, to="scribbles", length=0.3)[0][1]
    assert 0 < (short == 1).sum() < 0.6 * (marks == 1).sum()


def test_labels_follow_from_seed_and_name_alone(full):
    data = weaken(full, to="points", seed=5)
    first = [label for _, label in data]
    again = weaken(full, to="points", seed=5).at([2, 0])
    np.testing.assert_array_equal(again[0][1], first[2])
    np.testing.assert_array_equal(again[1][1], first[0])
    assert (weaken(full, to="points", seed=6)[0][1] != first[0]).any()
    np.testing.assert_array_equal(data.select("b")[0][1], first[1])


def test_without_a_background_every_class_has_objects(full):
    data = weaken(full, to="boxes", background=False)
    assert Box(0, 0, 0, 60, 80) in data.read_boxes(0)
    points = weaken(full, to="points", background=False)[0][1]
    assert {*np.unique(points)} == {0, 1, 2, VOID}


def test_small_objects_are_left_out(full):
    assert len(weaken(full, to="boxes", smallest=121).read_boxes(0)) == 2


def test_batches_of_points_are_label_maps(full):
    data = weaken(full, to="points")
    images, labels = next(data.batches(3).as_numpy_iterator())
    assert images.shape == (3, 60, 80, 3) and labels.shape == (3, 60, 80)
    np.testing.assert_array_equal(labels[1], data[1][1])


def test_batches_of_tags_allow_the_tags_and_nothing_outside_the_image(full):
    sizes = weaken(full, to="sizes", large=0.12)
    images, allowed = next(sizes.batches(2, crop=(70, 80)).as_numpy_iterator())
    assert allowed.shape == (2, 70, 80, 3) and allowed.dtype == np.uint8
    outside = (images == 116).all(-1)
    assert outside.sum() == 2 * 10 * 80
    assert (allowed[outside] == 0).all()
    np.testing.assert_array_equal(np.unique(allowed[~outside], axis=0), [[2, 1, 2]])


def test_a_batch_holds_masks_and_weak_labels(full):
    """Masks have one class a pixel and none in void, boxes the background beside their class."""
    weak = weaken(full, to="boxes").at([1])
    both = joined([full.at([0]), weak, weaken(full, to="points", radius=0).at([2])])
    allowed = next(both.batches(3, allowed=True).as_numpy_iterator())[1]
    label = mask()
    np.testing.assert_array_equal(allowed[0].sum(-1), label != VOID)
    assert (allowed[0].argmax(-1)[label != VOID] == label[label != VOID]).all()
    np.testing.assert_array_equal(allowed[1][5, 5], [1, 1, 0])
    np.testing.assert_array_equal(allowed[1][0, 0], [1, 0, 0])
    assert (allowed[2].sum(-1) == 1).sum() == 4 and (allowed[2].sum(-1) == 3).sum() == 60 * 80 - 4


def test_what_cannot_be_weakened_is_refused(full):
    with pytest.raises(ValueError, match="`to` must be one of 'tags'.*got 'clicks'"):
        weaken(full, to="clicks")
    with pytest.raises(ValueError, match="of masks, got a WeakDataset"):
        weaken(weaken(full, to="tags"), to="boxes")
    values = Dataset("v", "train", Regression(), ("a",), [np.zeros((4, 4, 3), "uint8")],
                     [np.zeros((4, 4), "float32")])  # fmt: skip
    with pytest.raises(ValueError, match="masks of classes; the task of v"):
        weaken(values, to="tags")
    with pytest.raises(ValueError, match="Weak labels do not tell where objects are"):
        weaken(full, to="tags").batches(1, crop=(8, 8), objects="all")
