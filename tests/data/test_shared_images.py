"""Images that are in training and validation are found: by file, by content, in memory."""

import os

import numpy as np
import pytest

from fcn_keras import LabelSet, data
from fcn_keras.data import Dataset, MultiTaskDataset
from fcn_keras.data.shared_images import END, equal_files, shared_images

LABELS = LabelSet(("ground", "leaf"))


def in_memory(split, *shades):
    images = [np.full((4, 5, 3), shade, "uint8") for shade in shades]
    masks = [np.eye(4, 5, dtype="uint8") for _ in shades]
    return Dataset("mine", split, LABELS, tuple(map(str, shades)), images, masks)


@pytest.fixture
def folder(tmp_path, write):
    for name in "abcdef":
        write.photo(tmp_path / "images" / f"{'x' * ord(name)}.png")  # the name gives the pixels
        (tmp_path / "images" / f"{'x' * ord(name)}.png").rename(tmp_path / "images" / f"{name}.png")
        write.png(tmp_path / "masks" / f"{name}.png", write.values([0, 1]))
    write.text(tmp_path / "classes.txt", "ground", "leaf")
    write.text(tmp_path / "train.txt", "a", "b", "c")
    write.text(tmp_path / "val.txt", "d", "e")
    return tmp_path


def test_arrays_are_compared_by_their_pixels():
    assert shared_images(in_memory("train", 1, 2, 3), in_memory("val", 4, 3, 1)) == [1, 2]
    assert shared_images(in_memory("train", 1), in_memory("val", 2)) == []
    several = [
        MultiTaskDataset({"a": in_memory(split, 1), "b": in_memory(split, 1)}) for split in "xy"
    ]
    assert shared_images(*several) == [0]


def test_files_are_compared_with_links_followed(folder):
    (folder / "images" / "d.png").unlink()
    os.symlink(folder / "images" / "b.png", folder / "images" / "d.png")
    train, val = (data.load("folder", folder, split=split) for split in ("train", "val"))
    assert shared_images(train, val) == [0]


def test_copies_count_and_names_alone_do_not(tmp_path, write):
    parts = []
    for split, shades in (("train", (1, 2)), ("val", (3, 2))):
        images = tuple(tmp_path / split / f"{number}.png" for number in range(2))
        for path, shade in zip(images, shades, strict=True):
            write.png(path, np.full((4, 5, 3), shade, "uint8"))
        masks = np.zeros((4, 5), "uint8")
        write.png(tmp_path / split / "mask.png", masks)
        paths = (images, (tmp_path / split / "mask.png",) * 2)
        parts.append(Dataset("mine", split, LABELS, ("0", "1"), *paths))
    assert shared_images(*parts) == [1]


def test_records_are_the_same_where_one_reader_reads_them():
    def read(name):
        return np.zeros((4, 5, 3), "uint8")

    def part(reader):
        return Dataset("r", "val", LABELS, ("0",), ("#0",), ("#0",), image_reader=reader)

    assert shared_images(part(read), part(read)) == [0]
    assert shared_images(part(read), part(lambda name: read(name))) == []


def test_equal_files_differ_neither_at_their_ends_nor_between(tmp_path):
    files = {}
    long = bytes(3 * END)
    middle = bytes(END + 9) + b"!" + bytes(2 * END - 10)
    contents = {
        "a": long,
        "b": middle,
        "c": long[:-1] + b"!",
        "copy": long,
        "d": b"",
        "e": b"short",
    }
    for name, content in contents.items():
        files[name] = tmp_path / name
        files[name].write_bytes(content)
    found = equal_files([files[n] for n in "abd"], [files[n] for n in ("c", "copy", "e")])
    assert found == [(files["a"], files["copy"])]


def test_check_names_shared_images_and_copies(folder):
    assert not data.check("folder", folder).warnings
    write = folder / "val.txt"
    write.write_text("d\nb\nc\n")
    (folder / "images" / "d.png").write_bytes((folder / "images" / "a.png").read_bytes())
    shared, copies = data.check("folder", folder).warnings
    assert (
        shared
        == "2 images of val are in train too, so that neither tests what the other trains: b, c."
    )
    assert "1 image of val is equal, byte for byte, to one of train: " in copies
    assert copies.endswith(f"{folder / 'images' / 'd.png'} = {folder / 'images' / 'a.png'}.")


def test_check_refuses_splits_of_other_classes_or_channels(folder, monkeypatch):
    from fcn_keras.data import digits

    def report(val):
        parts = {"train": in_memory("train", 1), "val": val}
        monkeypatch.setattr(digits, "splits", lambda root=None: ["train", "val"])
        monkeypatch.setattr(digits, "load", lambda root=None, split="train": parts[split])
        return data.check("digits", progress=False)

    assert report(in_memory("val", 2)).ok
    images, masks = np.zeros((1, 4, 5, 3), "uint8"), np.ones((1, 4, 5), "uint8")
    found = report(Dataset("mine", "val", LabelSet(("ground", "fruit", "x")), "f", images, masks))
    (problem,) = found.problems
    assert problem.kind == "labels" and "train has ground, leaf; val has ground, fruit, x" in str(
        problem
    )
    assert found.counts.pixels.tolist() == [16, 4] and found.dataset.split == "train"
    (problem,) = report(
        Dataset("mine", "val", LABELS, "f", np.zeros((1, 4, 5, 5), "uint8"), masks)
    ).problems
    assert "train have 3 channels and those of val 5" in str(problem)
