"""PASCAL VOC's segmentation task as its development kit lays it out: 21 classes, palette masks."""

from pathlib import Path

from fcn_keras.data.augmentation import Augmentation
from fcn_keras.data.files import Listing, listed, paired, require
from fcn_keras.data.masks import MaskReader
from fcn_keras.labels import LabelSet

LABELS = LabelSet(
    (
        "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat",
        "chair", "cow", "diningtable", "dog", "horse", "motorbike", "person", "pottedplant",
        "sheep", "sofa", "train", "tvmonitor",
    )
)  # fmt: skip
HINT = (
    "It needs JPEGImages/, SegmentationClass/ and ImageSets/Segmentation/; root is the VOCdevkit "
    "folder or a year's folder in it, as unpacked from the archives at "
    "http://host.robots.ox.ac.uk/pascal/VOC/."
)
LISTS = Path("ImageSets") / "Segmentation"
OPTIONS = {"year": int}


def splits(root, *, year=None):
    """The lists of ImageSets/Segmentation that together name every image: train and val, else all.

    Raises:
        FileNotFoundError: if there are no lists.
    """
    lists = require(_year_folder(root, year) / LISTS, "voc", HINT)
    found = {path.stem for path in lists.glob("*.txt")}
    return [split for split in ("train", "val") if split in found] or sorted(found)


def load(root, split="train", *, year=None):
    """The segmentation images of PASCAL VOC.

    Args:
        root: The VOCdevkit folder, or a year's folder in it (VOC2012).
        split: "train", "val", "trainval", or any other list in ImageSets/Segmentation.
        year: Which year's folder, if the kit holds several; the latest by default.

    Returns:
        A `Dataset` of 21 classes; the outlines (255) are void.

    Source: Everingham et al. (2010), The PASCAL Visual Object Classes (VOC) Challenge.
    """
    return listing(root, split, year=year).dataset()


def listing(root, split="train", *, year=None):
    """The `files.Listing` behind `load`, which takes the same."""
    folder = _year_folder(root, year)
    names = folder / LISTS / f"{split}.txt"
    if not names.exists():
        require(folder / LISTS, "voc", HINT)
        known = sorted(path.stem for path in (folder / LISTS).glob("*.txt"))
        raise ValueError(f"voc has no split {split!r} in {names.parent}; it has {known}.")
    images = require(folder / "JPEGImages", "voc", HINT)
    masks = require(folder / "SegmentationClass", "voc", HINT)
    names = listed(names)
    augmentation = Augmentation(flip=True, scale=(0.5, 2.0), color=0.2)
    return Listing(
        "voc", split, LABELS, tuple(names), *paired(names, images, masks), MaskReader(LABELS),
        augmentation,
    )  # fmt: skip


def _year_folder(root, year):
    root = require(root, "voc", HINT)
    if (root / "VOCdevkit").is_dir():
        root = root / "VOCdevkit"
    if (root / "JPEGImages").is_dir() and (year is None or root.name == f"VOC{year}"):
        return root
    if year is not None:
        return require(root / f"VOC{year}", "voc", HINT)
    years = sorted(path for path in root.glob("VOC[0-9]*") if path.is_dir())
    return years[-1] if years else require(root / "VOC2012", "voc", HINT)
