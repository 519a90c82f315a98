"""convert writes a folder that is read as the dataset that it was made of."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from fcn_keras import data


def same(one, other):
    assert one.labels == other.labels
    assert len(one) == len(other)
    for (image, label), (other_image, other_label) in zip(one, other, strict=True):
        np.testing.assert_array_equal(image, other_image)
        np.testing.assert_array_equal(label, other_label)


@pytest.fixture
def photos(tmp_path, write):
    """labelme's files of two images of one name, with void."""
    for split in ("train", "val"):
        path = tmp_path / "photos" / split / "a.jpg"
        write.photo(path)
        shapes = [
            {"label": label, "points": [[x, 2], [x + 8, 12]], "shape_type": "rectangle"}
            for x, label in ((1, "zone 1"), (5, "zone 2"), (20, "void"))
        ]
        content = {"shapes": shapes, "imagePath": "a.jpg", "imageHeight": 20, "imageWidth": 30}
        path.with_suffix(".json").write_text(json.dumps(content))
    return tmp_path / "photos"


def test_arrays_become_files_that_are_read_as_the_same(tmp_path):
    converted = data.convert("digits", None, tmp_path / "out", split="val", count=3, progress=False)
    assert converted.examples == {"val": 3}
    before = data.load("digits", split="val", count=3)
    same(before, data.load("folder", tmp_path / "out", split="val"))
    np.testing.assert_array_equal(converted.counts.pixels, data.class_pixels(before)[0])


def test_files_are_copied_and_names_of_two_splits_do_not_meet(photos, tmp_path):
    converted = data.convert("labelme", photos, tmp_path / "out", progress=False)
    assert converted.examples == {"train": 1, "val": 1}
    assert converted.labels.names == ("background", "zone 1", "zone 2")
    copied = tmp_path / "out" / "images" / "train-a.jpg"
    assert copied.read_bytes() == (photos / "train" / "a.jpg").read_bytes()
    for split in ("train", "val"):
        same(data.load("labelme", photos, split), data.load("folder", tmp_path / "out", split))
    assert data.check("folder", tmp_path / "out", progress=False).ok


def test_images_that_options_define_become_png(tmp_path, write):
    root = tmp_path / "deep"
    write.text(root / "classes.txt", "a", "b")
    for name in "abc":
        write.png(root / "masks" / f"{name}.png", write.values([0, 1]))
        deep = write.values(range(0, 4096, 7), dtype="uint16")
        (root / "images").mkdir(exist_ok=True)
        Image.fromarray(deep).save(root / "images" / f"{name}.png")
    data.convert("folder", root, tmp_path / "out", bits=12, progress=False)
    before = data.load("folder", root, bits=12)
    after = data.load("folder", tmp_path / "out")
    for index in range(len(before)):
        np.testing.assert_array_equal(before.read_image(index), after.read_image(index))


def test_what_cannot_be_read_is_left_out_and_reported(command, photos, tmp_path):
    shutil.copytree(photos / "train", photos / "test")
    (photos / "test" / "a.jpg").write_text("no image")
    code, out, err = command("convert", f"labelme:{photos}", f"folder:{tmp_path / 'out'}")
    assert code == 1
    assert "1 in train, 1 in val, 0 in test" in out and "check-data folder:" in out
    assert "a.jpg" in err
    assert not (tmp_path / "out" / "test.txt").exists()


def test_a_folder_with_images_and_other_targets_are_refused(command, parts, tmp_path):
    code, _, err = command("convert", "digits:count=1", f"folder:{parts}")
    assert code == 1 and "images is there already; choose a new folder" in err
    code, _, err = command("convert", "digits:count=1", str(tmp_path / "out"))
    assert code == 1 and "convert writes to folder:OUT" in err
    with pytest.raises(ValueError, match="for datasets of classes; .* 'depth'"):
        data.convert("scenes", None, tmp_path / "out", target="depth", count=1)
