"""SIFT Flow: 2,688 outdoor scenes with 33 semantic and 3 geometric classes, masks in .mat files."""

from fcn_keras.data.augmentation import Augmentation
from fcn_keras.data.files import Listing, listed_split, listed_splits, named, require
from fcn_keras.data.matlab import MatReader
from fcn_keras.labels import LabelSet

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
OPTIONS = {"task": str}


def splits(root, *, task="semantic"):
    """The splits with a list: trainval and test.

    Raises:
        FileNotFoundError: if there are none.
    """
    root = require(root, "siftflow", HINT)
    found = listed_splits(root, ("trainval", "test"))
    if not found:
        require(root / "trainval.txt", "siftflow", HINT)
    return found


def load(root, split="trainval", *, task="semantic"):
    """SIFT Flow's scenes, 200 for testing and the others for training.

    cow, desert and moon do not occur in test, so that means are over 30 of the 33 classes. The
    lists leave out two scenes that were never labelled (highway_bost181, street_urb506).

    Args:
        root: Folder that holds Images/, SemanticLabels/, GeoLabels/ and the lists.
        split: "trainval" ("train" means the same, unless there is a train.txt) or "test".
        task: "semantic" (33 classes) or "geometric" (3).

    Returns:
        A `Dataset`; the files' 0, and -1 of the geometric ones, are void.

    Raises:
        ValueError: for an unknown split or task.
        FileNotFoundError: for missing files, saying what was expected where.

    Source: Liu, Yuen, Torralba (2011), Nonparametric Scene Parsing via Label Transfer; geometric
    classes: Tighe and Lazebnik (2010), SuperParsing.
    """
    return listing(root, split, task=task).dataset()


def listing(root, split="trainval", *, task="semantic"):
    """The `files.Listing` behind `load`, which takes the same."""
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
    return Listing(
        "siftflow", split, labels, tuple(names), named(names, images, ".jpg"),
        named(names, masks, ".mat"), reader, Augmentation(flip=True, scale=(0.75, 1.5), color=0.2),
        HINT,
    )  # fmt: skip
