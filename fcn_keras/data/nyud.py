"""NYUDv2 in the layout of the FCN authors: indoor scenes of 40 classes in colour, depth and HHA."""

import numpy as np

from fcn_keras.checks import one_of
from fcn_keras.data.augmentation import Augmentation
from fcn_keras.data.classes.beside import with_classes_beside
from fcn_keras.data.dataset import Dataset
from fcn_keras.data.images.opening import open_image
from fcn_keras.data.layout.files import listed_split, listed_splits, named, require
from fcn_keras.data.masks.matlab import MatReader
from fcn_keras.data.values import DepthReader
from fcn_keras.labels import LabelSet
from fcn_keras.options import Option

LABELS = LabelSet(
    (
        "wall", "floor", "cabinet", "bed", "chair", "sofa", "table", "door", "window", "bookshelf",
        "picture", "counter", "blinds", "desk", "shelves", "curtain", "dresser", "pillow", "mirror",
        "floor mat", "clothes", "ceiling", "books", "refridgerator", "television", "paper", "towel",
        "shower curtain", "box", "whiteboard", "person", "night stand", "toilet", "sink", "lamp",
        "bathtub", "bag", "otherstructure", "otherfurniture", "otherprop",
    )
)  # fmt: skip
HINT = (
    "NYUDv2 needs data/images/img_N.png, data/hha/img_N.png and data/depth/img_N.png, "
    "segmentation/img_N.mat, train.txt, val.txt and test.txt, as unpacked from "
    "http://dl.caffe.berkeleyvision.org/nyud.tar.gz (after Gupta et al., "
    "http://people.eecs.berkeley.edu/~sgupta/cvpr13/data.tgz)."
)
INPUTS = {"color": "images", "hha": "hha"}
OPTIONS = {
    "inputs": Option(
        "Which images: color, or hha for HHA images of the depth.", "color|hha", kind=str
    ),
    "target": Option(
        "The truth to learn: classes, or depth in metres. Default: classes.",
        kind=str,
        choices=("classes", "depth"),
    ),
}
MILLIMETRES = 0.001  # metres for one step of the depth images


def splits(root, *, inputs="color", target="classes"):
    """Returns the splits with a list that together name every image once.

    Raises:
        FileNotFoundError: if there are none.
    """
    root = require(root, "nyud", HINT)
    found = listed_splits(root)
    if not found:
        require(root / "train.txt", "nyud", HINT)
    return [split for split in found if split != "trainval" or "train" not in found]


def load(root, split="train", *, inputs="color", target="classes"):
    """Returns NYUDv2's 795 images for training and validation, or 654 for testing.

    Args:
        root: Folder of data/, segmentation/ and the lists.
        split: "train", "val", "test", or "trainval", which is both of the first.
        inputs: "color", or "hha" for images of horizontal disparity, height above ground and
            angle to gravity. `fcn_keras.data.nyud.read_depth` reads the depth.
        target: "classes" or "depth".

    Returns:
        A `Dataset` of 40 classes, where 0 of the files is void; or of depth in metres, where 0 of
        the files, which are in millimetres, is no depth.

    Raises:
        ValueError: for an unknown split, inputs or target.
        FileNotFoundError: for missing folders; the message says what was expected where.

    Source: Silberman et al. (2012); the 40 classes: Gupta, Arbelaez, Malik (2013), Perceptual
    Organization and Recognition of Indoor Scenes from RGB-D Images.
    """
    root = require(root, "nyud", HINT)
    if inputs not in INPUTS:
        raise ValueError(
            f"nyud's inputs are color or hha, got {inputs!r}; "
            "fcn_keras.data.nyud.read_depth reads the depth."
        )
    one_of("target", target, OPTIONS["target"].choices)
    parts = [split]
    if split == "trainval" and not (root / "trainval.txt").exists():
        parts = ["train", "val"]
    names = [name for part in parts for name in listed_split(root, part, "nyud", HINT)]
    images = require(root / "data" / INPUTS[inputs], "nyud", HINT)
    files = [f"img_{name}" for name in names]
    color = 0.2 if inputs == "color" else 0
    common = {
        "augmentation": Augmentation(flip=True, scale=(0.75, 1.5), color=color),
        "hint": HINT,
    }
    images = named(files, images, ".png")
    if target == "depth":
        depths = named(files, require(root / "data/depth", "nyud", HINT), ".png")
        reader = DepthReader(scale=MILLIMETRES)
        return Dataset("nyud", split, reader.task, tuple(names), images, depths, reader, **common)
    masks = named(files, require(root / "segmentation", "nyud", HINT), ".mat")
    classes = ((c + 1, c + 1, c) for c in range(LABELS.num_classes))
    reader = MatReader(LABELS, values=((0, 0, LABELS.ignore), *classes), key=("segmentation",))
    dataset = Dataset("nyud", split, LABELS, tuple(names), images, masks, reader, **common)
    return with_classes_beside(dataset, [root])


def read_depth(root, name):
    """Returns the depth image of one example.

    Args:
        root: The dataset's folder.
        name: The example's name, such as "5449".

    Returns:
        float32 (H, W), the values of the file. The published nets take their logarithm, whose mean
        over the training images is 7.844.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file has several channels.
    """
    path = require(require(root, "nyud", HINT) / "data/depth" / f"img_{name}.png", "nyud", HINT)
    values = np.asarray(open_image(path))
    if values.ndim != 2:
        raise ValueError(f"{path} has the shape {values.shape}; depth is one channel.")
    return values.astype("float32")
