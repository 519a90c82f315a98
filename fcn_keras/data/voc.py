"""PASCAL VOC's segmentation task in the layout of its kit: 21 classes, palette masks."""

import re
from pathlib import Path

from fcn_keras.data.augmentation import Augmentation
from fcn_keras.data.classes.beside import with_classes_beside
from fcn_keras.data.dataset import Dataset
from fcn_keras.data.layout.files import (
    listed,
    listed_split,
    listed_splits,
    paired,
    require,
)
from fcn_keras.data.layout.splitting import held_out
from fcn_keras.data.masks.reader import MaskReader
from fcn_keras.labels import LabelSet
from fcn_keras.options import Option

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
OPTIONS = {
    "year": Option("Year of the folder, where the kit has several.", kind=int),
    "sbd": Option(
        "SBD's folder (benchmark_RELEASE), for the split seg11valid.", "FOLDER", kind=str
    ),
}
SBD_HINT = (
    "SBD is the folder benchmark_RELEASE, whose dataset/ holds img/, cls/, train.txt and val.txt, "
    "as unpacked from http://www.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/"
    "semantic_contours/benchmark.tgz."
)
SBD_TRAIN, SEG11VALID = 8498, 736
SUBSETS = {"training": "train", "validation": "val", "valid": "val", "testing": "test"}
UNDIVIDED = "default"  # CVAT's list of the images of no subset


def splits(root, *, year=None, sbd=None):
    """Returns the splits that together name every image: train and val, else all there are.

    A list default.txt alone, as CVAT writes it, is divided into train and val.

    Raises:
        FileNotFoundError: if there are no lists.
    """
    lists = require(_year_folder(root, year) / LISTS, "voc", HINT)
    found = [*_stems(lists)]
    if found == [UNDIVIDED]:
        return ["train", "val"]
    return [split for split in ("train", "val") if split in found] or found


def load(root, split="train", *, year=None, sbd=None):
    """Returns the segmentation images of PASCAL VOC.

    Args:
        root: The VOCdevkit folder, or a year's folder in it (VOC2012).
        split: "train", "val", "trainval" or another list in ImageSets/Segmentation; or
            "seg11valid", which needs `sbd`: the 736 images of VOC2011's val that are not in SBD's
            train. The published nets are measured on these. A list default.txt alone is divided:
            a fifth is "val".
        year: Year of the folder, where the kit has several. Default: the latest.
        sbd: SBD's folder (benchmark_RELEASE), for "seg11valid".

    Returns:
        A `Dataset` of 21 classes; the outlines (255) are void. Where a list of other classes lies
        in the folder or the kit (CVAT's labelmap.txt), it has those; `notes` says so.

    Raises:
        ValueError: for an unknown split, or a seg11valid of another size though both lists are
            complete.

    Source: Everingham et al. (2010), The PASCAL Visual Object Classes (VOC) Challenge; seg11valid:
    Long, Shelhamer, Darrell (2015), Fully Convolutional Networks for Semantic Segmentation.
    """
    notes = ()
    computed = split == "seg11valid" and sbd is not None
    folder = _year_folder(root, 2011 if computed and year is None else year)
    if computed:
        val = listed_split(folder / LISTS, "val", "voc", HINT)
        names = _seg11valid(val, listed(require(sbd_folder(sbd) / "train.txt", "sbd", SBD_HINT)))
    else:
        names, notes = _names(folder, split)
    images = require(folder / "JPEGImages", "voc", HINT)
    masks = require(folder / "SegmentationClass", "voc", HINT)
    augmentation = Augmentation(flip=True, scale=(0.5, 2.0), color=0.2)
    dataset = Dataset(
        "voc", split, LABELS, tuple(names), *paired(names, images, masks), MaskReader(LABELS),
        augmentation, hint=HINT, notes=notes,
    )  # fmt: skip
    return with_classes_beside(dataset, _places(root, folder), used=True)


def sbd_folder(root):
    """Returns SBD's dataset/ folder, found from it, from benchmark_RELEASE or its parent folder.

    Raises:
        FileNotFoundError: if it is not there; the message says what was expected where.
    """
    root = require(root, "sbd", SBD_HINT)
    for inside in (".", "dataset", "benchmark_RELEASE/dataset"):
        if (root / inside / "train.txt").exists() or (root / inside / "cls").is_dir():
            return root / inside
    return require(root / "dataset", "sbd", SBD_HINT)


def _seg11valid(val, trained):
    """Returns the names of `val` that are not in `trained`; checks their number."""
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


def _stems(lists):
    """{split: stem of its list}: "val" is Validation.txt where there is no val.txt."""
    found = listed_splits(lists, None)
    exact = {stem: stem for stem in found if stem == stem.lower()}
    meant = {SUBSETS.get(stem.lower(), stem.lower()): stem for stem in found}
    return {**{split: stem for split, stem in meant.items() if split not in found}, **exact}


def _names(folder, split):
    """The names of a split, and notes about how they were found."""
    stems = _stems(require(folder / LISTS, "voc", HINT))
    if [*stems] == [UNDIVIDED] and split in ("train", "val"):
        every = listed_split(folder / LISTS, stems[UNDIVIDED], "voc", HINT)
        val = held_out(every)
        if len(every) > len(val):
            note = (
                f"{stems[UNDIVIDED]}.txt is the only list: val is a fifth of its images "
                f"({len(val)} of {len(every)}), chosen by a hash of their names."
            )
            return [name for name in every if (name in val) == (split == "val")], (note,)
    try:
        return listed_split(folder / LISTS, stems.get(split, split), "voc", HINT), ()
    except ValueError as error:
        if split != "seg11valid":
            raise
        raise ValueError(
            f"{error} To compute seg11valid, VOC2011's val without SBD's train, pass sbd=DIR "
            "(voc:DIR,sbd=DIR)."
        ) from error


def _places(root, folder):
    """The folders in which a list of classes may lie: the year's, the given one, the kit."""
    kit = [folder.parent] if re.fullmatch(r"VOC\d{4}", folder.name) else []
    return [folder, root, *kit]


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
