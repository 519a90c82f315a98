"""The Semantic Boundaries Dataset: VOC's 21 classes on 11,355 images, masks in .mat files."""

from fcn_keras.data import voc
from fcn_keras.data.augmentation import Augmentation
from fcn_keras.data.classes.beside import with_classes_beside
from fcn_keras.data.dataset import Dataset
from fcn_keras.data.layout.files import listed_split, listed_splits, named, require
from fcn_keras.data.masks.matlab import MatReader
from fcn_keras.options import Option

LABELS = voc.LABELS
HINT = voc.SBD_HINT
OPTIONS = {"voc": Option("The VOCdevkit folder, for the split seg11valid.", "FOLDER", kind=str)}


def splits(root, *, voc=None):
    """Returns those of train and val that have a list.

    Raises:
        FileNotFoundError: if there are none.
    """
    folder = _folder(root)
    require(folder / "train.txt", "sbd", HINT)
    return listed_splits(folder, ("train", "val"))


def load(root, split="train", *, voc=None):
    """Returns SBD's 8,498 training or 2,857 validation images.

    SBD's train contains images of VOC's val. After training on it, measure on "seg11valid", which
    leaves those images out.

    Args:
        root: The folder benchmark_RELEASE, its dataset/, or the folder around it.
        split: "train", "val", or "seg11valid": VOC2011's val images and masks, without SBD's
            train.
        voc: The VOCdevkit folder, for "seg11valid".

    Returns:
        A `Dataset` of 21 classes. SBD marks no void; the outlines of VOC's masks (255) are void.

    Source: Hariharan et al. (2011), Semantic Contours from Inverse Detectors.
    """
    folder = _folder(root)
    if split == "seg11valid":
        return _seg11valid(folder, voc)
    names = listed_split(folder, split, "sbd", HINT)
    images, masks = (require(folder / name, "sbd", HINT) for name in ("img", "cls"))
    dataset = Dataset(
        "sbd", split, LABELS, tuple(names), named(names, images, ".jpg"),
        named(names, masks, ".mat"), MatReader(LABELS, key=("GTcls", "Segmentation")),
        Augmentation(flip=True, scale=(0.5, 2.0), color=0.2), hint=HINT,
    )  # fmt: skip
    return with_classes_beside(dataset, [folder, root])


def _folder(root):
    return voc.sbd_folder(root)


def _seg11valid(folder, kit):
    if kit is None:
        raise ValueError("seg11valid is VOC's images: pass voc=DIR, the VOCdevkit with VOC2011.")
    return voc.load(kit, "seg11valid", sbd=folder)
