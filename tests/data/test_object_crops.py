"""Crops around objects: whole objects in the middle, one grid for image and mask, other objects.

An image of floats whose channels are its own rows and columns shows where each pixel was read.
"""

import numpy as np
import pytest

import fcn_keras
from fcn_keras.data import Augmentation, Dataset, MultiTaskDataset
from fcn_keras.data.object_crops import OTHERS, layout, random_object, surroundings_size
from fcn_keras.training import Recipe
from fcn_keras.training.progressive_resizing import at_half_size

HEIGHT, WIDTH, VOID = 60, 80, 255
LABELS = fcn_keras.LabelSet(("background", "disc", "bar"))
DISC, OTHER_DISC, BAR = (5, 10, 25, 30), (40, 60, 52, 72), (35, 5, 45, 45)
CROP = (28, 28)


def label():
    found = np.zeros((HEIGHT, WIDTH), "uint8")
    for value, (top, left, bottom, right) in ((1, DISC), (1, OTHER_DISC), (2, BAR)):
        found[top:bottom, left:right] = value
    found[4, 10:30] = VOID  # an outline that nobody labelled
    found[1, 70:73] = 2  # a speck
    return found


def dataset(target=None, count=1):
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    image = np.stack([rows, columns, 0 * rows + 1], -1).astype("float32")
    target = label() if target is None else target
    names = tuple(map(str, range(count)))
    return Dataset("map", "train", LABELS, names, (image,) * count, (target,) * count)


def crops(count=40, data=None, crop=CROP, **options):
    batches = (data or dataset()).batches(1, shuffle=False, crop=crop, **options).repeat(count)
    pairs = [(image[0], target[0]) for image, target in batches.as_numpy_iterator()]
    return [np.stack(part) for part in zip(*pairs, strict=True)]


def test_the_enlarged_box_fills_its_surroundings_along_one_axis():
    first, extent, place, inner = layout((20, 30, 30, 50), (100, 100), (50, 50), 1.2)
    assert (extent == 24).all() and (inner == 50).all() and (place == 0).all()  # 20 x 1.2
    assert tuple(first) == (25 - 12, 40 - 12)  # the middle of the box less half of it


@pytest.mark.parametrize("seed", range(20))
def test_the_part_within_the_image_stays_where_it_is_in_the_surroundings(seed):
    rng = np.random.default_rng(seed)
    size, window = rng.integers(8, 200, 2), rng.integers(8, 300, 2)
    corners = np.sort([rng.integers(0, size), rng.integers(0, size) + 1], axis=0)
    box, margin = corners.ravel(), rng.uniform(1, 2)
    first, extent, place, inner = layout(box, size, window, margin)
    assert (first >= 0).all() and (extent >= 1).all() and (first + extent <= size).all()
    assert (place >= 0).all() and (inner >= 1).all() and (place + inner <= window).all()
    assert (first <= box[:2]).all() and (box[2:] <= first + extent).all()  # the object is whole
    step = ((box[2:] - box[:2]) * margin / window).max()
    middle = place + ((box[:2] + box[2:]) / 2 - first) / step
    assert (np.abs(middle - window / 2) <= 1 + 1 / step).all()


@pytest.mark.parametrize("objects", OTHERS)
def test_each_crop_holds_a_whole_object_and_the_masks_of_others_as_asked(objects):
    images, labels = crops(objects=objects)
    seen = set()
    for image, found in zip(images, labels, strict=True):
        inside = image[..., 2] == 1
        rows, columns = image[..., 0], image[..., 1]
        # Nearest neighbour and bilinear on one grid.
        at = np.rint(rows).astype(int), np.rint(columns).astype(int)
        clear = inside & (np.abs(rows - at[0]) < 0.4) & (np.abs(columns - at[1]) < 0.4)
        true = np.where(inside, label()[np.where(inside, at[0], 0), np.where(inside, at[1], 0)], 0)
        assert (found[~inside] == VOID).all()
        # The crop's place is random: it may cut off up to a fortieth of the object.
        read = [(axis[inside].min() - 1, axis[inside].max() + 2) for axis in (rows, columns)]
        whole = {
            n: all(low <= box[k] and box[k + 2] <= high for k, (low, high) in enumerate(read))
            for n, box in enumerate((DISC, OTHER_DISC, BAR))
        }
        assert any(whole.values())
        seen |= {n for n, there in whole.items() if there}
        if objects == "all":
            np.testing.assert_array_equal(found[clear], true[clear])
            continue
        (value,) = set(np.unique(found)) - {0, VOID}
        own = found == value
        np.testing.assert_array_equal(found[clear & own], true[clear & own])
        others = clear & ~own & (true > 0) & (true != VOID)
        assert (found[others] == {"background": 0, "void": VOID}[objects]).all()
        assert (found[clear & (true == VOID)] == VOID).all()
        assert (found[clear & (true == 0)] == 0).all()
    assert seen == {0, 1, 2}


def test_the_object_has_the_papers_share_of_its_crop():
    """A box times 1.2 is 250 pixels, of which a crop has 224."""
    only = np.zeros((HEIGHT, WIDTH), "uint8")
    only[20:40, 30:50] = 1
    _, labels = crops(data=dataset(only), crop=(224, 224), objects="all", count=8)
    assert surroundings_size((224, 224)) == (250, 250)
    wide = [np.ptp(np.nonzero(found == 1)[1]) + 1 for found in labels]
    assert np.abs(np.array(wide) - 250 / 1.2).max() <= 7  # whole pixels of the image are 10
    places = {np.nonzero(found == 1)[1].min() for found in labels}
    assert len(places) > 3 and max(places) <= 250 - 224
    _, labels = crops(data=dataset(only), crop=(64, 64), objects="all", count=2, object_margin=2)
    assert np.abs((labels == 1).sum() / 2 / 64**2 - (250 / 224 / 2) ** 2) < 0.03


def test_touching_objects_of_one_class_are_one_and_specks_are_none():
    drawn = [random_object(label(), number, "all", VOID)[0] for number in range(30)]
    assert set(drawn) == {DISC, OTHER_DISC, BAR}
    corner = np.zeros((40, 40), "uint8")
    corner[5:15, 5:15] = corner[15:25, 15:25] = 1  # they share a corner
    assert random_object(corner, 0, "all", VOID)[0] == (5, 5, 25, 25)
    assert random_object(np.zeros((9, 9), "uint8"), 0, "all", VOID)[0] is None


def test_an_image_without_an_object_is_taken_whole():
    images, labels = crops(4, dataset(np.zeros((HEIGHT, WIDTH), "uint8")), objects="background")
    inside = images[..., 2] == 1
    assert (labels[inside] == 0).all() and (labels[~inside] == VOID).all()
    scale = 28 * 250 / 224 / WIDTH
    assert abs(inside.mean() * 28 * 28 - 28 * HEIGHT * scale) < 3 * 28


def test_the_seed_chooses_the_objects_and_epochs_differ():
    first, again = (crops(12, objects="all", seed=3)[0] for _ in range(2))
    np.testing.assert_array_equal(first, again)
    other = crops(12, objects="all", seed=4)[0]
    assert (first != other).any() and len(np.unique(first.reshape(12, -1), axis=0)) > 8


def test_a_scale_is_a_factor_on_the_resized_box():
    plain = crops(20, objects="all", augment=Augmentation(False))[0]
    large = crops(20, objects="all", augment=Augmentation(False, scale=(2.0, 2.0)))[0]
    step = [np.median(np.diff(images[..., 14, :, 1])) for images in (plain, large)]
    assert step[0] == pytest.approx(2 * step[1], rel=0.2)
    recipe = Recipe(crop=(64, 64), objects="all", half_size=0.5, augment={"scale": (0.5, 2.0)})
    small = at_half_size(recipe, dataset())
    assert small.crop == (32, 32) and small.augment.scale == (0.5, 2.0)


@pytest.mark.parametrize(
    "options, words",
    [
        ({"crop": None, "objects": "all"}, "crop=None takes whole images"),
        ({"objects": "one"}, "`objects` must be one of 'all', 'background', 'void'"),
        ({"objects": "all", "object_margin": 0.5}, "`object_margin` must be"),
    ],
)
def test_refusals(options, words):
    with pytest.raises(ValueError, match=words):
        dataset().batches(1, **{"crop": CROP, **options})


def test_data_without_one_mask_of_classes_is_refused():
    task = fcn_keras.tasks.Regression("distance")
    image, values = np.zeros((9, 9, 3), "uint8"), np.zeros((9, 9), "float32")
    far = Dataset("far", "train", task, ("it",), (image,), (values,))
    with pytest.raises(ValueError, match="found in masks of classes, and the task is"):
        far.batches(1, crop=CROP, objects="all")
    with pytest.raises(ValueError, match="`objects` is for one output of classes; there are a, b"):
        MultiTaskDataset({"a": dataset(), "b": dataset()}).batches(1, crop=CROP, objects="all")
    with pytest.raises(ValueError, match="objects='all' takes crops around objects"):
        Recipe(crop=None, objects="all")
