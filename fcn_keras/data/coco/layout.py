"""Where annotation tools put COCO's JSON files, and what their names say about splits."""

import codecs
import mmap
import os
import re
from pathlib import Path
from typing import NamedTuple

WORDS = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val",
    "test": "test", "testing": "test",
}  # fmt: skip
OTHERS = ("captions", "panoptic", "stuff", "image_info", "person_keypoints", "keypoints")
DEPTH = 3  # folders below the data set's in which JSON files are looked for
OF_ONE_IMAGE = 20  # so many JSON files in a folder are one for each image
_EXACT = re.compile(r"instances_(train|val|test)\d*")
_LISTS = (re.compile(rb'"images"\s*:'), re.compile(rb'"annotations"\s*:'))


class Source(NamedTuple):
    """The JSON file of a split.

    Attributes:
        file: Path of the file.
        whole: Whether all its images are the split; otherwise it holds those of others too.
        unused: JSON files of the same format that are not used.
        said: The split that the name of a file says which was asked for, or None.
        train: The JSON file of train, or None.
    """

    file: Path
    whole: bool
    unused: tuple[Path, ...] = ()
    said: str | None = None
    train: Path | None = None


class Layout(NamedTuple):
    """The JSON files of a data set.

    Attributes:
        stated: {split: file} of the files whose name or folder says a split.
        shared: The file whose images are to be divided, or None.
        unused: Files of the same format that are not used.
    """

    stated: dict[str, Path]
    shared: Path | None
    unused: tuple[Path, ...]

    def source(self, split):
        """Returns the `Source` of a split, or None."""
        if split in self.stated:
            train = self.stated.get("train", self.shared)
            return Source(self.stated[split], True, self.unused, train=train)
        if self.shared and split in ("train", "val", "test", "all"):
            alone = split == "all" or (split == "train" and "val" in self.stated)
            return Source(self.shared, alone, self.unused)
        return None


def split_word(name):
    """Returns the split that a name of a file or folder says, such as val for "instances_val2017".

    Returns:
        "train", "val", "test"; None for no word of a split, or for two.
    """
    found = {WORDS[word] for word in re.split(r"[^a-z]+", name.lower()) if word in WORDS}
    return found.pop() if len(found) == 1 else None


def stated_split(file, root):
    """Returns the split that the name of a file says, or that of the folders around it, or None.

    The name of the data set's own folder counts beside folders of other splits: valid beside train.
    """
    said, around = _split_inside(file, root), root.resolve()
    own = _folder_word(around.name)
    if said or not own:
        return said
    beside = {_folder_word(folder.name) for folder in around.parent.iterdir() if folder.is_dir()}
    return own if beside - {None, own} else None


def _split_inside(file, root):
    """The split that names below a folder say, or None."""
    folders = Path(os.path.relpath(file.parent, root)).parts[::-1]
    said = (split_word(file.stem), *map(_folder_word, folders))
    return next((split for split in said if split), None)


def _folder_word(name):
    return WORDS.get(re.sub(r"[\d_-]+$", "", name.lower()))


def find_layout(root):
    """Returns the `Layout` of the JSON files in a data set's folder.

    Where annotations/ has instances_train*.json or the like, as COCO has, no other file counts. Of
    several years there, the newest does. Elsewhere, a file of train without one of val is divided.

    Args:
        root: Path of the folder.

    Raises:
        ValueError: if it cannot be said which of several files is meant.
    """
    plain = sorted((root / "annotations").glob("instances_*.json"))
    if any(split_word(file.stem) for file in plain):
        return _layout(plain, root, divide=False)
    return _layout(_candidates(root), root)


def _layout(files, root, divide=True):
    """The `Layout` of files.

    Args:
        files: Paths of JSON files.
        root: Path of the data set.
        divide: Whether to divide the file of train where there is none of val.
    """
    by_split = {}
    for file in files:
        by_split.setdefault(stated_split(file, root), []).append(file)
    others = by_split.pop(None, [])
    stated = {s: _one_of(by_split[s], s, root) for s in ("train", "val", "test") if s in by_split}
    if others and "train" not in stated and (len(others) == 1 or not stated):
        return Layout(stated, _one_of(others, None, root), ())
    train = stated.get("train")
    if divide and train and "val" not in stated and _split_inside(train, root):
        del stated["train"]
        return Layout(stated, train, tuple(others))
    return Layout(stated, None, tuple(others))


def _one_of(files, split, root):
    """The file that is meant among those of one split: of equal names the newest year."""
    if len(files) > 1:
        exact = [file for file in files if _EXACT.fullmatch(file.stem)]
        files = exact or [file for file in files if "instances" in file.stem] or files
    names = {re.sub(r"\d+$", "", str(file.with_suffix(""))) for file in files}
    if len(names) > 1:
        shown = ", ".join(os.path.relpath(file, root) for file in sorted(files)[:6])
        more = ", ..." if len(files) > 6 else ""
        what = f"the split {split!r}" if split else "the data set"
        raise ValueError(
            f"coco: {root} has several annotation files for {what}: {shown}{more}. Choose one by "
            "annotations=FILE, a path from DIR."
        )
    return max(files)


def _candidates(root):
    """JSON files in the folder that are in COCO's format by their keys."""
    found = []
    for folder, folders, names in os.walk(root, followlinks=True):
        depth = len(Path(folder).relative_to(root).parts)
        folders[:] = sorted(n for n in folders if not n.startswith(".")) if depth < DEPTH else []
        jsons = sorted(n for n in names if n.lower().endswith(".json") and not n.startswith("."))
        if len(jsons) > OF_ONE_IMAGE:
            jsons = jsons[:3]
        found += [Path(folder) / name for name in jsons]
    fitting = [file for file in found if _has_lists(file)]
    objects = [file for file in fitting if not file.stem.lower().startswith(OTHERS)]
    return objects or fitting or found[:1]


def _has_lists(file):
    if not file.stat().st_size:
        return False
    with open(file, "rb") as opened:
        if opened.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            content = file.read_bytes().replace(b"\0", b"")
            return all(key.search(content) for key in _LISTS)
        with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return all(key.search(content) for key in _LISTS)
