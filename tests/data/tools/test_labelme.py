"""labelme:DIR draws the shapes of labelme's JSON files, and reads its export for VOC by folder."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from fcn_keras import data

SIZE = (20, 30)


def shape(label, kind, points, **more):
    return {"label": label, "points": points, "group_id": None, "shape_type": kind, "flags": {},
            **more}  # fmt: skip


@pytest.fixture
def annotate(tmp_path, write):
    """annotate(name, *shapes) writes an image and its JSON file as labelme 5 does."""

    def annotate(name, *shapes, **content):
        path = tmp_path / f"{name}.jpg"
        write.photo(path)
        content = {
            "version": "5.4.1", "flags": {}, "shapes": list(shapes), "imagePath": path.name,
            "imageData": None, "imageHeight": SIZE[0], "imageWidth": SIZE[1], **content,
        }  # fmt: skip
        path.with_suffix(".json").write_text(json.dumps(content))
        return tmp_path

    return annotate


def centres():
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    return columns, rows


def only(root, **options):
    return data.load("labelme", root, split="all", **options)


def test_a_pixel_belongs_to_a_shape_that_has_its_centre_and_later_shapes_cover_earlier_ones(
    annotate,
):
    root = annotate(
        "a",
        shape("nut", "polygon", [[1, 2], [21, 2], [1, 12]]),
        shape("bolt", "circle", [[15, 10], [15, 14.5]]),
        shape("nut", "rectangle", [[25, 18], [20, 15]]),
    )
    x, y = centres()
    expected = np.zeros(SIZE, "uint8")
    expected[((x > 1) & (y > 2)) & ((x - 1) / 20 + (y - 2) / 10 < 1)] = 2
    expected[(x - 15) ** 2 + (y - 10) ** 2 < 4.5**2] = 1
    expected[15:18, 20:25] = 2
    dataset = only(root)
    assert dataset.labels.names == ("background", "bolt", "nut")
    np.testing.assert_array_equal(dataset.read_target(0), expected)
    assert any("in alphabetical order" in note for note in dataset.notes)


def test_a_mask_of_the_ai_tool_lies_where_its_box_is(annotate):
    inside = np.random.default_rng(0).integers(0, 2, (4, 6), "uint8")
    packed = io.BytesIO()
    Image.fromarray(inside.astype(bool)).save(packed, "PNG")
    text = base64.b64encode(packed.getvalue()).decode()
    root = annotate("a", shape("nut", "mask", [[7, 3], [12, 6]], mask=text))
    expected = np.zeros(SIZE, "uint8")
    expected[3:7, 7:13] = inside
    np.testing.assert_array_equal(only(root).read_target(0), expected)


def test_points_are_left_out_with_a_note_or_drawn_and_the_rest_may_be_void(annotate):
    root = annotate(
        "a", shape("nut", "point", [[8.5, 9.5]]), shape("nut", "line", [[2, 2.7], [20, 2.7]])
    )
    dataset = only(root)
    assert not dataset.read_target(0).any()
    assert any("2 shapes that are lines or points have no area" in note for note in dataset.notes)
    label = only(root, width=4, outside="void").read_target(0)
    x, y = centres()
    near = (x - 8.5) ** 2 + (y - 9.5) ** 2 < 2**2
    along = np.hypot(np.maximum(np.maximum(2 - x, x - 20), 0), y - 2.7) < 2
    np.testing.assert_array_equal(label, np.where(near | along, 0, 255))


def test_the_list_of_labels_sets_the_order_and_ignore_is_void(annotate, write):
    box = [[0, 0], [5, 5]], [[10, 0], [15, 5]]
    root = annotate(
        "a", shape("nut", "rectangle", box[0]), shape("__ignore__", "rectangle", box[1])
    )
    write.text(root / "labels.txt", "__ignore__", "_background_", "nut", "bolt")
    dataset = only(root)
    assert dataset.labels.names == ("_background_", "nut", "bolt")
    assert [dataset.read_target(0)[2, column] for column in (2, 7, 12)] == [1, 0, 255]
    annotate("b", shape("screw", "rectangle", box[0]))
    with pytest.raises(ValueError, match="b.json has a shape of the class 'screw'.*labels.txt"):
        only(root)


def test_folders_are_the_splits_and_paths_of_windows_do_no_harm(annotate, tmp_path):
    for name in ("train/a", "train/b", "valid/a"):
        path = rf"C:\photos\{name[-1]}.jpg"
        annotate(name, shape("nut", "rectangle", [[0, 0], [5, 5]]), imagePath=path)
    report = data.check("labelme", tmp_path, progress=False)
    assert report.ok, report.problems
    assert report.examples == {"train": 2, "val": 1}


def test_images_that_nobody_annotated_are_left_out_with_a_note(annotate, write):
    root = annotate("a", shape("nut", "rectangle", [[0, 0], [5, 5]]))
    write.photo(root / "b.jpg")
    dataset = only(root)
    assert dataset.names == ("a",)
    assert any("1 image without a JSON file is left out" in note for note in dataset.notes)


@pytest.mark.parametrize(
    "wrong, message",
    {
        "kind": (shape("nut", "heart", [[0, 0], [5, 5]]), "a.json: shape 1.*'heart' is unknown"),
        "corners": (shape("nut", "polygon", [[0, 0], [5, 5]]), "a polygon of 2 corners"),
    }.values(),
)  # fmt: skip
def test_a_shape_without_meaning_is_refused_by_its_number(annotate, wrong, message):
    with pytest.raises(ValueError, match=message):
        only(annotate("a", wrong))


def test_a_folder_without_files_of_labelme_is_refused(tmp_path, write):
    write.text(tmp_path / "a.json", "{}")
    with pytest.raises(FileNotFoundError, match="no JSON file of labelme.*such as a.json"):
        only(tmp_path)


def test_the_export_of_labelme2voc_is_read_by_folder(tmp_path, write):
    write.text(tmp_path / "class_names.txt", "_background_", "nut")
    for name in "abc":
        write.photo(tmp_path / "JPEGImages" / f"{name}.jpg")
        write.png(tmp_path / "SegmentationClass" / f"{name}.png", write.values([0, 1, 255]))
    options = {"images": "JPEGImages", "masks": "SegmentationClass"}
    report = data.check("folder", tmp_path, progress=False, **options)
    assert report.ok, report.problems
    assert report.task.labels.names == ("_background_", "nut")


def test_folder_names_the_data_set_that_reads_the_annotations(annotate, write):
    root = annotate("photos/a", shape("nut", "rectangle", [[0, 0], [5, 5]]))
    with pytest.raises(FileNotFoundError, match="labelme's JSON files.*labelme:"):
        data.load("folder", root)
    write.text(root / "annotations.xml", "<annotations/>")
    with pytest.raises(FileNotFoundError, match="CVAT's annotations.xml.*cvat:"):
        data.load("folder", root)
