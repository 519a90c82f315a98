"""Weak labels in files: the formats of annotation tools, and what is wrong with them."""

import json

import numpy as np
import pytest

from fcn_keras import data
from fcn_keras.data.weak.boxes import Box

VOID, SIZE = 255, (20, 30)
XML = (
    "<annotation><object><name>{name}</name><bndbox><xmin>{left}</xmin><ymin>{top}</ymin>"
    "<xmax>{right}</xmax><ymax>{bottom}</ymax></bndbox></object></annotation>"
)


@pytest.fixture
def root(tmp_path, write):
    for name in "abc":
        write.photo(tmp_path / "images" / f"{name}.png", SIZE)
    write.text(tmp_path / "classes.txt", "background", "cat", "guide dog")
    return tmp_path


def load(root, weak, **options):
    return data.load("folder", root, split="all", weak=weak, **options)


def test_tags_with_sizes(root, write):
    write.text(
        root / "tags.csv", "file,classes,sizes", "a.png,cat,large", "b,cat; guide dog", "c.png,2"
    )
    found = load(root, "tags")
    np.testing.assert_array_equal(
        [found.read_tags(n) for n in range(3)], [[1, 2, 0], [1, 1, 1], [1, 0, 1]]
    )
    assert (found[0][1] == VOID).all()
    allowed = next(found.batches(3).as_numpy_iterator())[1]
    np.testing.assert_array_equal(allowed[:, 3, 4], [[1, 2, 0], [1, 1, 1], [1, 0, 1]])
    write.text(root / "tags.csv", "a,cat", "c,cat")
    left = load(root, "tags")
    assert left.names == ("a", "c") and "1 of 3 images of all are not in tags.csv" in left.notes[-1]


def boxes_of_voc(root, write):
    values = dict(name="guide dog", left=4, top=3, right=12, bottom=9)
    for name in "abc":
        write.text(root / "boxes" / f"{name}.xml", XML.format(**values))


def boxes_of_yolo(root, write):
    """The middle and the size in shares: columns 3 to 12 of 30, rows 2 to 9 of 20."""
    for name in "abc":
        write.text(root / "boxes" / f"{name}.txt", f"1 {7.5 / 30} {5.5 / 20} {9 / 30} {7 / 20}")


def boxes_of_coco(root, write):
    content = {
        "categories": [{"id": 7, "name": "guide dog"}],
        "images": [{"id": n, "file_name": f"{name}.png"} for n, name in enumerate("abc")],
        "annotations": [{"image_id": n, "category_id": 7, "bbox": [3, 2, 9, 7]} for n in range(3)],
    }
    write.text(root / "boxes.json", json.dumps(content))


def boxes_of_labelme(root, write):
    shape = {"label": "guide dog", "shape_type": "rectangle", "points": [[3, 2], [12, 9]]}
    for name in "abc":
        write.text(root / "boxes" / f"{name}.json", json.dumps({"shapes": [shape]}))


@pytest.mark.parametrize("files", [boxes_of_voc, boxes_of_yolo, boxes_of_coco, boxes_of_labelme])
def test_boxes_of_every_format_are_the_same(root, write, files):
    files(root, write)
    found = load(root, "boxes")
    assert found.read_boxes(1) == [Box(2, 2, 3, 9, 12)]
    expected = np.zeros(SIZE, "uint8")
    expected[2:9, 3:12] = 2
    for labels in (found[0][1], next(found.batches(3).as_numpy_iterator())[1][2]):
        np.testing.assert_array_equal(labels, expected)
    allowed = next(found.batches(1, allowed=True).as_numpy_iterator())[1][0]
    np.testing.assert_array_equal(allowed[3, 4], [1, 0, 1])
    np.testing.assert_array_equal(allowed[15, 20], [1, 0, 0])


def test_points_and_lines_of_labelme(root, write):
    shapes = [
        {"label": "cat", "shape_type": "point", "points": [[10.5, 5.5]]},
        {"label": "background", "shape_type": "linestrip", "points": [[20, 2], [20, 15], [27, 15]]},
    ]
    for name in "abc":
        write.text(root / "points" / f"{name}.json", json.dumps({"shapes": shapes}))
    label = load(root, "points")[0][1]
    assert label[5, 10] == 1 and (label == 1).sum() == 13  # a disk of radius 2
    assert (label[2:16, 20] == 0).all() and (label[15, 20:28] == 0).all() and label[2, 26] == VOID


def test_label_maps_of_scribbles(root, write):
    marks = np.full(SIZE, VOID, "uint8")
    marks[4, 3:20], marks[15, 3:20] = 1, 0
    for name in "abc":
        write.png(root / "scribbles" / f"{name}.png", marks)
    found = load(root, "scribbles")
    np.testing.assert_array_equal(found[0][1], marks)
    np.testing.assert_array_equal(found.read_tags(0), [1, 1, 0])
    report = data.check("folder", root, weak="scribbles", progress=False)
    assert report.ok and report.counts.void_pixels > 0


def test_check_names_a_tag_that_is_no_class(root, write):
    write.text(root / "tags.csv", "a,cat", "b,horse", "c,cat,huge")
    report = data.check("folder", root, split="all", weak="tags", progress=False)
    told = " ".join(problem.message for problem in report.problems)
    assert "tags.csv, line 2: There is no class 'horse'" in told
    assert "line 3: a size is small or large, got 'huge'" in told
    assert list(report.counts.images) == [1, 1, 0]


def test_check_names_a_box_outside_of_its_image(root, write):
    boxes_of_voc(root, write)
    values = dict(name="cat", left=25, top=3, right=40, bottom=9)
    write.text(root / "boxes" / "b.xml", XML.format(**values))
    write.text(root / "boxes" / "c.xml", XML.format(**{**values, "name": "horse"}))
    report = data.check("folder", root, split="all", weak="boxes", progress=False)
    first, second = (problem.message for problem in report.problems)
    assert "b.xml: the box of 'cat'" in first and "its image of 20x30" in first
    assert "c.xml: There is no class 'horse'" in second
    (root / "boxes" / "a.xml").unlink()
    report = data.check("folder", root, split="all", weak="boxes", progress=False)
    assert "a.png has no mask" in report.problems[0].message


def test_check_names_points_in_void(root, write):
    shape = {"label": "cat", "shape_type": "point", "points": [[10, 25]]}
    for name in "ab":
        write.text(root / "points" / f"{name}.json", json.dumps({"shapes": [shape]}))
        shape = {**shape, "points": [[10, 5]]}
    write.png(root / "points" / "c.png", np.full(SIZE, VOID, "uint8"))
    report = data.check("folder", root, split="all", weak="points", progress=False)
    first, second = (problem.message for problem in report.problems)
    assert "a.json: a point of 'cat' lies outside of its image of 20x30" in first
    assert "c.png marks no pixel" in second


def test_files_of_another_kind_are_refused(root, write):
    with pytest.raises(FileNotFoundError, match="a line `file,classes` each"):
        load(root, "tags")
    with pytest.raises(ValueError, match="`weak` must be one of 'tags', 'boxes'"):
        load(root, "clicks")
    for name in "abc":
        write.text(root / "boxes" / f"{name}.txt", "0 .1 .1 .2 .1 .2 .2")  # an outline
    with pytest.raises(ValueError, match="has no box of 5 numbers"):
        load(root, "boxes")[0]
    write.text(root / "boxes.json", "{}")
    with pytest.raises(ValueError, match="is no COCO file of boxes"):
        load(root, "boxes")
