"""Rotation and elastic deformation, against SciPy's interpolation and recomputed displacements.

An image of floats whose channels are its own rows and columns shows where each pixel was read.
"""

import numpy as np
import pytest
from scipy import ndimage

from fcn_keras.data import Augmentation, Dataset
from fcn_keras.labels import LabelSet
from fcn_keras.tasks import Regression

HEIGHT, WIDTH, VOID = 48, 60, 255


def dataset(image=None, label=None):
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    if image is None:
        image = np.stack([rows, columns, 0 * rows], -1).astype("float32")
    label = columns if label is None else label
    return Dataset("map", "train", LabelSet.numbered(WIDTH), ("it",), (image,), (label,))


def windows(data, count, seed=0, **options):
    batches = data.batches(1, seed=seed, shuffle=False, **options).repeat(count)
    pairs = [(image[0], label[0]) for image, label in batches.as_numpy_iterator()]
    return [np.stack(part) for part in zip(*pairs, strict=True)]


def unmirrored(places, count):
    """The coordinates in the image that mirrored coordinates were read at."""
    places = np.mod(places + 0.5, 2 * count)
    return np.clip(np.minimum(places, 2 * count - places) - 0.5, 0, count - 1)


def keys(away, a=-0.5):
    """Keys's bicubic kernel."""
    away = np.abs(away)
    near = (a + 2) * away**3 - (a + 3) * away**2 + 1
    far = a * away**3 - 5 * a * away**2 + 8 * a * away - 4 * a
    return np.where(away <= 1, near, np.where(away < 2, far, 0))


def bicubic(count):
    """The share of each of three nodes at `count` places; beyond the ends the nodes repeat."""
    shares = np.zeros((count, 3))
    for place, at in enumerate(np.linspace(0, 2, count)):
        for node in range(-1, 4):
            shares[place, min(max(node, 0), 2)] += keys(at - node)
    return shares


@pytest.mark.parametrize("augment", [
    Augmentation(False, rotate=180), Augmentation(False, elastic=6),
    Augmentation(False, (0.5, 2.0), rotate=30, elastic=3),
])  # fmt: skip
def test_image_is_bilinear_and_mask_nearest_at_the_same_places(augment):
    """The places come from the map of itself; SciPy reads a busy image there."""
    rng = np.random.default_rng(1)
    busy = rng.integers(0, 256, (HEIGHT, WIDTH, 3)).astype("uint8")
    label = rng.integers(0, WIDTH, (HEIGHT, WIDTH))
    places, columns = windows(dataset(), 6, augment=augment)
    images, labels = windows(dataset(busy, label), 6, augment=augment)
    assert set(np.unique(labels)) <= {*np.unique(label), VOID}
    checked = 0
    for (row, column, _), found, shown, inside in zip(
        np.moveaxis(places, -1, 1), images, labels, columns != VOID, strict=True
    ):
        for channel in range(3):
            expected = ndimage.map_coordinates(
                busy[..., channel].astype("float64"), (row, column), order=1, mode="nearest"
            )
            assert np.abs(found[..., channel] - expected).max() <= 0.5 + 0.02
        sure = inside & (np.abs(row % 1 - 0.5) > 1e-3) & (np.abs(column % 1 - 0.5) > 1e-3)
        rows, cols = np.rint(row[sure]).astype(int), np.rint(column[sure]).astype(int)
        np.testing.assert_array_equal(shown[sure], label[rows, cols])
        checked += sure.mean() / 6
    assert checked > 0.5


def test_outside_the_image_are_its_mirror_image_and_void():
    """Twice the window: what is shown beyond the edges, NumPy mirrors."""
    options = {"crop": (2 * HEIGHT, 2 * WIDTH), "augment": Augmentation(False, rotate=1e-9)}
    images, labels = windows(dataset(), 3, **options)
    assert len({image[0, 0, 0] for image in images}) > 1
    for image, label in zip(images, labels, strict=True):
        assert (label != VOID).sum() == HEIGHT * WIDTH
        top, left = np.argwhere(label != VOID)[0]
        rows = unmirrored(np.arange(2 * HEIGHT) - top, HEIGHT)
        columns = unmirrored(np.arange(2 * WIDTH) - left, WIDTH)
        expected = np.stack(np.meshgrid(rows, columns, indexing="ij"), -1)
        assert np.abs(image[..., :2] - expected).max() <= 0.51  # the window may lie between pixels


def test_displacements_are_bicubic_from_nine_normal_vectors():
    sigma, found = 2.0, []
    data = dataset()
    crop = (24, 30)
    images, labels = windows(data, 60, crop=crop, augment=Augmentation(False, elastic=sigma))
    basis = np.einsum("in,jm->ijnm", bicubic(crop[0]), bicubic(crop[1])).reshape(-1, 9)
    for image, label in zip(images, labels, strict=True):
        edges = image[..., :2] == 0, image[..., :2] == (HEIGHT - 1, WIDTH - 1)
        if (label == VOID).any() or np.any(edges):
            continue
        for axis in (0, 1):
            still = np.indices(crop)[axis] - (crop[axis] - 1) / 2
            moved = (image[..., axis] - still).ravel()
            nodes, *_ = np.linalg.lstsq(basis, moved, rcond=None)
            assert np.abs(basis @ nodes - moved).max() < 1e-3
            found.append(nodes - nodes.mean())  # the mean is also where the window lies
    assert len(found) > 60
    assert np.std(found) == pytest.approx(sigma * np.sqrt(8 / 9), rel=0.1)


def test_angles_fill_the_range_and_lengths_stay():
    images, labels = windows(
        dataset(), 80, crop=(12, 12), augment=Augmentation(flip=False, rotate=40)
    )
    kept = [image for image, label in zip(images, labels, strict=True) if (label != VOID).all()]
    down = np.array([image[-1, 5, :2] - image[0, 5, :2] for image in kept]) / 11
    np.testing.assert_allclose(np.hypot(*down.T), 1, atol=1e-4)
    angles = np.degrees(np.arctan2(down[:, 1], down[:, 0]))
    assert np.abs(angles).max() <= 40 and angles.min() < -25 and angles.max() > 25


@pytest.mark.parametrize("crop", [None, (20, 30)])
def test_quarter_turns_copy_pixels(crop):
    rng = np.random.default_rng(0)
    busy = rng.integers(0, 256, (HEIGHT, WIDTH, 3)).astype("uint8")
    label = rng.integers(0, WIDTH, (HEIGHT, WIDTH))
    data = dataset(busy, label)
    seen = set()
    batches = data.batches(1, crop=crop, augment=Augmentation(False, rotate="quarters"))
    for image, labels in batches.repeat(20).as_numpy_iterator():
        image, labels = image[0], labels[0]
        if crop:
            assert labels.shape == crop
        for turn in range(4):
            turned, back = np.rot90(image, -turn), np.rot90(labels, -turn)
            tops = np.argwhere(
                (busy == turned[0, 0]).all(-1)[: HEIGHT - turned.shape[0] + 1,
                                               : WIDTH - turned.shape[1] + 1]
            )  # fmt: skip
            for top, left in tops:
                part = np.s_[top : top + turned.shape[0], left : left + turned.shape[1]]
                if np.array_equal(busy[part], turned) and np.array_equal(label[part], back):
                    seen.add(turn)
                    break
            else:
                continue
            break
        else:
            pytest.fail("a window is no part of the image in any of the four positions")
    assert seen == {0, 1, 2, 3}


def test_the_seed_draws_the_deformation():
    augment = Augmentation(rotate=90, elastic=5)
    one, again = (windows(dataset(), 3, augment=augment) for _ in range(2))
    other = windows(dataset(), 3, seed=1, augment=augment)
    np.testing.assert_array_equal(one[0], again[0])
    assert not np.array_equal(one[0], other[0]) and not np.array_equal(one[0][0], one[0][1])


def test_values_that_are_directions_are_refused():
    image = np.zeros((8, 8, 3), "uint8")
    values = np.zeros((8, 8, 2), "float32")
    task = Regression("motion", channels=2, directed=True)
    data = Dataset("moves", "train", task, ("it",), (image,), (values,))
    with pytest.raises(ValueError, match="directions in the image"):
        data.batches(1, augment=Augmentation(elastic=2.0))


@pytest.mark.parametrize("options", [
    {"rotate": "eighths"}, {"rotate": 200}, {"rotate": -1.0}, {"elastic": -1}, {"rotate": True},
    {"rotate": (-5, 5)},
])  # fmt: skip
def test_refuses(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        Augmentation(**options)
