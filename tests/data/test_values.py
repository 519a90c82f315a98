"""Float targets: values in files, in windows and in batches, and what `check` says of them."""

import json
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image

from fcn_keras import data, tasks, visualize
from fcn_keras.data import Augmentation, Dataset, LabelError, ValueReader

pytest.importorskip("tensorflow")
SIZE = (12, 16)
DISTANCE = tasks.Regression("distance", unit="px")


def map_of_itself(task, channels=3, size=SIZE):
    """A `Dataset` of one random image; a pixel's target is its number (and half of it)."""
    image = np.random.default_rng(0).integers(0, 256, (*size, channels), "uint8")
    target = np.arange(image[..., 0].size).reshape(size)
    if task.axes == 3:
        target = np.stack([target, target / 2], -1)
    return Dataset("map", "train", task, ("it",), (image,), (target,))


def numbers(batches):
    return [target[0] for _, target in batches.as_numpy_iterator()]


@pytest.fixture
def folder(tmp_path, write):
    """Three images; targets as .npy and as 16-bit PNG in hundredths, where 0 means no value."""
    rng = np.random.default_rng(3)
    (tmp_path / "targets").mkdir()
    for name in ("a", "b", "c"):
        write.photo(tmp_path / "images" / f"{name}.png", SIZE)
        stored = rng.integers(1, 4000, SIZE).astype("uint16")
        stored[0, :5] = 0
        write.png(tmp_path / "pngs" / f"{name}.png", stored)
        values = (stored / 100).astype("float32")
        values[stored == 0] = np.nan
        np.save(tmp_path / "targets" / f"{name}.npy", values)
    return tmp_path


def test_npy_and_scaled_png_hold_the_same_values(folder):
    arrays = data.load("folder", folder, split="all", regression="distance", unit="px")
    words = f"folder:{folder},regression=distance,unit=px,masks=pngs,scale=0.01,void=0"
    name, root, options = data.parse(words)
    pictures = data.load(name, root, split="all", **options)
    assert arrays.task == pictures.task == DISTANCE and arrays.labels is None
    for name, (_, one), (_, other) in zip(arrays.names, arrays, pictures, strict=True):
        stored = np.array(Image.open(folder / "pngs" / f"{name}.png"))
        assert one.dtype == other.dtype == np.float32 and one.shape == SIZE
        assert np.isnan(one[0, :5]).all() and np.isnan(one).sum() == 5
        np.testing.assert_array_equal(one, other)
        np.testing.assert_allclose(one[1:], stored[1:] / 100, rtol=1e-6)


@pytest.mark.parametrize("masks", ["targets", "pngs"])
def test_batches_are_the_examples(folder, masks):
    dataset = data.load("folder", folder, split="all", regression=True, masks=masks)
    assert dataset.task.name == "value"
    images, targets = next(dataset.batches(3).as_numpy_iterator())
    np.testing.assert_array_equal(images, np.stack([image for image, _ in dataset]))
    np.testing.assert_array_equal(targets, np.stack([target for _, target in dataset]))
    assert targets.dtype == np.float32


@pytest.mark.parametrize("task", [DISTANCE, tasks.Regression("pair", channels=2)])
@pytest.mark.parametrize("options", [
    {"crop": (9, 20), "augment": Augmentation(scale=(0.5, 2.0), color=0.2)},
    {"crop": (20, 9)},
    {"augment": Augmentation(scale=(0.5, 2.0))},
])  # fmt: skip
def test_windows_are_those_of_a_label_map(task, options):
    """The same seed shows the same window; NaN stands where the label map has void."""
    labels = map_of_itself(tasks.Classes(num_classes=SIZE[0] * SIZE[1]))
    values = map_of_itself(task)
    batches = (d.batches(1, seed=4, shuffle=False, **options).repeat(6) for d in (labels, values))
    for (image, label), (same, value) in zip(
        *(b.as_numpy_iterator() for b in batches), strict=True
    ):
        np.testing.assert_array_equal(image, same)
        expected = np.where(label == labels.labels.ignore, np.nan, label.astype("float32"))
        parts = [value] if task.axes == 2 else [value[..., 0], 2 * value[..., 1]]
        for part in parts:
            np.testing.assert_array_equal(part, expected)


@dataclass(frozen=True)
class Displacement(tasks.Regression):
    """Horizontal displacement in pixels: it grows with the image and changes sign when mirrored."""

    name: str = "displacement"
    kind: ClassVar[str] = "regression"

    def mirrored(self, values):
        return -values

    def scaled(self, values, factor):
        import tensorflow as tf

        return values * tf.cast(factor[1], "float32")


def test_windows_ask_the_task_what_mirroring_and_resizing_do_to_values():
    made = map_of_itself(Displacement(), size=(8, 8))
    flipped = numbers(made.batches(1, augment=Augmentation(flip=True), shuffle=False).repeat(20))
    whole = made.targets[0]
    mirrored = [not np.array_equal(target, whole) for target in flipped]
    assert any(mirrored) and not all(mirrored)
    for target, turned in zip(flipped, mirrored, strict=True):
        np.testing.assert_array_equal(target, -whole[:, ::-1] if turned else whole)
    double = Augmentation(flip=False, scale=(2.0, 2.0))
    (target,) = numbers(made.batches(1, crop=(16, 16), augment=double, shuffle=False))
    np.testing.assert_array_equal(target, 2 * whole.repeat(2, 0).repeat(2, 1))


def test_smaller_images_of_a_batch_are_padded_with_nan():
    images = tuple(np.zeros((*size, 3), "uint8") for size in ((4, 6), (5, 3)))
    targets = tuple(np.ones(image.shape[:2], "float32") for image in images)
    dataset = Dataset("two", "train", DISTANCE, ("a", "b"), images, targets)
    _, padded = next(dataset.batches(2).as_numpy_iterator())
    assert padded.shape == (2, 5, 6)
    for one, target in zip(padded, targets, strict=True):
        height, width = target.shape
        assert (one[:height, :width] == 1).all()
        assert np.isnan(one[height:]).all() and np.isnan(one[:, width:]).all()


def test_an_unreadable_target_is_skipped_and_a_wrong_one_named(folder, write):
    dataset = data.load("folder", folder, split="all", regression="distance")
    (folder / "targets" / "b.npy").write_bytes(b"nothing")
    skipped = data.unreadable.Skipped()
    with pytest.warns(UserWarning, match="Skipped 'b'"):
        left = numbers(dataset.batches(1, on_error=skipped))
    np.testing.assert_array_equal(left, [dataset.read_target(0), dataset.read_target(2)])
    assert "b.npy cannot be read as a NumPy file" in skipped.problems["b"]
    np.save(folder / "targets" / "b.npy", np.zeros((3, 4), "float32"))
    with pytest.raises(Exception, match=r"b.png is 12x16 but its target .*b.npy is 3x4"):
        numbers(dataset.batches(1))


@pytest.mark.parametrize(("array", "error", "message"), [
    (np.zeros((4, 4, 3)), ValueError, r"'distance' must be numbers \(H, W\), got float64"),
    (np.full((4, 4), np.inf), LabelError, "x.npy holds infinite values of 'distance'"),
    (np.zeros((4, 4), "complex64"), ValueError, "must be numbers"),
])  # fmt: skip
def test_what_is_no_map_of_values_is_refused(tmp_path, array, error, message):
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(error, match=message):
        ValueReader(DISTANCE).read(tmp_path / "x.npy")


def test_lossy_and_coloured_pictures_are_no_values(tmp_path):
    Image.new("L", (8, 8)).save(tmp_path / "a.jpg")
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"a.jpg was stored with loss \(JPEG\)"):
        ValueReader(DISTANCE).read(tmp_path / "a.jpg")
    with pytest.raises(ValueError, match="a.png is an image in colour; a map of values is"):
        ValueReader(DISTANCE).read(tmp_path / "a.png")


@pytest.mark.parametrize(("options", "message"), [
    ({"regression": True, "binary": True}, "does not go with regression"),
    ({"scale": 2.0}, "go with regression"),
    ({"regression": True, "scale": 0.0}, "`scale` must be above 0"),
])  # fmt: skip
def test_options_that_exclude_each_other(folder, options, message):
    with pytest.raises(ValueError, match=message):
        data.load("folder", folder, split="all", masks="targets", **options)


def test_check_counts_values(folder):
    report = data.check("folder", folder, regression="distance", unit="px")
    assert report.ok and all("byte for byte" in warning for warning in report.warnings)
    rows = report.counts.rows
    assert sum(row["images"] for row in rows.values()) == 3
    assert sum(row["invalid_pixels"] for row in rows.values()) == 15
    everything = [np.load(path) for path in sorted((folder / "targets").iterdir())]
    assert min(row["least"] for row in rows.values()) == np.nanmin(everything)
    assert max(row["most"] for row in rows.values()) == np.nanmax(everything)
    (train,) = [row for split, row in rows.items() if split == "train"]
    loaded = data.load("folder", folder, regression="distance")
    mean = np.nanmean([target.astype("float64") for _, target in loaded])
    assert train["mean"] == pytest.approx(mean, rel=1e-12)
    table = report.table()
    assert table.startswith("distance in px") and "2.60%" in table
    figures = json.loads(json.dumps(report.to_dict()))
    assert figures["values"]["train"] == train and figures["task"]["unit"] == "px"


def test_check_data_draws_and_prints_values(folder, check_data):
    code, printed = check_data(f"folder:{folder},regression=distance,unit=px")
    assert code == 0 and "distance in px" in printed and "nothing is wrong" in printed


def test_contact_sheet_colours_values_on_one_scale(folder, tmp_path):
    """The smallest and the largest value of all targets have the colours of the scale's ends."""
    dataset = data.load("folder", folder, split="all", regression="distance")
    path = visualize.contact_sheet(dataset, tmp_path / "values.png")
    colors = {tuple(color) for color in np.array(Image.open(path).convert("RGB")).reshape(-1, 3)}
    targets = [target for _, target in dataset]
    painter = visualize.for_task(dataset.task)
    shown = painter.shown(targets)
    for find in (np.nanmin, np.nanmax):
        (extreme,) = painter.paint(np.array([[find(targets)]], "float32"), shown)
        assert tuple(extreme[0]) in colors


def test_check_names_what_is_wrong_with_values(folder):
    np.save(folder / "targets" / "a.npy", np.full(SIZE, np.inf))
    np.save(folder / "targets" / "b.npy", np.zeros((3, 4)))
    (folder / "targets" / "c.npy").unlink()
    with pytest.raises(FileNotFoundError, match="the target of 'c' is not in"):
        data.load("folder", folder, split="all", regression="distance")
    report = data.check("folder", folder, regression="distance")
    kinds = sorted(problem.kind for problem in report.problems)
    assert kinds == ["labels", "missing", "size"]
    assert any("c.png has no target" in problem.message for problem in report.problems)


def test_targets_of_nothing_but_nan_are_a_problem(folder):
    for path in (folder / "targets").iterdir():
        np.save(path, np.full(SIZE, np.nan))
    report = data.check("folder", folder, regression="distance")
    (problem,) = report.problems
    assert "No pixel of any target has a value of 'distance'" in problem.message


def test_class_weights_need_classes():
    with pytest.raises(ValueError, match="has no classes: its task is 'regression'"):
        data.class_weights("enet", map_of_itself(DISTANCE))
