"""ADE20K as in the Scene Parsing challenge: 150 classes on 20,210 images of every kind."""

from fcn_keras.data.augmentation import Augmentation
from fcn_keras.data.classes.beside import with_classes_beside
from fcn_keras.data.dataset import Dataset
from fcn_keras.data.layout.files import by_stem, paired, require
from fcn_keras.data.masks.reader import MaskReader
from fcn_keras.labels import LabelSet
from fcn_keras.text_files import read_text

CLASSES = 150
HINT = (
    "ADE20K is the folder ADEChallengeData2016 with images/training/, annotations/training/, the "
    "same for validation, and objectInfo150.txt, as unpacked from "
    "http://data.csail.mit.edu/places/ADEchallenge/ADEChallengeData2016.zip "
    "(http://sceneparsing.csail.mit.edu)."
)
FOLDERS = {"train": "training", "val": "validation"}
OPTIONS = {}


def splits(root):
    """Returns those of train and val whose folders are there.

    Raises:
        FileNotFoundError: if there are none.
    """
    root = _folder(root)
    found = [split for split, name in FOLDERS.items() if (root / "images" / name).is_dir()]
    if not found:
        require(root / "images" / "training", "ade20k", HINT)
    return found


def load(root, split="train"):
    """Returns the 20,210 training or 2,000 validation images of the Scene Parsing challenge.

    Args:
        root: The folder ADEChallengeData2016, or the folder around it.
        split: "train" or "val" ("training" and "validation" mean the same).

    Returns:
        A `Dataset` of 150 classes with their first names in objectInfo150.txt, or with numbers
        from 1 where that file is missing. 0 in the files is no class and becomes void.

    Raises:
        ValueError: for an unknown split, or an objectInfo150.txt without exactly 150 classes.
        FileNotFoundError: for missing folders; the message says what was expected where.

    Source: Zhou et al. (2017), Scene Parsing through ADE20K Dataset.
    """
    root = _folder(root)
    split = {"training": "train", "validation": "val"}.get(split, split)
    if split not in FOLDERS:
        raise ValueError(f"ade20k has no split {split!r}; it has train and val.")
    images, masks = (
        require(root / name / FOLDERS[split], "ade20k", HINT) for name in ("images", "annotations")
    )
    labels = _labels(root / "objectInfo150.txt")
    values = ((0, 0, labels.ignore), *((c + 1, c + 1, c) for c in range(CLASSES)))
    names = sorted({*by_stem(images), *by_stem(masks)})
    if not names:
        raise FileNotFoundError(f"ade20k: there are no images in {images}. {HINT}")
    dataset = Dataset(
        "ade20k", split, labels, tuple(names), *paired(names, images, masks),
        MaskReader(labels, values=values), Augmentation(flip=True, scale=(0.5, 2.0), color=0.2),
        hint=HINT,
    )  # fmt: skip
    return with_classes_beside(dataset, [root])


def _folder(root):
    root = require(root, "ade20k", HINT)
    inside = root / "ADEChallengeData2016"
    return inside if inside.is_dir() else root


def _labels(path):
    if not path.exists():
        return LabelSet(tuple(f"class {number}" for number in range(1, CLASSES + 1)))
    lines = read_text(path).splitlines()[1:]
    full = [line.split("\t")[-1].strip() for line in lines if line.strip()]
    if len(full) != CLASSES:
        raise ValueError(f"{path} names {len(full)} classes instead of {CLASSES}.")
    short = [name.partition(",")[0].strip() for name in full]
    return LabelSet(
        tuple(s if short.count(s) == 1 else f for s, f in zip(short, full, strict=True))
    )
