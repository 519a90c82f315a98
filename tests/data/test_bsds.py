"""BSDS500, and boundaries from other files and from label maps."""

import shutil

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from fcn_keras import data
from fcn_keras.data.boundaries import outlines

DRAWN = np.zeros((3, 6, 8), bool)
DRAWN[0, 2] = DRAWN[1, 2, :4] = DRAWN[2, 2, 0] = True


def cells(annotations):
    """groundTruth as in the files of BSDS500: one struct for each annotator."""
    found = np.empty((1, len(annotations)), object)
    for place, boundaries in enumerate(annotations):
        segments = 1 + boundaries.astype("uint16")
        found[0, place] = {"Segmentation": segments, "Boundaries": boundaries}
    return {"groundTruth": found}


@pytest.fixture
def bsds(tmp_path):
    """A BSDS500 of one image in each split."""
    for number, split in enumerate(("train", "val", "test")):
        for folder in ("images", "groundTruth"):
            (tmp_path / "BSDS500/data" / folder / split).mkdir(parents=True)
        image = np.full((6, 8, 3), 60 * number, "uint8")
        Image.fromarray(image).save(tmp_path / f"BSDS500/data/images/{split}/{number}.jpg")
        savemat(tmp_path / f"BSDS500/data/groundTruth/{split}/{number}.mat", cells(DRAWN))
    return tmp_path


@pytest.mark.parametrize(
    ("target", "row"),
    [
        ("mean", [1, *3 * [2 / 3], *4 * [1 / 3]]),
        ("consensus", [1, 1, 1, 1, 0, 0, 0, 0]),
        ("certain", [1, 1, 1, 1, *4 * [np.nan]]),
    ],
)
def test_the_target_follows_from_all_annotators(bsds, target, row):
    loaded = data.load("bsds", bsds, "train", target=target)
    image, truth = loaded[0]
    assert image.shape == (6, 8, 3) and truth.dtype == "float32"
    np.testing.assert_allclose(truth[2], row, rtol=1e-6)
    assert not truth[[0, 1, 3, 4, 5]].any()
    np.testing.assert_array_equal(loaded.read_annotations(0), DRAWN)


def test_the_splits_are_the_folders(bsds):
    for root in (bsds / "BSDS500", bsds / "BSDS500/data"):
        assert data.load("bsds", root, "trainval").names == ("0", "1")
    shutil.rmtree(bsds / "BSDS500/data/images/test")
    with pytest.raises(ValueError, match="has no split 'test'.*it has train, val"):
        data.load("bsds", bsds, "test")
    with pytest.raises(FileNotFoundError, match="images/train was expected.*BSR_bsds500"):
        data.load("bsds", bsds / "elsewhere")


def test_a_missing_or_damaged_annotation_is_named(bsds):
    path = bsds / "BSDS500/data/groundTruth/val/1.mat"
    savemat(path, {"groundTruth": np.zeros((3, 3))})
    with pytest.raises(ValueError, match="1.mat: groundTruth must be cells of the annotators"):
        data.load("bsds", bsds, "val")[0]
    path.unlink()
    with pytest.raises(FileNotFoundError, match="1.mat"):
        data.load("bsds", bsds, "val")


def test_the_real_files_agree_with_their_segments(data_root):
    folder = data_root / "bsds"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    assert len(data.load("bsds", folder, "trainval")) == 300
    loaded = data.load("bsds", folder, "val")
    annotations = loaded.read_annotations(0)
    assert annotations.shape[1:] == loaded.read_image(0).shape[:2] and len(annotations) >= 4
    np.testing.assert_allclose(loaded.read_target(0), annotations.mean(0), rtol=1e-6)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[0, 51, 255]], "uint8"), [[0, 0.2, 1]]),
        (np.array([[0, 1]], "uint8"), [[0, 1]]),
        (np.array([[True, False]]), [[1, 0]]),
        (np.array([[0.25, np.nan]]), [[0.25, np.nan]]),
    ],
)
def test_other_files_hold_shares(tmp_path, values, expected):
    np.save(tmp_path / "soft.npy", values)
    np.testing.assert_allclose(data.BoundaryReader().read(tmp_path / "soft.npy"), expected)


def test_values_that_are_no_shares_are_refused():
    with pytest.raises(data.LabelError, match="values from 0 to 7"):
        data.BoundaryReader().convert(np.array([[0.0, 7.0]]), "a.npy")
    with pytest.raises(ValueError, match=r"must be numbers \(H, W\), got float64 \(1, 2, 2\)"):
        data.BoundaryReader().convert(np.zeros((1, 2, 2)), "a.npy")


def test_boundaries_of_label_maps_lie_where_the_class_changes():
    labels = np.array([[0, 0, 2], [0, 0, 2], [1, 255, 2]])
    np.testing.assert_array_equal(outlines(labels, 255), [[0, 1, 0], [1, 1, 0], [0, np.nan, 0]])
    loaded = data.load("digits", split="val")
    edges = data.boundaries_of(loaded)
    assert edges.task.kind == "boundaries" and len(edges) == len(loaded)
    np.testing.assert_array_equal(edges[0][1], outlines(loaded[0][1], 255))
    with pytest.raises(ValueError, match="has no classes"):
        data.boundaries_of(edges)


def test_a_command_names_the_boundaries_of_a_dataset():
    name, root, options = data.parse("boundaries:digits:count=3")
    assert (name, root, options) == ("boundaries:digits", None, {"count": 3})
    edges = data.load(name, root, "val", **options)
    assert len(edges) == 3 and edges.task.kind == "boundaries"
    images, targets = next(iter(edges.batches(2, crop=(32, 32))))
    assert targets.shape == (2, 32, 32) and targets.dtype == "float32"
    with pytest.raises(ValueError, match="NAME one of"):
        data.parse("boundaries:")
    with pytest.raises(ValueError, match="digits has no option 'size=3'"):
        data.parse("boundaries:digits:size=3")
    with pytest.raises(ValueError, match="camvid needs its folder"):
        data.load("boundaries:camvid")


def test_boundaries_of_files_are_read_with_their_masks(tmp_path):
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    mask = np.zeros((5, 6), "uint8")
    mask[:, 3:] = 1
    Image.fromarray(np.zeros((5, 6, 3), "uint8")).save(tmp_path / "images/a.png")
    Image.fromarray(mask).save(tmp_path / "masks/a.png")
    (tmp_path / "classes.txt").write_text("a\nb\n")
    edges = data.boundaries_of(data.load("folder", tmp_path, "all"))
    np.testing.assert_array_equal(edges[0][1], np.eye(6)[[2] * 5])
    assert edges.read_annotations(0).shape == (1, 5, 6)
    ((_, target),) = edges.batches(1)
    np.testing.assert_array_equal(target[0], edges[0][1])
    named = data.load("boundaries:folder", tmp_path, "all")
    np.testing.assert_array_equal(named[0][1], edges[0][1])
