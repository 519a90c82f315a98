"""Pictures: what they show is counted in their pixels, and they hold at every size."""

import csv
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from fcn_keras import visualize
from fcn_keras.labels import VOID_COLOR, LabelSet
from fcn_keras.progress import ProgressBar
from fcn_keras.visualize.overlay import boundaries, mixed

LABELS = LabelSet(("sky", "road", "car"), palette=((0, 0, 250), (0, 250, 0), (250, 0, 0)))


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (40, 60, 3), "uint8")


@pytest.fixture
def label_map():
    labels = np.zeros((40, 60), "uint8")
    labels[20:] = 1
    labels[30:, 40:] = 255
    return labels


def pixels_of(path):
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def test_overlay_mixes_inside_and_outlines(image, label_map):
    mixed = visualize.overlay(image, label_map, LABELS, alpha=0.5)
    assert mixed.shape == image.shape and mixed.dtype == np.uint8
    inside = np.s_[2:17, 2:58]
    expected = np.rint(0.5 * image[inside] + 0.5 * np.array([0, 0, 250]))
    np.testing.assert_allclose(mixed[inside], expected, atol=1)
    assert (mixed[19, :58] == [0, 0, 250]).all() and (mixed[20, :58] == [0, 250, 0]).all()


def test_alpha_from_nothing_to_all(image, label_map):
    np.testing.assert_array_equal(visualize.overlay(image, label_map, LABELS, 0), image)
    np.testing.assert_array_equal(
        visualize.overlay(image, label_map, LABELS, 1), visualize.paint(label_map, LABELS)
    )
    with pytest.raises(ValueError, match="`alpha` must be a number from 0 to 1, got 1.5"):
        visualize.overlay(image, label_map, LABELS, 1.5)


def test_void_is_hatched_and_classes_are_not(label_map):
    painted = visualize.paint(label_map, LABELS)
    void = {tuple(color) for color in painted[label_map == 255]}
    assert len(void) == 2 and tuple(VOID_COLOR) in void
    assert void.isdisjoint({tuple(color) for color in painted[label_map != 255]})


def test_grey_and_float_images(image, label_map):
    grey = image[..., 0]
    expected = visualize.overlay(np.repeat(grey[..., None], 3, -1), label_map, LABELS)
    np.testing.assert_array_equal(visualize.overlay(grey, label_map, LABELS), expected)
    np.testing.assert_array_equal(
        visualize.overlay(grey.astype("float32"), label_map, LABELS), expected
    )


def test_mismatches_are_named(image, label_map):
    with pytest.raises(ValueError, match="image is 40x60 and its map 39x60"):
        visualize.overlay(image, label_map[1:], LABELS)
    with pytest.raises(ValueError, match="float64"):
        visualize.overlay(image, label_map.astype(float), LABELS)
    with pytest.raises(ValueError):
        visualize.overlay(image, label_map + 3, LABELS)


@pytest.mark.parametrize("size", [(1, 1), (64, 64), (360, 480), (1500, 2000), (30, 900), (900, 30)])
def test_saved_overlay_has_image_and_legend(size, tmp_path):
    labels = np.ones(size, "uint8")
    path = visualize.save_overlay(np.zeros((*size, 3)), labels, LABELS, tmp_path / "o.png", alpha=1)
    picture = pixels_of(path)
    factor = max(1, -(-240 // max(size)))
    height, width = (n * factor for n in size)
    assert (picture[:height, :width] == [0, 250, 0]).all()
    beside = picture[:, width:] if size[1] <= 2 * size[0] else picture[height:]
    assert (beside == [0, 250, 0]).all(-1).sum() > 100, "the swatch"
    assert not (beside == [250, 0, 0]).all(-1).any(), "an absent class"
    ink = (beside.sum(-1) < 250).any(0 if size[1] > 2 * size[0] else 1).sum()
    assert ink >= 8, "the name"


def test_legend_lists_present_classes_and_void():
    one, all_of_them = visualize.legend(LABELS, [2, 255]), visualize.legend(LABELS)
    assert one.height < all_of_them.height
    colours = {tuple(color) for color in np.asarray(one).reshape(-1, 3)}
    assert (250, 0, 0) in colours and tuple(VOID_COLOR) in colours
    assert (0, 0, 250) not in colours
    with pytest.raises(ValueError, match="a class, 0..2, or 255 for void, got 3"):
        visualize.legend(LABELS, [3])


@pytest.mark.parametrize("room", [{"height": 100}, {"width": 700}])
def test_legend_of_many_classes_keeps_to_its_room(room):
    labels = LabelSet(tuple(f"a class with a rather long name {i}" for i in range(40)))
    strip = visualize.legend(labels, text_size=12, **room)
    assert strip.height <= room.get("height", 9999) + 12
    assert strip.width <= room.get("width", 9999)


def test_label_map_round_trip(label_map, tmp_path):
    path = visualize.save_label_map(label_map, LABELS, tmp_path / "labels.png")
    with Image.open(path) as picture:
        np.testing.assert_array_equal(picture, label_map)
    shown = pixels_of(path)
    assert (shown[0, 0] == [0, 0, 250]).all() and (shown[39, 59] == VOID_COLOR).all()
    with pytest.raises(ValueError):
        visualize.save_label_map(label_map + 3, LABELS, tmp_path / "labels.png")


def test_comparison_has_a_column_each_and_one_legend(image, label_map, tmp_path):
    wrong = np.full_like(label_map, 2)
    path = visualize.comparison(
        [image, image[:, :20]],
        [label_map, label_map[:, :20]],
        [wrong, wrong[:, :20]],
        LABELS,
        tmp_path / "c.png",
        names=["first", "second"],
    )
    picture = pixels_of(path)
    red, blue = (picture == [250, 0, 0]).all(-1), (picture == [0, 0, 250]).all(-1)
    third = np.arange(picture.shape[1]) // 408
    assert red[:, third == 2].sum() > 400 * 260 and not red[:, third < 2].any()
    assert blue[:, third == 1].sum() > 100 * 260
    without = visualize.comparison([image], None, [wrong], LABELS, tmp_path / "n.png")
    assert pixels_of(without).shape[1] < picture.shape[1] - 300


def test_comparison_refuses_what_does_not_match(image, label_map, tmp_path):
    with pytest.raises(ValueError, match=r"1 image\(s\), 2 truth\(s\)"):
        visualize.comparison([image], [label_map] * 2, [label_map], LABELS, tmp_path / "c.png")
    with pytest.raises(ValueError, match="Row 0: the prediction has shape"):
        visualize.comparison([image], [label_map], [label_map.T], LABELS, tmp_path / "c.png")
    with pytest.raises(ValueError, match="at least one row"):
        visualize.comparison([], [], [], LABELS, tmp_path / "c.png")


def test_curves_of_every_form_of_history_are_equal(tmp_path):
    rows = [
        {"epoch": e, "loss": 2 / e, "val_loss": 3 / e, "mean_iou": 1 - 1 / e, "val_mean_iou": 0.5}
        for e in range(1, 6)
    ]
    with open(tmp_path / "history.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    forms = [rows, columns, tmp_path / "history.csv", type("History", (), {"history": columns})()]
    drawn = [pixels_of(visualize.curves(form, tmp_path / "curves.png")) for form in forms]
    for picture in drawn[1:]:
        np.testing.assert_array_equal(picture, drawn[0])
    assert drawn[0].shape[1] > 1000


def test_the_best_epoch_of_an_error_is_the_lowest(tmp_path):
    """The ring lies where the error is lowest."""
    places = []
    for errors in ([1.0, 3.0, 3.0, 3.0], [3.0, 3.0, 3.0, 1.0]):
        history = {"val_mean_absolute_error": errors}
        plain = {"val_loss": errors}
        ringed = pixels_of(visualize.curves(history, tmp_path / "ringed.png"))
        without = pixels_of(visualize.curves(plain, tmp_path / "plain.png"))
        orange = [(abs(p - (217, 102, 13)).max(-1) < 40).sum(0) for p in (ringed, without)]
        more = np.clip(orange[0] - orange[1], 0, None)
        places.append((more * np.arange(len(more))).sum() / more.sum() / len(more))
    assert places[0] < 0.4 and places[1] > 0.6


def test_curves_with_gaps(tmp_path):
    rows = [{"epoch": 1, "loss": 1.0, "val_loss": ""}, {"epoch": 2, "loss": float("nan")}]
    assert visualize.curves(rows, tmp_path / "curves.png").exists()
    rows = [{"epoch": 1, "loss": 1.0, "val_mean_iou": float("nan")}]
    assert visualize.curves(rows, tmp_path / "curves.png").exists()
    with pytest.raises(ValueError, match="columns: \\['accuracy'\\]"):
        visualize.curves({"accuracy": [1]}, tmp_path / "curves.png")
    with pytest.raises(ValueError, match="no epoch"):
        visualize.curves({"loss": []}, tmp_path / "curves.png")


def test_validations_far_apart_are_joined_by_a_line(tmp_path):
    """Of 60 epochs every 20th is validated: much of the validation's colour is drawn."""
    rows = [{"epoch": e, "loss": 1.0, "val_loss": 0.5 if e % 20 == 0 else ""} for e in range(1, 61)]
    drawn = pixels_of(visualize.curves(rows, tmp_path / "curves.png")).astype(int)
    orange = np.abs(drawn[..., :3] - (217, 102, 13)).max(-1) < 40
    assert orange.any(0).sum() > 0.5 * drawn.shape[1]


@pytest.mark.parametrize("classes", [2, 11, 40])
def test_confusion_picture_greys_absent_classes(classes, tmp_path):
    counts = np.diag(np.full(classes, 100))
    whole = pixels_of(
        visualize.confusion_matrix(counts, LabelSet.numbered(classes), tmp_path / "whole.png")
    )
    counts[1] = 0
    absent = pixels_of(
        visualize.confusion_matrix(counts, LabelSet.numbered(classes), tmp_path / "absent.png")
    )
    grey = 0xDD
    assert (whole == grey).all(-1).sum() < 100
    share = (absent == grey).all(-1).sum() / absent[..., 0].size
    assert share == pytest.approx(0.7 / classes, rel=0.4)
    assert 300 < max(whole.shape) < 2600


def test_confusion_picture_needs_matching_labels(tmp_path):
    with pytest.raises(ValueError, match=r"shape \(4, 4\); 3 classes need \(3, 3\)"):
        visualize.confusion_matrix(np.eye(4), LABELS, tmp_path / "c.png")


def test_a_progress_bar_is_for_terminals(capsys, monkeypatch):
    with ProgressBar(3, "image") as bar:
        bar.step(mean_iou=0.5)
    assert capsys.readouterr().out == ""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    with ProgressBar(3, "image", wanted=False) as bar:
        bar.step(mean_iou=0.5)
    assert capsys.readouterr().out == ""
    with ProgressBar(3, "image") as bar:
        bar.step(2, mean_iou=0.5)
        bar.step(mean_iou=0.75)
    shown = capsys.readouterr().out
    assert "3/3" in shown and "mean_iou: 0.7500" in shown


def uncertainty_of(label_map, entropy):
    return SimpleNamespace(
        labels=np.where(label_map == 255, 2, label_map),
        entropy=entropy,
        mutual_information=entropy / 4,
        classes=LABELS,
    )


def test_uncertainty_has_one_scale_for_all_rows(tmp_path, image, label_map):
    doubtful = np.zeros((40, 60), "float32")
    doubtful[:, 30:] = 1.0
    rows = [uncertainty_of(label_map, doubtful / 2), uncertainty_of(label_map, doubtful)]
    path = visualize.uncertainty([image, image], rows, tmp_path / "uncertainty.png")
    pixels = pixels_of(path)
    yellow, teal = (
        (abs(pixels - np.array(c)).sum(-1) < 12) for c in ((253, 231, 37), (33, 145, 140))
    )
    gap = 100 + np.flatnonzero((pixels[100:] == 255).all((1, 2)))[0]  # between the rows
    # The highest value's colour fills half a map, twice in the second row; half of it the first's.
    assert yellow[gap:].sum() > 5 * yellow[:gap].sum() and yellow.sum() > 5000
    assert teal[:gap].sum() > 5000
    for color in LABELS.palette:
        assert (pixels == color).all(-1).sum() > 500


def test_uncertainty_of_other_sizes_is_refused(tmp_path, image, label_map):
    one = uncertainty_of(label_map, np.zeros((40, 60)))
    with pytest.raises(ValueError, match="at least one"):
        visualize.uncertainty([], [], tmp_path / "uncertainty.png")
    with pytest.raises(ValueError, match="2 image"):
        visualize.uncertainty([image, image], [one], tmp_path / "uncertainty.png")
    with pytest.raises(ValueError, match="Row 0"):
        visualize.uncertainty([image[:20]], [one], tmp_path / "uncertainty.png")


@pytest.mark.parametrize(("size", "thickness"), [((30, 50), 3), ((1100, 1400), 5)])
def test_outlines_are_where_a_window_holds_two_labels(size, thickness):
    blocks = np.random.default_rng(0).integers(0, 3, (6, 9)).astype("uint8")
    label_map = np.kron(blocks, np.ones((400, 400), "uint8"))[::7, ::11][: size[0], : size[1]]
    label_map = np.ascontiguousarray(np.resize(label_map, size))
    highest = ndimage.maximum_filter(label_map, size=thickness, mode="nearest")
    lowest = ndimage.minimum_filter(label_map, size=thickness, mode="nearest")
    np.testing.assert_array_equal(boundaries(label_map), highest != lowest)


@pytest.mark.parametrize("alpha", [0, 0.3, 0.5, 1])
def test_colours_are_mixed_to_within_a_level(alpha):
    image, colors = np.random.default_rng(1).integers(0, 256, (2, 40, 50, 3)).astype("uint8")
    mean = image + alpha * (colors.astype("float64") - image)
    np.testing.assert_allclose(mixed(image, colors, alpha), mean, atol=1)
