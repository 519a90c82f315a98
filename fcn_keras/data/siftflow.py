"""SIFT Flow: 2,688 outdoor scenes with 33 semantic and 3 geometric classes, masks in .mat files."""

from fcn_keras.data.augmentation import Augmentation
from fcn_keras.data.classes.beside import with_classes_beside
from fcn_keras.data.dataset import Dataset
from fcn_keras.data.layout.files import listed_split, listed_splits, named, require
from fcn_keras.data.masks.matlab import MatReader
from fcn_keras.labels import LabelSet
from fcn_keras.options import Option

SEMANTIC = LabelSet(
    (
        "awning", "balcony", "bird", "boat", "bridge", "building", "bus", "car", "cow",
        "crosswalk", "desert", "door", "fence", "field", "grass", "moon", "mountain", "person",
        "plant", "pole", "river", "road", "rock", "sand", "sea", "sidewalk", "sign", "sky",
        "staircase", "streetlight", "sun", "tree", "window",
    )
)  # fmt: skip
GEOMETRIC = LabelSet(("sky", "horizontal", "vertical"))
TASKS = {"semantic": ("SemanticLabels", SEMANTIC), "geometric": ("GeoLabels", GEOMETRIC)}
SCENES = "spatial_envelope_256x256_static_8outdoorcategories"
HINT = (
    f"SIFT Flow needs Images/{SCENES}/*.jpg, SemanticLabels/{SCENES}/*.mat, "
    f"GeoLabels/{SCENES}/*.mat, from "
    "http://www.cs.unc.edu/~jtighe/Papers/ECCV10/siftflow/SiftFlowDataset.zip, and in the same "
    "folder trainval.txt and test.txt, from "
    "https://github.com/shelhamer/fcn.berkeleyvision.org (data/sift-flow)."
)
OPTIONS = {
    "task": Option("Which classes: semantic (33) or geometric (3).", "semantic|geometric", kind=str)
}


def splits(root, *, task="semantic"):
    """Returns those of trainval and test that have a list.

    Raises:
        FileNotFoundError: if there are none.
    """
    root = require(root, "siftflow", HINT)
    found = listed_splits(root, ("trainval", "test"))
    if not found:
        require(root / "trainval.txt", "siftflow", HINT)
    return found


def load(root, split="trainval", *, task="semantic"):
    """Returns SIFT Flow's scenes: 200 for testing, the others for training.

    cow, desert and moon do not occur in test, so that means are over 30 of the 33 classes. The
    lists leave out two scenes without labels (highway_bost181, street_urb506).

    Args:
        root: Folder of Images/, SemanticLabels/, GeoLabels/ and the lists.
        split: "trainval" or "test". "train" means "trainval" unless there is a train.txt.
        task: "semantic" (33 classes) or "geometric" (3).

    Returns:
        A `Dataset`; void is 0 in the files, in the geometric ones also -1.

    Raises:
        ValueError: for an unknown split or task.
        FileNotFoundError: for missing folders; the message says what was expected where.

    Source: Liu, Yuen, Torralba (2011), Nonparametric Scene Parsing via Label Transfer; geometric
    classes: Tighe and Lazebnik (2010), SuperParsing.
    """
    root = require(root, "siftflow", HINT)
    if task not in TASKS:
        raise ValueError(f"siftflow's task is semantic or geometric, got {task!r}.")
    if split == "train" and not (root / "train.txt").exists():
        split = "trainval"
    names = listed_split(root, split, "siftflow", HINT)
    folder, labels = TASKS[task]
    images, masks = (require(root / f / SCENES, "siftflow", HINT) for f in ("Images", folder))
    classes = ((c + 1, c + 1, c) for c in range(labels.num_classes))
    reader = MatReader(
        labels, values=((0, 0, labels.ignore), *classes), key=("S",),
        minus_one=0 if task == "geometric" else None,
    )  # fmt: skip
    dataset = Dataset(
        "siftflow", split, labels, tuple(names), named(names, images, ".jpg"),
        named(names, masks, ".mat"), reader, Augmentation(flip=True, scale=(0.75, 1.5), color=0.2),
        hint=HINT,
    )  # fmt: skip
    return with_classes_beside(dataset, [root])
