"""PASCAL-Context: VOC2010 with a class for every pixel, 59 of 459 classes, masks in .mat files."""

from pathlib import Path

from fcn_keras.data.augmentation import Augmentation
from fcn_keras.data.classes.beside import with_classes_beside
from fcn_keras.data.dataset import Dataset
from fcn_keras.data.layout.files import listed_split, listed_splits, named, require
from fcn_keras.data.masks.matlab import MatReader
from fcn_keras.labels import LabelSet
from fcn_keras.options import Option
from fcn_keras.text_files import read_text

HINT = (
    "PASCAL-Context is a folder with trainval/*.mat, labels.txt (the 459 classes) and "
    "59_labels.txt, from http://www.cs.stanford.edu/~roozbeh/pascal-context/; its images and "
    "lists are VOC2010's (JPEGImages/, ImageSets/Main/), from "
    "http://host.robots.ox.ac.uk/pascal/VOC/voc2010/, in it, beside it, or at voc=DIR."
)
OPTIONS = {
    "voc": Option("VOC2010's folder, if it is neither in DIR nor beside it.", "FOLDER", kind=str),
    "background": Option("Pixels of none of the 59 classes become class 0, not void.", kind=bool),
}
OTHER_NAMES = {"diningtable": "table", "bedcloth": "bedclothes", "clothes": "cloth"}
LISTS = Path("ImageSets") / "Main"


def splits(root, *, voc=None, background=False):
    """Returns those of train and val that VOC2010 has a list of.

    Raises:
        FileNotFoundError: if VOC2010 is not there.
    """
    return listed_splits(_voc_folder(root, voc) / LISTS, ("train", "val"))


def load(root, split="train", *, voc=None, background=False):
    """Returns PASCAL-Context's 4,998 training or 5,105 validation images.

    Args:
        root: Folder of trainval/, labels.txt and 59_labels.txt.
        split: "train" or "val", VOC2010's lists.
        voc: VOC2010's folder, or the VOCdevkit around it.
        background: Whether pixels of none of the 59 classes become class 0, as in the published
            nets of 60 classes; otherwise they are void.

    Returns:
        A `Dataset` of 59 classes in the order of 59_labels.txt, or of 60.

    Raises:
        ValueError: for an unknown split, or a class of 59_labels.txt that labels.txt lacks.
        FileNotFoundError: for missing folders; the message says what was expected where.

    Source: Mottaghi et al. (2014), The Role of Context for Object Detection and Semantic
    Segmentation in the Wild.
    """
    root = require(root, "pascal-context", HINT)
    masks = require(root / "trainval", "pascal-context", HINT)
    labels, values = _classes(root, background)
    folder = _voc_folder(root, voc)
    names = listed_split(folder / LISTS, split, "pascal-context", HINT)
    images = require(folder / "JPEGImages", "pascal-context", HINT)
    dataset = Dataset(
        "pascal-context", split, labels, tuple(names), named(names, images, ".jpg"),
        named(names, masks, ".mat"), MatReader(labels, values=values, key=("LabelMap",)),
        Augmentation(flip=True, scale=(0.5, 2.0), color=0.2), hint=HINT,
    )  # fmt: skip
    return with_classes_beside(dataset, [root], own=("labels.txt",))


def _classes(root, background):
    """Returns the `LabelSet`, and the label of each value of the maps of 459 classes.

    Three classes have different spellings in the two lists.
    """
    numbers = {name.replace(" ", ""): number for number, name in _numbered(root / "labels.txt")}
    names = [name for _, name in _numbered(root / "59_labels.txt") if name != "background"]
    labels = LabelSet(("background", *names) if background else tuple(names))
    meanings = [(0, max(numbers.values()), 0 if background else labels.ignore)]
    for label, name in enumerate(names, int(background)):
        plain = name.replace(" ", "")
        number = numbers.get(plain, numbers.get(OTHER_NAMES.get(plain)))
        if number is None:
            raise ValueError(f"{root / 'labels.txt'} lacks {name!r} of 59_labels.txt. {HINT}")
        meanings.append((number, number, label))
    return labels, tuple(meanings)


def _numbered(path):
    """Returns (number, name) of each line `number: name`."""
    lines = read_text(require(path, "pascal-context", HINT)).splitlines()
    found = []
    for line in filter(str.strip, lines):
        number, _, name = line.partition(":")
        if not number.strip().isdecimal() or not name.strip():
            raise ValueError(f"{path}: {line!r} is not `number: name`.")
        found.append((int(number), name.strip()))
    if not found:
        raise ValueError(f"{path} names no class.")
    return found


def _voc_folder(root, voc):
    root = require(root, "pascal-context", HINT)
    around = [Path(voc)] if voc else [root, root.parent]
    for place in around:
        for inside in (".", "VOC2010", "VOCdevkit/VOC2010"):
            if (place / inside / "JPEGImages").is_dir():
                return place / inside
    return require(around[0] / "VOC2010" / "JPEGImages", "pascal-context", HINT).parent
