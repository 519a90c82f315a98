"""supervisely:DIR draws the objects of a project in Supervisely's format."""

import base64
import io
import json
import zlib

import numpy as np
import pytest
from PIL import Image

from fcn_keras import data

SIZE = (20, 30)


@pytest.fixture
def project(tmp_path, write):
    """project({"dataset/a": objects}) writes a project and returns its folder."""

    def project(found):
        classes = [
            {"title": "nut", "shape": "any", "color": "#FF6037"},
            {"title": "bolt", "shape": "any", "color": "#32B7FA"},
        ]
        write.text(tmp_path / "meta.json", json.dumps({"classes": classes, "tags": []}))
        for name, objects in found.items():
            folder, _, stem = name.partition("/")
            write.photo(tmp_path / folder / "img" / f"{stem}.jpg")
            content = {"size": {"height": 20, "width": 30}, "tags": [], "objects": objects}
            write.text(tmp_path / folder / "ann" / f"{stem}.jpg.json", json.dumps(content))
        return tmp_path

    return project


def area(title, kind, exterior, interior=()):
    points = {"exterior": exterior, "interior": list(interior)}
    return {"classTitle": title, "geometryType": kind, "points": points}


def test_bitmaps_polygons_with_holes_and_rectangles_are_drawn(project):
    inside = np.random.default_rng(0).integers(0, 2, (4, 6)).astype(bool)
    packed = io.BytesIO()
    Image.fromarray(inside).save(packed, "PNG")
    text = base64.b64encode(zlib.compress(packed.getvalue())).decode()
    root = project({"ds/a": [
        area("nut", "polygon", [[1, 1], [12, 1], [12, 9], [1, 9]],
             [[[4, 3], [8, 3], [8, 6], [4, 6]]]),
        area("bolt", "rectangle", [[20, 10], [24, 12]]),
        {"classTitle": "bolt", "geometryType": "bitmap",
         "bitmap": {"data": text, "origin": [22, 2]}},
        {"classTitle": "bolt", "geometryType": "graph_nodes", "nodes": {}},
    ]})  # fmt: skip
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    ring = (columns > 1) & (columns < 12) & (rows > 1) & (rows < 9)
    ring &= ~((columns >= 4) & (columns <= 8) & (rows >= 3) & (rows <= 6))
    hole = (columns > 4) & (columns < 8) & (rows > 3) & (rows < 6)
    dataset = data.load("supervisely", root, split="all")
    label = dataset.read_target(0)
    assert (label[ring] == 1).all()
    assert (label[hole] == 0).all()
    assert (label[10:13, 20:25] == 2).all()  # both edges are inside
    assert (label == 2).sum() == 15 + inside.sum()
    np.testing.assert_array_equal(label[2:6, 22:28] == 2, inside)
    assert dataset.labels.palette[1:] == ((255, 96, 55), (50, 183, 250))
    assert any("'graph_nodes' are left out" in note for note in dataset.notes)


def test_datasets_named_as_splits_are_the_splits(project):
    nut = [area("nut", "rectangle", [[2, 3], [8, 9]])]
    bolt = [area("bolt", "rectangle", [[2, 3], [8, 9]])]
    root = project({"train/a": nut, "train/b": bolt, "val/a": nut})
    report = data.check("supervisely", root, progress=False)
    assert report.ok, report.problems
    assert report.examples == {"train": 2, "val": 1}


def test_a_broken_bitmap_is_refused_by_its_file(project):
    wrong = {"classTitle": "nut", "geometryType": "bitmap",
             "bitmap": {"data": "AAAA", "origin": [0, 0]}}  # fmt: skip
    with pytest.raises(ValueError, match="a.jpg.json: object 1 is wrong"):
        data.load("supervisely", project({"ds/a": [wrong]}))
