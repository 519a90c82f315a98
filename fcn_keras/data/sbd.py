"""The Semantic Boundaries Dataset: VOC's 21 classes on 11,355 images, masks in .mat files."""

from fcn_keras.data import voc
from fcn_keras.data.augmentation import Augmentation
from fcn_keras.data.files import Listing, listed_split, listed_splits, named, require
from fcn_keras.data.matlab import MatReader

LABELS = voc.LABELS
HINT = voc.SBD_HINT
OPTIONS = {"voc": str}


def splits(root, *, voc=None):
    """The splits with a list, of train and val.

    Raises:
        FileNotFoundError: if there are none.
    """
    folder = _folder(root)
    require(folder / "train.txt", "sbd", HINT)
    return listed_splits(folder, ("train", "val"))


def load(root, split="train", *, voc=None):
    """SBD's 8,498 training or 2,857 validation images.

    Their train and val are not VOC's: images of VOC's val are in SBD's train. Whoever trains on
    SBD's train measures on "seg11valid", which leaves those out.

    Args:
        root: The folder benchmark_RELEASE, its dataset/, or the folder around it.
        split: "train", "val", or "seg11valid": VOC2011's val images and masks, without SBD's
            train.
        voc: The VOCdevkit folder, for "seg11valid".

    Returns:
        A `Dataset` of 21 classes. SBD marks no void; the outlines of VOC's masks (255) are void.

    Source: Hariharan et al. (2011), Semantic Contours from Inverse Detectors.
    """
    return listing(root, split, voc=voc).dataset()


def listing(root, split="train", *, voc=None):
    """The `files.Listing` behind `load`, which takes the same."""
    folder = _folder(root)
    if split == "seg11valid":
        return _seg11valid(folder, voc)
    names = listed_split(folder, split, "sbd", HINT)
    images, masks = (require(folder / name, "sbd", HINT) for name in ("img", "cls"))
    return Listing(
        "sbd", split, LABELS, tuple(names), named(names, images, ".jpg"),
        named(names, masks, ".mat"), MatReader(LABELS, key=("GTcls", "Segmentation")),
        Augmentation(flip=True, scale=(0.5, 2.0), color=0.2), HINT,
    )  # fmt: skip


def _folder(root):
    return voc.sbd_folder(root)


def _seg11valid(folder, kit):
    if kit is None:
        raise ValueError("seg11valid is VOC's images: pass voc=DIR, the VOCdevkit with VOC2011.")
    return voc.listing(kit, "seg11valid", sbd=folder)
