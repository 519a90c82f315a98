"""Cityscapes with fine annotations: street scenes of 2048x1024, 34 ids of which 19 are classes."""

from fcn_keras.data.augmentation import Augmentation
from fcn_keras.data.classes.beside import with_classes_beside
from fcn_keras.data.dataset import Dataset
from fcn_keras.data.layout.files import require
from fcn_keras.data.masks.reader import MaskReader
from fcn_keras.labels import LabelSet

CLASSES = {  # name: id in the files, colour
    "road": (7, (128, 64, 128)), "sidewalk": (8, (244, 35, 232)), "building": (11, (70, 70, 70)),
    "wall": (12, (102, 102, 156)), "fence": (13, (190, 153, 153)), "pole": (17, (153, 153, 153)),
    "traffic light": (19, (250, 170, 30)), "traffic sign": (20, (220, 220, 0)),
    "vegetation": (21, (107, 142, 35)), "terrain": (22, (152, 251, 152)),
    "sky": (23, (70, 130, 180)), "person": (24, (220, 20, 60)), "rider": (25, (255, 0, 0)),
    "car": (26, (0, 0, 142)), "truck": (27, (0, 0, 70)), "bus": (28, (0, 60, 100)),
    "train": (31, (0, 80, 100)), "motorcycle": (32, (0, 0, 230)), "bicycle": (33, (119, 11, 32)),
}  # fmt: skip
LABELS = LabelSet(tuple(CLASSES), tuple(color for _, color in CLASSES.values()))
LAST_ID = 33
VALUES = (
    (0, LAST_ID, LABELS.ignore),
    *((value, value, label) for label, (value, _) in enumerate(CLASSES.values())),
)
HINT = (
    "Cityscapes needs leftImg8bit/SPLIT/CITY/*_leftImg8bit.png and "
    "gtFine/SPLIT/CITY/*_gtFine_labelIds.png, as unpacked from leftImg8bit_trainvaltest.zip and "
    "gtFine_trainvaltest.zip of https://www.cityscapes-dataset.com/downloads/ (after registration)."
)
OPTIONS = {}


def splits(root):
    """Returns those of train and val that are there.

    Raises:
        FileNotFoundError: if there is no such dataset.
    """
    root = require(root, "cityscapes", HINT)
    require(root / "leftImg8bit", "cityscapes", HINT)
    found = [split for split in ("train", "val") if (root / "leftImg8bit" / split).is_dir()]
    if not found:
        require(root / "leftImg8bit" / "train", "cityscapes", HINT)
    return found


def load(root, split="train"):
    """Returns Cityscapes' 2,975 training or 500 validation images.

    Args:
        root: Folder of leftImg8bit/ and gtFine/.
        split: "train" or "val". The labels of test are not published.

    Returns:
        A `Dataset` of 19 classes; the other ids of the files are void. Where a list of other
        classes lies in the folder (label_colors.txt), it has those; `notes` says so.

    Raises:
        ValueError: for "test" and unknown splits.
        FileNotFoundError: for missing folders; the message says what was expected where.

    Source: Cordts et al. (2016), The Cityscapes Dataset for Semantic Urban Scene Understanding.
    """
    root = require(root, "cityscapes", HINT)
    if split not in ("train", "val"):
        kept = " The classes of the test images are not published." if split == "test" else ""
        raise ValueError(f"cityscapes has no split {split!r}; it has train and val.{kept}")
    images, masks = (
        require(root / name / split, "cityscapes", HINT) for name in ("leftImg8bit", "gtFine")
    )
    ends = ("_leftImg8bit.png", "_gtFine_labelIds.png")
    pairs = sorted(
        {
            (path.parent.name, path.name.removesuffix(end))
            for folder, end in zip((images, masks), ends, strict=True)
            for path in folder.glob(f"*/*{end}")
        }
    )
    if not pairs:
        raise FileNotFoundError(f"cityscapes: there are no images in {images}. {HINT}")
    dataset = Dataset(
        "cityscapes", split, LABELS, tuple(name for _, name in pairs),
        tuple(images / city / f"{name}{ends[0]}" for city, name in pairs),
        tuple(masks / city / f"{name}{ends[1]}" for city, name in pairs),
        MaskReader(LABELS, values=VALUES), Augmentation(flip=True, scale=(0.5, 2.0), color=0.2),
        hint=HINT,
    )  # fmt: skip
    return with_classes_beside(dataset, [root], used=True)
