"""Windows of examples: image and mask on one grid, void outside, no labels blended.

The test image is a map of itself: red tells the column, green the row, blue that it is image.
"""

import numpy as np
import pytest

from fcn_keras.data import Augmentation, Dataset
from fcn_keras.labels import LabelSet

HEIGHT, WIDTH, STEP = 40, 60, 4
BLUE, GREY, VOID = 7, 116, 255
SCALED = Augmentation(flip=False, scale=(0.5, 2.0))


def map_of_itself(along="columns"):
    """A `Dataset` of one image; the label of a pixel is its column (or row)."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    image = np.stack([STEP * columns, STEP * rows, np.full_like(rows, BLUE)], -1).astype("uint8")
    label = {"columns": columns, "rows": rows}[along]
    return Dataset("map", "train", LabelSet.numbered(WIDTH), ("it",), (image,), (label,))


def windows(count, along="columns", seed=0, **options):
    """`count` random windows, (images, labels)."""
    batches = map_of_itself(along).batches(1, seed=seed, shuffle=False, **options).repeat(count)
    images, labels = zip(*[(i[0], y[0]) for i, y in batches.as_numpy_iterator()], strict=True)
    return np.stack(images), np.stack(labels)


def bilinear(image, height, width):
    """NumPy's resize of (H, W, C): half-pixel centres, edges repeated."""
    for axis, target in ((0, height), (1, width)):
        count = image.shape[axis]
        places = np.clip((np.arange(target) + 0.5) * count / target - 0.5, 0, count - 1)
        low = np.floor(places).astype(int)
        weight = np.moveaxis((places - low).reshape(-1, 1, 1), 0, axis)
        upper = np.take(image, np.minimum(low + 1, count - 1), axis)
        image = np.take(image, low, axis) * (1 - weight) + upper * weight
    return image


@pytest.mark.parametrize(("along", "channel"), [("columns", 0), ("rows", 1)])
def test_mask_is_nearest_on_the_image_s_grid(along, channel):
    """The image gives the position between two pixels; the label is that of the nearer one."""
    images, labels = windows(60, along, crop=(32, 48), augment=SCALED)
    inside = labels != VOID
    places = images[..., channel] / STEP
    rounding = 0.5 / STEP
    assert np.abs(places - labels)[inside].max() <= 0.5 + rounding
    assert inside.mean() > 0.5


def test_outside_is_void_and_grey_together():
    images, labels = windows(60, crop=(64, 48), augment=SCALED)
    outside = labels == VOID
    assert 0 < outside.mean() < 1
    np.testing.assert_array_equal(images[outside], GREY)
    assert (images[~outside][:, 2] == BLUE).all()


def test_image_smaller_than_the_crop_is_whole():
    images, labels = windows(20, crop=(HEIGHT + 9, WIDTH + 5))
    data = map_of_itself()
    tops = set()
    for image, label in zip(images, labels, strict=True):
        rows, columns = np.nonzero(label != VOID)
        window = np.s_[rows[0] : rows[0] + HEIGHT, columns[0] : columns[0] + WIDTH]
        np.testing.assert_array_equal(image[window], data.images[0])
        np.testing.assert_array_equal(label[window], data.targets[0])
        assert (label != VOID).sum() == HEIGHT * WIDTH
        tops.add(rows[0])
    assert len(tops) > 3


def test_crop_alone_copies():
    image, label = map_of_itself()[0]
    images, labels = windows(200, crop=(38, 57))
    starts = set()
    for window, values in zip(images, labels, strict=True):
        top, left = window[0, 0, 1] // STEP, window[0, 0, 0] // STEP
        np.testing.assert_array_equal(window, image[top : top + 38, left : left + 57])
        np.testing.assert_array_equal(values, label[top : top + 38, left : left + 57])
        starts.add((top, left))
    assert starts == {(top, left) for top in range(3) for left in range(4)}


def test_scale_one_is_the_identity():
    data = map_of_itself()
    images, labels = windows(3, augment=Augmentation(flip=False, scale=(1.0, 1.0)))
    np.testing.assert_array_equal(images, np.stack([data.images[0]] * 3))
    np.testing.assert_array_equal(labels, np.stack([data.targets[0]] * 3))


@pytest.mark.parametrize("factor", [2.0, 1.25])
def test_image_is_bilinear(factor):
    """A window equals NumPy's resize of the same part of the image; the map gives the part."""
    busy = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3)).astype("uint8")
    augment = Augmentation(flip=False, scale=(factor, factor))
    part = (round(HEIGHT / factor), round(WIDTH / factor))
    lefts, tops = (windows(5, a, augment=augment)[1] for a in ("columns", "rows"))
    data = Dataset(
        "busy", "train", LabelSet(("a",)), ("it",), (busy,), (np.zeros(busy.shape[:2], "uint8"),)
    )
    shown = data.batches(1, shuffle=False, augment=augment).repeat(5).as_numpy_iterator()
    for (image, _), left, top in zip(shown, lefts, tops, strict=True):
        window = np.s_[top[0, 0] : top[0, 0] + part[0], left[0, 0] : left[0, 0] + part[1]]
        expected = bilinear(busy[window].astype("float64"), HEIGHT, WIDTH)
        assert np.abs(image[0] - expected).max() <= 0.5 + 1e-3


def test_shrunk_image_is_bilinear():
    augment = Augmentation(flip=False, scale=(0.5, 0.5))
    images, labels = windows(3, augment=augment)
    expected = bilinear(map_of_itself().images[0].astype("float64"), HEIGHT // 2, WIDTH // 2)
    for image, label in zip(images, labels, strict=True):
        found = image[label != VOID].reshape(HEIGHT // 2, WIDTH // 2, 3)
        assert np.abs(found - expected).max() <= 0.5 + 1e-3


def test_scales_fill_the_range():
    images, labels = windows(200, crop=(32, 32), augment=SCALED)
    row = images[:, 16, :, 0].astype("float64")
    inside = labels[:, 16] != VOID
    factors = [
        STEP * (i.sum() - 1) / np.ptp(r[i]) for r, i in zip(row, inside, strict=True) if i.sum() > 8
    ]
    assert 0.45 < min(factors) < 0.65
    assert 1.8 < max(factors) < 2.2


def test_flip_mirrors_both_in_half_of_the_examples():
    image, label = map_of_itself()[0]
    images, labels = windows(100, augment=Augmentation(flip=True))
    flipped = labels[:, 0, 0] != 0
    assert 35 <= flipped.sum() <= 65
    for window, values, mirrored in zip(images, labels, flipped, strict=True):
        step = -1 if mirrored else 1
        np.testing.assert_array_equal(window, image[:, ::step])
        np.testing.assert_array_equal(values, label[:, ::step])


def test_colour_is_brightness_contrast_and_saturation():
    """The map from old to new colours is linear and has the three documented factors."""
    strength = 0.2
    colors = np.random.default_rng(0).integers(90, 166, (20, 20, 3)).astype("uint8")
    data = Dataset("c", "train", LabelSet(("a",)), ("it",), (colors,), (np.zeros((20, 20), int),))
    augment = Augmentation(flip=False, color=strength)
    flat = np.c_[colors.reshape(-1, 3), np.ones(400)].astype("float64")
    factors = []
    for image, _ in data.batches(1, augment=augment).repeat(40).as_numpy_iterator():
        new = image.reshape(-1, 3).astype("float64")
        if new.min() == 0 or new.max() == 255:
            continue
        solved = np.linalg.lstsq(flat, new, rcond=None)[0]
        contrast = solved[:3].sum(0).mean()
        saturation = (solved[0, 0] - solved[0, 1]) / contrast
        brightness = 1 + (solved[3].mean() - 127.5 * (1 - contrast)) / 255
        grey = colors @ [0.299, 0.587, 0.114]
        expected = contrast * (saturation * colors + (1 - saturation) * grey[..., None])
        expected += 127.5 * (1 - contrast) + 255 * (brightness - 1)
        assert np.abs(image[0] - expected).max() < 1
        factors.append((brightness, contrast, saturation))
    assert len(factors) > 20
    assert np.abs(np.array(factors) - 1).max() < strength + 0.02
    assert np.abs(np.array(factors) - 1).max(axis=0).min() > strength / 2


def test_labels_of_sixteen_bits():
    rng = np.random.default_rng(0)
    label = rng.integers(0, 300, (HEIGHT, WIDTH)).astype("uint16")
    image = np.zeros((HEIGHT, WIDTH, 3), "uint8")
    data = Dataset("many", "train", LabelSet.numbered(300), ("it",), (image,), (label,))
    augment = Augmentation(scale=(0.5, 2.0))
    for _, labels in data.batches(1, crop=(64, 64), augment=augment).repeat(5).as_numpy_iterator():
        assert labels.dtype == np.uint16
        assert set(np.unique(labels)) <= {*np.unique(label), 65535}


@pytest.mark.parametrize("options", [
    {"scale": (2.0, 0.5)}, {"scale": (0.0, 1.0)}, {"color": 1.0}, {"color": -0.1},
])  # fmt: skip
def test_refuses(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        Augmentation(**options)
