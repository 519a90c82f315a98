"""`check` finds and names everything that is wrong in one pass."""

import dataclasses
import json

import numpy as np
import pytest
from PIL import Image

from fcn_keras import data, visualize
from fcn_keras.data import digits

SIZE = (6, 8)


@pytest.fixture
def folder(tmp_path):
    """Ten good pairs of three classes, the third of which never occurs."""
    for kind in ("images", "masks"):
        (tmp_path / kind).mkdir()
    rng = np.random.default_rng(0)
    for number in range(10):
        image = rng.integers(0, 256, (*SIZE, 3)).astype("uint8")
        Image.fromarray(image).save(tmp_path / "images" / f"n{number}.png")
        Image.fromarray(np.resize(np.array([0, 0, 0, 1, 255, 1], "uint8"), SIZE)).save(
            tmp_path / "masks" / f"n{number}.png"
        )
    (tmp_path / "classes.txt").write_text("ground\nleaf\nfruit\n")
    return tmp_path


def messages(report, kind=None):
    return [p.message for p in report.problems if kind in (None, p.kind)]


def test_all_is_well(folder):
    report = data.check("folder", folder)
    assert report.ok and not report.problems
    assert sum(report.examples.values()) == len(report.dataset) == 10
    assert report.counts.pixels.tolist() == [240, 160, 0]
    assert report.counts.images.tolist() == [10, 10, 0]
    assert report.counts.void_pixels == 80
    assert any("fruit" in warning for warning in report.warnings)
    lines = report.table().splitlines()
    assert "50.00%" in lines[1] and "ground" in lines[1]
    assert "never occurs" in lines[3]
    assert "16.67%" in lines[4]


def test_every_problem_is_found_and_named(folder):
    images, masks = folder / "images", folder / "masks"
    (images / "n0.png").write_bytes(b"no image")
    whole = (images / "n1.png").read_bytes()
    (images / "n1.png").write_bytes(whole[: len(whole) // 2])
    (masks / "n2.png").write_bytes(b"no mask")
    (masks / "n3.png").unlink()
    (images / "n4.png").unlink()
    Image.fromarray(np.zeros((3, 3), "uint8")).save(masks / "n5.png")
    Image.fromarray(np.full(SIZE, 9, "uint8")).save(masks / "n6.png")
    Image.fromarray(np.full((*SIZE, 3), 77, "uint8")).save(masks / "n7.png")

    with pytest.raises(FileNotFoundError):
        data.load("folder", folder, split="all")
    report = data.check("folder", folder)
    assert not report.ok and len(report.problems) == 8
    unreadable = " ".join(messages(report, "unreadable"))
    assert all(
        str(path) in unreadable for path in (images / "n0.png", images / "n1.png", masks / "n2.png")
    )
    missing = " ".join(messages(report, "missing"))
    assert "n3.png" in missing and "n4" in missing
    (size,) = messages(report, "size")
    assert "n5.png" in size and "6x8" in size and "3x3" in size
    wrong = messages(report, "labels")
    assert any("n6.png holds the label 9; allowed are 0 to 2" in text for text in wrong)
    assert any("n7.png" in text and "77" in text for text in wrong)
    assert all(str(problem).split(":")[0] in ("train", "val", "all") for problem in report.problems)
    assert sorted(report.dataset.names) == ["n8", "n9"]


def test_one_split(folder):
    (folder / "train.txt").write_text("n0\nn1\n")
    (folder / "val.txt").write_text("n2\nn1\nn99\n")
    assert data.check("folder", folder, "train").examples == {"train": 2}
    report = data.check("folder", folder)
    assert report.examples["train"] == 2 and report.examples["val"] == 1
    assert sum(report.examples.values()) == 10
    assert any("n99" in text for text in messages(report, "missing"))
    assert any("n1" in text and "train" in text for text in report.warnings)


def test_binary_masks(folder):
    (folder / "classes.txt").write_text("ground\nleaf\n")
    for path in (folder / "masks").iterdir():
        Image.fromarray(np.resize(np.array([0, 255], "uint8"), SIZE)).save(path)
    report = data.check("folder", folder)
    assert len(report.problems) == 10
    assert "folder:DIR,binary" in report.problems[0].message
    assert data.check("folder", folder, binary=True).ok


def test_a_dataset_and_the_digits():
    digits = data.load("digits", split="val", count=5)
    report = data.check(digits)
    assert report.ok and report.examples == {"val": 5}
    np.testing.assert_array_equal(report.counts.pixels, data.class_pixels(digits)[0])


def test_report_as_json(folder):
    (folder / "masks" / "n3.png").unlink()
    report = data.check("folder", folder)
    figures = json.loads(json.dumps(report.to_dict()))
    assert figures["pixels"] == report.counts.pixels.tolist()
    assert figures["problems"][0]["kind"] == "missing"


def test_nothing_to_read(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        data.check("folder", tmp_path / "nowhere")
    with pytest.raises(ValueError, match="folder:DIR"):
        data.check("folder")


def test_contact_sheet_shows_images_and_coloured_masks(folder, tmp_path):
    dataset = data.load("folder", folder, split="all")
    path = visualize.contact_sheet(dataset, tmp_path / "sheet.png", count=4, columns=2)
    sheet = np.array(Image.open(path).convert("RGB"))
    leaf = (sheet == dataset.labels.palette[1]).all(axis=-1).sum()
    # A third of each of the four masks, which are 200 pixels wide, and a swatch in the legend.
    assert 4 * 200 * 150 / 3 * 0.9 < leaf < 4 * 200 * 150 / 3 * 1.2


def test_contact_sheet_leaves_out_what_cannot_be_read(folder, tmp_path):
    dataset = data.load("folder", folder, split="all")
    (folder / "images" / "n0.png").write_bytes(b"no image")
    assert visualize.contact_sheet(dataset, tmp_path / "sheet.png").is_file()
    for path in (folder / "masks").iterdir():
        path.unlink()
    with pytest.raises(ValueError, match="folder"):
        visualize.contact_sheet(dataset, tmp_path / "none.png")


def test_masks_of_0_and_255_alone_are_a_problem_with_three_classes_too(folder):
    for path in (folder / "masks").iterdir():
        Image.fromarray(np.resize(np.array([0, 255], "uint8"), SIZE)).save(path)
    report = data.check("folder", folder)
    assert not report.ok and "255 means void by convention" in messages(report, "labels")[0]
    (folder / "classes.txt").write_text("ground\nleaf\nfruit\nvoid = 255\n")
    (message,) = messages(data.check("folder", folder))
    assert "Every pixel of train that has a class is 'ground'" in message


def test_an_image_too_large_is_one_problem_among_others(folder, monkeypatch):
    Image.new("RGB", (300, 300)).save(folder / "images" / "n3.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    (message,) = messages(data.check("folder", folder), "unreadable")
    assert "n3.png" in message and "exceeds limit" in message


def test_notes_of_a_dataset_are_reported_once(command, tmp_path, monkeypatch):
    read = digits.load

    def load(root=None, split="train"):
        return dataclasses.replace(read(root, split).take(2), notes=("Read so.",))

    monkeypatch.setattr(digits, "splits", lambda root=None: ["val", "test"])
    monkeypatch.setattr(digits, "load", load)
    report = data.check("digits")
    assert report.notes == ("Read so.",) and report.to_dict()["notes"] == ["Read so."]
    code, out, _ = command("check-data", "digits", "--sheet", tmp_path / "sheet.png")
    assert code == 0 and out.count("note: Read so.\n") == 1
