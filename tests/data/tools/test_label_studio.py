"""label-studio:DIR draws the regions of Label Studio's JSON, brushes among them."""

import json

import numpy as np
import pytest

from fcn_keras import data
from fcn_keras.data.tools.label_studio import brush_pixels

SIZE = (20, 30)


def packed(values, lengths=(3, 4, 8, 16)):
    """The run lengths of a brush, bit by bit as Label Studio's front end packs them."""
    text = f"{len(values):032b}{7:05b}" + "".join(f"{n - 1:04b}" for n in lengths)
    starts = [0, *(np.flatnonzero(np.diff(values)) + 1), len(values)]
    for first, last in zip(starts, starts[1:], strict=False):
        while first < last:
            count = min(last - first, 2 ** lengths[-1])
            kind = next(k for k, n in enumerate(lengths) if count <= 2**n)
            text += f"1{kind:02b}{count - 1:0{lengths[kind]}b}{values[first]:08b}"
            first += count
    text += "0" * (-len(text) % 8)
    return [int(text[at : at + 8], 2) for at in range(0, len(text), 8)]


def region(kind, **value):
    return {"type": kind, "value": value, "original_width": 30, "original_height": 20,
            "image_rotation": 0}  # fmt: skip


@pytest.fixture
def export(tmp_path, write):
    """export({name: regions}) writes an export and returns its folder."""

    def export(found):
        tasks = []
        for number, (name, regions) in enumerate(found.items(), 1):
            write.photo(tmp_path / "images" / f"{name}.jpg")
            done = [] if regions is None else [{"result": regions, "was_cancelled": False}]
            data = {"image": f"/data/upload/3/0a1b2c3d-{name}.jpg"}
            tasks.append({"id": number, "annotations": done, "data": data})
        write.text(tmp_path / "project.json", json.dumps(tasks))
        return tmp_path

    return export


def test_polygons_rectangles_ellipses_and_brushes_are_drawn(export):
    inside = np.random.default_rng(0).integers(0, 2, SIZE)[:4, :10]
    alpha = np.zeros((*SIZE, 4), int)
    alpha[16:, :10, 3] = 255 * inside
    root = export({
        "a": [
            region("polygonlabels", polygonlabels=["nut"],
                   points=[[10, 10], [40, 10], [40, 30], [10, 30]]),
            region("rectanglelabels", rectanglelabels=["bolt"], x=50, y=10, width=20, height=20,
                   rotation=0),
            region("ellipselabels", ellipselabels=["nut"], x=80, y=70, radiusX=10, radiusY=20),
            region("brushlabels", brushlabels=["bolt"], format="rle", rle=packed(alpha.ravel())),
        ],
        "b": None,
    })  # fmt: skip
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    expected = np.zeros(SIZE, "uint8")
    expected[2:6, 3:12] = 2
    expected[2:6, 15:21] = 1
    expected[((columns - 24) / 3) ** 2 + ((rows - 14) / 4) ** 2 < 1] = 2
    expected[16:, :10] = inside
    dataset = data.load("label-studio", root, split="all")
    assert dataset.labels.names == ("background", "bolt", "nut")
    np.testing.assert_array_equal(dataset.read_target(0), expected)
    assert any("1 tasks without an annotation" in note for note in dataset.notes)


def test_runs_of_different_values_are_unpacked_too():
    text = f"{5:032b}{7:05b}" + "0010" * 4 + "000100" + "".join(f"{v:08b}" for v in (9, 0, 7, 1, 2))
    text += "0" * (-len(text) % 8)
    runs = [int(text[at : at + 8], 2) for at in range(0, len(text), 8)]
    assert brush_pixels(runs).tolist() == [9, 0, 7, 1, 2]
    with pytest.raises(ValueError, match="end too early"):
        brush_pixels(runs[:-2])


def test_json_min_is_read_too(tmp_path, write):
    write.photo(tmp_path / "a.jpg")
    one = {"points": [[0, 0], [50, 0], [50, 50], [0, 50]], "polygonlabels": ["nut"],
           "original_width": 30, "original_height": 20}  # fmt: skip
    write.text(tmp_path / "min.json", json.dumps([{"id": 1, "image": "a.jpg", "label": [one]}]))
    label = data.load("label-studio", tmp_path, split="all").read_target(0)
    assert label[:10, :15].all() and label.sum() == 150


def test_two_json_files_are_refused(export, write):
    root = export({"a": []})
    write.text(root / "other.json", "[]")
    with pytest.raises(FileNotFoundError, match="has 2 JSON files"):
        data.load("label-studio", root)


def test_images_may_lie_elsewhere_and_folder_names_the_data_set(export):
    root = export({"a": [region("rectanglelabels", rectanglelabels=["nut"], x=0, y=0, width=50,
                                height=50, rotation=0)]})  # fmt: skip
    with pytest.raises(FileNotFoundError, match="Label Studio's JSON.*label-studio:"):
        data.load("folder", root)
    (root / "images").rename(root / "photos")
    dataset = data.load("label-studio", root, split="all", images="photos")
    assert dataset.images[0] == root / "photos" / "a.jpg"
    with pytest.raises(FileNotFoundError, match="gone was expected"):
        data.load("label-studio", root, images="gone")
