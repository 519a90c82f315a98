"""Datasets for segmentation: one file a dataset, one pipeline from examples to batches."""

from fcn_keras.data import camvid, digits
from fcn_keras.data.dataset import Dataset
from fcn_keras.data.images import read_image
from fcn_keras.data.masks import LabelError, MaskReader
from fcn_keras.data.augmentation import Augmentation
from fcn_keras.data.statistics import class_pixels, class_weights

_DATASETS = {"digits": digits, "camvid": camvid}

__all__ = [
    "Augmentation",
    "Dataset",
    "LabelError",
    "MaskReader",
    "class_pixels",
    "class_weights",
    "load",
    "names",
    "parse",
    "read_image",
]


def names():
    """The names that `load` knows, a list of str."""
    return list(_DATASETS)


def load(name, root=None, split="train", **options):
    """Loads one split of a dataset.

    Args:
        name: One of `names()`: "digits" needs no files; "camvid", "voc" and "folder" read `root`.
        root: The dataset's folder.
        split: Name of the split: "train", "val", ...
        **options: The dataset's own; see the `load` of its module.

    Returns:
        A `Dataset`.

    Raises:
        ValueError: for an unknown dataset or split.
        FileNotFoundError: for missing files, saying what was expected where.

    Example:

    ```python
    data = fcn_keras.data.load("digits", split="val")
    ```
    """
    if name not in _DATASETS:
        raise ValueError(f"There is no dataset {name!r}. Known: {', '.join(_DATASETS)}.")
    module = _DATASETS[name]
    splits = getattr(module, "SPLITS", None)
    if splits and split not in splits:
        raise ValueError(f"{name} has no split {split!r}; it has {', '.join(splits)}.")
    return module.load(root, split, **options)


def parse(text):
    """`(name, root)` of the command line's NAME or NAME:DIR.

    Raises:
        ValueError: for an unknown name.
    """
    name, _, root = text.partition(":")
    if name not in _DATASETS:
        raise ValueError(
            f"--data is NAME or NAME:DIR with NAME one of {', '.join(_DATASETS)}; got {text!r}."
        )
    return name, root or None
