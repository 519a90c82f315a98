"""Regions become polygons whose pixels are those of the label map, in files that tools read."""

import json

import numpy as np
import pytest
from matplotlib.path import Path as MplPath
from PIL import Image
from scipy import ndimage

import fcn_keras
from fcn_keras import data
from fcn_keras.data.coco.polygons import inside_polygon
from fcn_keras.data.tools.shapes import polygon
from fcn_keras.inference import predict_files, regions_of

LABELS = fcn_keras.LabelSet(("background", "nut", "bolt"))  # not in alphabetical order


def blobs(seed, size=(40, 60), sigma=1.5):
    noise = np.random.default_rng(seed).normal(size=(3, *size))
    return ndimage.gaussian_filter(noise, (0, sigma, sigma)).argmax(0).astype("uint8")


def drawn(regions, size):
    label = np.zeros(size, "uint8")
    for region in regions:
        label[inside_polygon(polygon(region.rings[0], region.rings[1:]), size)] = region.label
    return label


@pytest.mark.parametrize("sigma", [0.3, 1.5])
def test_without_tolerance_the_polygons_have_exactly_the_pixels(sigma):
    label = blobs(0, sigma=sigma)
    regions = regions_of(label, LABELS, tolerance=0, smallest=1)
    np.testing.assert_array_equal(drawn(regions, label.shape), label)
    for number in (1, 2):
        assert sum(r.area for r in regions if r.label == number) == (label == number).sum()
        parts = ndimage.label(label == number)[1]
        assert sum(r.label == number for r in regions) == parts


def test_simplified_polygons_stay_within_the_tolerance():
    rows, columns = np.mgrid[:80, :80]
    label = (np.hypot(rows - 40, columns - 38) < 30).astype("uint8")
    ((_, (exact,)),) = regions_of(label, LABELS, tolerance=0)
    for tolerance in (1.0, 3.0):
        ((_, (ring,)),) = regions_of(label, LABELS, tolerance=tolerance)
        assert len(ring) < len(exact) / 3
        share = np.linspace(0, 1, 50)[:, None, None]
        near = (ring + share * (np.roll(ring, -1, 0) - ring)).reshape(-1, 2)
        apart = np.hypot(*(exact[:, None] - near).transpose(2, 0, 1)).min(1)
        assert apart.max() <= tolerance + 0.1


def test_small_regions_holes_and_void_are_left_out():
    label = np.full((20, 20), 255, "uint8")
    label[2:12, 2:12] = 1
    label[4, 4] = label[8:11, 8:11] = 0
    label[15:17, 15:17] = 2
    (region,) = regions_of(label, LABELS, smallest=9)
    assert region.label == 1 and len(region.rings) == 2
    assert region.area == 100 - 9
    assert region.box == [2, 2, 10, 10]


class Answers:
    """A segmenter that answers with given label maps."""

    labels = LABELS

    def __init__(self, label):
        self.label = label

    def segment(self, image):
        return self.label


@pytest.fixture
def predicted(tmp_path):
    """A label map, and the folder of an image and its predicted polygons in all formats."""
    label = blobs(1)
    (tmp_path / "photos").mkdir()
    Image.new("RGB", label.shape[::-1]).save(tmp_path / "photos" / "a.png")
    (result,) = predict_files(
        Answers(label), tmp_path / "photos", tmp_path / "out",
        formats=("labelme", "coco", "geojson"), tolerance=0, smallest=1, progress=False,
    )  # fmt: skip
    assert result.error is None
    return label, tmp_path, result


def test_labelme_and_coco_read_the_same_labels_again(predicted):
    label, folder, result = predicted
    assert {path.name for path in result.polygon_paths} == {"a.json", "a.geojson", "coco.json"}
    (folder / "out" / "coco.json").rename(folder / "photos" / "coco.json")
    for name, root in (("labelme", "out"), ("coco", "photos")):
        dataset = data.load(name, folder / root, split="all")
        assert dataset.labels.names == LABELS.names
        assert dataset.images[0].resolve() == folder / "photos" / "a.png"
        np.testing.assert_array_equal(dataset.read_target(0), label)


def test_classes_without_a_background_keep_their_numbers(tmp_path):
    label = blobs(2)
    labels = fcn_keras.LabelSet(("sky", "road", "car"))
    Image.new("RGB", label.shape[::-1]).save(tmp_path / "a.png")
    answers = Answers(label)
    answers.labels = labels
    options = {"formats": "labelme", "tolerance": 0, "smallest": 1, "progress": False}
    predict_files(answers, tmp_path / "a.png", tmp_path / "out", **options)
    dataset = data.load("labelme", tmp_path / "out", split="all", outside="void")
    assert dataset.labels.names == labels.names
    np.testing.assert_array_equal(dataset.read_target(0), label)


def test_matplotlib_finds_the_same_pixels_in_the_polygons_of_coco(predicted):
    label, folder, _ = predicted
    content = json.loads((folder / "out" / "coco.json").read_text())
    rows, columns = np.indices(label.shape) + 0.5
    centres = np.stack([columns.ravel(), rows.ravel()], axis=-1)
    found = np.zeros(label.size, "uint8")
    for one in content["annotations"]:
        (ring,) = one["segmentation"]
        inside = MplPath(np.reshape(ring, (-1, 2))).contains_points(centres)
        found[inside] = one["category_id"]
    assert np.mean(found.reshape(label.shape) != label) < 0.003  # centres on a line to a hole


def test_geojson_has_closed_rings_with_holes_and_names(predicted):
    label, folder, _ = predicted
    content = json.loads((folder / "out" / "a.geojson").read_text())
    areas = {"nut": 0.0, "bolt": 0.0}
    for feature in content["features"]:
        name = feature["properties"]["classification"]["name"]
        for number, ring in enumerate(feature["geometry"]["coordinates"]):
            assert ring[0] == ring[-1]
            x, y = np.array(ring).T
            area = abs((x[:-1] * y[1:] - x[1:] * y[:-1]).sum()) / 2
            areas[name] += -area if number else area
    assert areas == {"nut": (label == 1).sum(), "bolt": (label == 2).sum()}


def test_annotations_that_are_there_are_not_overwritten(predicted):
    label, folder, _ = predicted
    with pytest.raises(FileExistsError, match="a.json is there already"):
        predict_files(Answers(label), folder / "photos", folder / "out", formats=("labelme",))
    with pytest.raises(ValueError, match="labelme.*coco.*geojson"):
        predict_files(Answers(label), folder / "photos", folder / "new", formats=("shp",))


def test_the_command_writes_them(command, predicted, tiny_vgg, tmp_path):
    _, folder, _ = predicted
    net = fcn_keras.fcn32s(3, labels=LABELS, classifier="tiny_vgg", weights=None)
    net.save(tmp_path / "net.keras")
    out = tmp_path / "more"
    words = ("--format", "labelme", "--format", "coco", "--smallest", "1", "--tolerance", "0.5")
    code, _, err = command(
        "predict", tmp_path / "net.keras", folder / "photos", "--out", out, *words
    )
    assert code == 0, err
    content = json.loads((out / "a.json").read_text())
    assert content["imagePath"] == "../photos/a.png" and content["imageHeight"] == 40
    assert [one["name"] for one in json.loads((out / "coco.json").read_text())["categories"]]
