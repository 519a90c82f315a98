"""Weight maps against the formula computed pixel by pixel, and through the pipeline."""

import numpy as np
import pytest
from PIL import Image

from fcn_keras.data import Augmentation, Dataset, MultiTaskDataset, WeightMaps
from fcn_keras.data.weight_maps import objects_of
from fcn_keras.labels import LabelSet
from fcn_keras.tasks import Regression

CELLS = LabelSet(("membrane", "cell", "nucleus"))
VOID = 255


def by_the_formula(label, objects, w0, sigma, class_weights):
    """U-Net's equation 2 as it stands: all distances from every pixel to every object."""
    pixels = np.indices(label.shape).reshape(2, -1).T
    numbers = np.unique(objects[objects > 0])
    distances = np.full((len(numbers), label.size), np.inf)
    for row, number in enumerate(numbers):
        away = pixels[:, None] - np.argwhere(objects == number)[None]
        distances[row] = np.sqrt((away**2).sum(-1)).min(1)
    apart = np.sort(distances, 0)[:2].sum(0) if len(numbers) > 1 else np.inf
    gap = w0 * np.exp(-(np.broadcast_to(apart, label.size) ** 2) / (2 * sigma**2))
    gap = gap.reshape(label.shape) * ((label == 0) & (objects == 0))
    return np.where(label == VOID, 0, np.array(class_weights)[np.minimum(label, 2)] + gap)


def cells(seed=0, size=(40, 56)):
    """A label map of three classes, void, and objects that are close to each other."""
    rng = np.random.default_rng(seed)
    label = np.zeros(size, "uint8")
    for _ in range(12):
        top, left = rng.integers(0, size[0] - 6), rng.integers(0, size[1] - 8)
        label[top : top + rng.integers(2, 9), left : left + rng.integers(2, 12)] = rng.integers(
            1, 3
        )
    label[:3, 20:40] = VOID
    return label


@pytest.mark.parametrize(("w0", "sigma"), [(10, 5), (3, 1.5)])
def test_a_map_is_the_formula(w0, sigma):
    label, weights = cells(), (1.0, 0.5, 2.0)
    found = WeightMaps(w0, sigma, weights)(label)
    expected = by_the_formula(label, objects_of(label), w0, sigma, weights)
    assert found.dtype == np.float32 and np.ptp(expected) > 2
    np.testing.assert_allclose(found, expected, atol=2e-4)


def test_numbered_objects_that_touch_count_as_two():
    """As one component they have no gap; with their numbers the notch between them has one."""
    label = np.ones((9, 12), "uint8")
    label[:4, 5:7] = 0
    objects = np.where(label, 1 + (np.arange(12) >= 6), 0)
    assert WeightMaps()(label).max() == 1
    found = WeightMaps()(label, objects)
    np.testing.assert_allclose(found, by_the_formula(label, objects, 10, 5, (1, 1, 1)), atol=2e-4)
    assert found.max() > 8
    np.testing.assert_array_equal(found, WeightMaps()(label, objects * 100_000))


def test_components_are_of_one_class_and_share_edges():
    label = np.array([[1, 0, 1], [2, 1, 0], [2, VOID, 1]])
    found = objects_of(label)
    assert len(np.unique(found[found > 0])) == 5
    assert (found > 0).tolist() == ((label > 0) & (label != VOID)).tolist()


@pytest.mark.parametrize("augment", [
    Augmentation(True), Augmentation(True, (0.6, 1.5)), Augmentation(True, rotate="quarters"),
    Augmentation(True, (0.6, 1.5), rotate=90, elastic=4),
])  # fmt: skip
def test_windows_of_weights_are_those_of_the_mask(augment):
    """A label for each weight: the weights of a window are those of its labels."""
    label = np.tile(np.arange(56, dtype="uint8"), (40, 1))
    weights = tuple(1 + np.arange(56) / 8)
    image = np.zeros((40, 56, 3), "uint8")
    data = Dataset("all", "train", LabelSet.numbered(56), ("it",), (image,), (label,))
    by_label = np.zeros(256)
    by_label[:56] = weights
    outside = 0
    batches = data.batches(1, crop=(48, 48), augment=augment, weight_maps=WeightMaps(0, 1, weights))
    for _, labels, found in batches.repeat(8).as_numpy_iterator():
        np.testing.assert_allclose(found, by_label[labels])
        outside += (labels == VOID).sum()
    assert outside


@pytest.mark.parametrize("cache", [False, True, "path"])
def test_each_map_is_computed_once(tmp_path, cache):
    computed = []

    class Counted(WeightMaps):
        def __call__(self, label, objects=None, ignore=None):
            computed.append(label.shape)
            return super().__call__(label, objects, ignore)

    labels = [cells(0), cells(1, (30, 50))]
    images = [np.zeros((*label.shape, 3), "uint8") for label in labels]
    data = Dataset("two", "train", CELLS, ("a", "b"), images, labels)
    cache = str(tmp_path / "kept") if cache == "path" else cache
    batches = data.batches(2, weight_maps=Counted(), cache=cache)
    for _ in range(3):
        ((_, targets, weights),) = batches.as_numpy_iterator()
        assert weights.dtype == np.float32 and weights.shape == targets.shape == (2, 40, 56)
        np.testing.assert_allclose(weights[0], WeightMaps()(labels[0]), rtol=1e-3)
        np.testing.assert_allclose(weights[1, :30, :50], WeightMaps()(labels[1]), rtol=1e-3)
        assert not weights[1, 30:].any() and not weights[1, :, 50:].any()
    assert sorted(computed) == [(30, 50), (40, 56)]


def test_an_unreadable_mask_is_skipped(tmp_path):
    label, paths = cells(), []
    for name in "abc":
        paths.append((tmp_path / f"{name}.png", tmp_path / f"{name}_mask.png"))
        Image.fromarray(np.zeros((*label.shape, 3), "uint8")).save(paths[-1][0])
        Image.fromarray(label).save(paths[-1][1])
    paths[1][1].write_bytes(b"none")
    data = Dataset("three", "train", CELLS, tuple("abc"), *zip(*paths, strict=True))
    with pytest.warns(UserWarning, match="Skipped 'b'"):
        ((_, _, weights),) = data.batches(
            4, weight_maps=WeightMaps(), on_error="skip"
        ).as_numpy_iterator()
    assert weights.shape == (2, 40, 56)


def test_refusals():
    image, label = np.zeros((8, 8, 3), "uint8"), np.zeros((8, 8), "uint8")
    data = Dataset("one", "train", CELLS, ("a",), (image,), (label,))
    values = Dataset("v", "train", Regression("d"), ("a",), (image,), (label.astype("float32"),))
    for source, given, message in (
        (data, (10, 5), "WeightMaps or None, got"),
        (data, WeightMaps(class_weights=(1, 2)), "2 values for 3 classes"),
        (values, WeightMaps(), "for classes; the task of v"),
        (MultiTaskDataset({"x": data, "y": data}), WeightMaps(), "one output of classes"),
    ):
        with pytest.raises(ValueError, match=message.replace("(", r"\(")):
            source.batches(1, weight_maps=given)
    with pytest.raises(ValueError, match="`sigma` must be"):
        WeightMaps(sigma=0)
    with pytest.raises(ValueError, match="one number for each class, got 'enet'"):
        WeightMaps(class_weights="enet")
    with pytest.raises(ValueError, match="`objects` must have the shape"):
        WeightMaps()(label, label[1:])
    with pytest.raises(ValueError, match="holds class 2"):
        WeightMaps(class_weights=(1, 1))(label + 2)
