"""PASCAL VOC's segmentation task as its development kit lays it out: 21 classes, palette masks."""

from pathlib import Path

from fcn_keras.data.augmentation import Augmentation
from fcn_keras.data.files import (
    Listing,
    listed,
    listed_split,
    listed_splits,
    paired,
    require,
)
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
OPTIONS = {"year": int, "sbd": str}
SBD_HINT = (
    "SBD is the folder benchmark_RELEASE, whose dataset/ holds img/, cls/, train.txt and val.txt, "
    "as unpacked from http://www.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/"
    "semantic_contours/benchmark.tgz."
)
SBD_TRAIN, SEG11VALID = 8498, 736


def splits(root, *, year=None, sbd=None):
    """The lists of ImageSets/Segmentation that together name every image: train and val, else all.

    Raises:
        FileNotFoundError: if there are no lists.
    """
    lists = require(_year_folder(root, year) / LISTS, "voc", HINT)
    found = listed_splits(lists, None)
    return [split for split in ("train", "val") if split in found] or found


def load(root, split="train", *, year=None, sbd=None):
    """The segmentation images of PASCAL VOC.

    Args:
        root: The VOCdevkit folder, or a year's folder in it (VOC2012).
        split: "train", "val", "trainval", or any other list in ImageSets/Segmentation; or
            "seg11valid", the images of VOC2011's val that are not in SBD's train, on which the
            published nets are measured (736 images), which needs `sbd`.
        year: Which year's folder, if the kit holds several; the latest by default.
        sbd: SBD's folder (benchmark_RELEASE), for "seg11valid".

    Returns:
        A `Dataset` of 21 classes; the outlines (255) are void.

    Raises:
        ValueError: for an unknown split, or a seg11valid of another size although both lists
            are the whole ones.

    Source: Everingham et al. (2010), The PASCAL Visual Object Classes (VOC) Challenge; seg11valid:
    Long, Shelhamer, Darrell (2015), Fully Convolutional Networks for Semantic Segmentation.
    """
    return listing(root, split, year=year, sbd=sbd).dataset()


def listing(root, split="train", *, year=None, sbd=None):
    """The `files.Listing` behind `load`, which takes the same."""
    computed = split == "seg11valid" and sbd is not None
    folder = _year_folder(root, 2011 if computed and year is None else year)
    if computed:
        val = listed_split(folder / LISTS, "val", "voc", HINT)
        names = _seg11valid(val, listed(require(sbd_folder(sbd) / "train.txt", "sbd", SBD_HINT)))
    else:
        names = _names(folder, split)
    images = require(folder / "JPEGImages", "voc", HINT)
    masks = require(folder / "SegmentationClass", "voc", HINT)
    augmentation = Augmentation(flip=True, scale=(0.5, 2.0), color=0.2)
    return Listing(
        "voc", split, LABELS, tuple(names), *paired(names, images, masks), MaskReader(LABELS),
        augmentation, HINT,
    )  # fmt: skip


def sbd_folder(root):
    """SBD's dataset/ folder, found from it, from benchmark_RELEASE, or from the folder around.

    Raises:
        FileNotFoundError: saying what was expected where.
    """
    root = require(root, "sbd", SBD_HINT)
    for inside in (".", "dataset", "benchmark_RELEASE/dataset"):
        if (root / inside / "train.txt").exists() or (root / inside / "cls").is_dir():
            return root / inside
    return require(root / "dataset", "sbd", SBD_HINT)


def _seg11valid(val, trained):
    """The names of `val` that are not in `trained`, counted where both are complete."""
    seen = set(trained)
    names = [name for name in val if name not in seen]
    if not names:
        raise ValueError("seg11valid: every image of val is in SBD's train.")
    if len(trained) == SBD_TRAIN and len(val) > 1000 and len(names) != SEG11VALID:
        raise ValueError(
            f"seg11valid holds {len(names)} images instead of {SEG11VALID}: the val list of "
            f"{len(val)} names is not VOC2011's, or SBD's train list was changed."
        )
    return names


def _names(folder, split):
    try:
        return listed_split(folder / LISTS, split, "voc", HINT)
    except ValueError as error:
        if split != "seg11valid":
            raise
        raise ValueError(
            f"{error} To compute seg11valid, VOC2011's val without SBD's train, pass sbd=DIR "
            "(voc:DIR,sbd=DIR)."
        ) from error


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
