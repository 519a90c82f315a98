"""Your own images: a folder of images with masks and classes.txt, or with a map of values each."""

import dataclasses
import hashlib
import itertools
import re
from pathlib import Path
from typing import NamedTuple

from fcn_keras.data.augmentation import Augmentation
from fcn_keras.data.dataset import Dataset
from fcn_keras.data.files import by_stem, listed, paired, require
from fcn_keras.data.masks import MaskReader
from fcn_keras.data.npy import is_npy, npy_header
from fcn_keras.data.values import ValueReader
from fcn_keras.labels import VOID_COLOR, LabelSet
from fcn_keras.options import Option
from fcn_keras.tasks import Regression

HINT = (
    "A dataset folder has images/ (photographs), masks/ (one PNG of the same name and size for "
    "each) and classes.txt (one class per line, in the order of the masks' values; for masks in "
    "colour `name red green blue`)."
)
VALUES_HINT = (
    "A dataset folder for regression has images/ and targets/ (for each image one .npy file or "
    "16-bit PNG of the same name and size)."
)
OPTIONS = {
    "binary": Option("Every value of the masks but 0 is class 1.", kind=bool),
    "void": Option("A value of the files that means void, or no value.", kind=int, repeatable=True),
    "images": Option("Folder of images in DIR. Default: images.", kind=str),
    "masks": Option("Folder of masks or targets in DIR. Default: masks, or targets.", kind=str),
    "regression": Option(
        "The targets are values of this name, not classes.",
        metavar="[NAME]",
        parse=lambda text: text or "value",
    ),
    "unit": Option("Unit of the values, such as m.", kind=str),
    "scale": Option("Units of the values for one unit of the files.", kind=float),
}
VAL_SHARE = 0.2
_LINE = re.compile(
    r"(?P<name>.+?)(?:[\s,]+(?P<red>\d+)[\s,]+(?P<green>\d+)[\s,]+(?P<blue>\d+))?"
    r"(?:\s*=\s*(?P<first>\d+)(?:\s*-\s*(?P<last>\d+))?)?"
)


class Class(NamedTuple):
    """One line of classes.txt: a name, and the class's colour or values in the masks."""

    name: str
    color: tuple[int, int, int] | None
    values: tuple[int, int] | None

    @property
    def is_void(self):
        """Whether the line describes void."""
        return self.name.lower() == "void"


def splits(root, **options):
    """Returns splits that together hold every image: train and val, or the lists and "all".

    Raises:
        FileNotFoundError: if the folder is not there.
    """
    lists = _lists(require(root, "folder", HINT))
    found = [split for split in ("train", "val", "test", "trainval") if split in lists]
    return [*found, "all"] if found else ["train", "val"]


def load(
    root,
    split="train",
    *,
    images="images",
    masks=None,
    binary=False,
    void=(),
    regression=None,
    unit="",
    scale=1.0,
):
    """Returns images and masks of your own, or images and maps of values.

    classes.txt has one class per line: `name`, or `name red green blue` with its colour in RGB and
    palette masks. In index masks a class has the number of its line, counted from 0, unless lines
    end in `= value` or `= first-last`. A line named `void` is no class: it describes the pixels
    that are left out (`void = 11`, `void 0 0 0`). 255 is always void unless a class has it. `#`
    begins a comment.

    With `regression` there are no classes. The targets are float maps: .npy files, (H, W) or
    (H, W, C) with NaN for pixels without a value, or PNGs of one channel with 16 bits.

    Args:
        root: The dataset's folder.
        split: Name of a list: train.txt, val.txt, ... have one name per line. With only one of
            train.txt and val.txt, the other is the rest. Without either, a fifth of the images,
            chosen by a hash of their names, is "val". Names in test.txt are in neither. "all" is
            every image.
        images: Name of the folder of images.
        masks: Name of the folder of masks, or of targets. Default: "masks"; with `regression`
            "targets".
        binary: Whether every value of the masks but 0 is class 1. Without a classes.txt the two
            classes are then called background and object.
        void: A further value of the files that means void, or several; with `regression` a value
            of the files that means no value.
        regression: Name of the values, such as "distance", or True for "value".
        unit: Unit of the values, such as "m".
        scale: Units of the values for one unit of the files: 0.001 for PNGs in millimetres and
            values in metres.

    Returns:
        A `Dataset`.

    Raises:
        FileNotFoundError: for missing folders and lists; the message says what was expected where.
        ValueError: for a classes.txt with a line that means nothing, an unknown split, or
            options that exclude each other.
    """
    masks = masks or ("targets" if regression else "masks")
    hint = VALUES_HINT if regression else HINT
    root = require(root, "folder", hint)
    image_folder, mask_folder = (require(root / name, "folder", hint) for name in (images, masks))
    names = tuple(_names(root, split, image_folder, mask_folder))
    paths, targets = paired(names, image_folder, mask_folder)
    void = (void,) if isinstance(void, int) else tuple(void)
    if regression:
        if binary:
            raise ValueError("binary=True is for classes; it does not go with regression.")
        name = "value" if regression is True else regression
        task = Regression(name, _channels(targets), unit)
        reader = ValueReader(task, scale, void)
    elif unit or scale != 1:
        raise ValueError("unit and scale go with regression=NAME.")
    else:
        task, reader = _classes(root / "classes.txt", void, binary)
    augmentation = Augmentation(flip=True, scale=(0.75, 1.5), color=0.2)
    hint = hint if regression else ""
    return Dataset("folder", split, task, names, paths, targets, reader, augmentation, hint=hint)


def _channels(targets):
    """The number of values per pixel, from the first .npy file that can be read; 1 for images."""
    headers = (npy_header(path) for path in targets if is_npy(path))
    shape = next((header[0] for header in headers if header), ())
    return shape[2] if len(shape) == 3 else 1


def _classes(path, void, binary):
    """The `LabelSet` and the `MaskReader` of a classes.txt."""
    if binary and not path.exists():
        lines = [Class("background", None, None), Class("object", None, None)]
    else:
        lines = read_classes(require(path, "folder", HINT))
    return _reader(path, lines, void, binary)


def read_classes(path):
    """Returns the lines of a classes.txt, a list of `Class`.

    Raises:
        ValueError: for a line that means nothing; the message quotes it.
    """
    classes = []
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text ({error}); save it as UTF-8.") from error
    for number, line in enumerate(text.splitlines(), 1):
        line = line.partition("#")[0].strip()
        if not line:
            continue
        parts = _LINE.fullmatch(line).groupdict()
        color = tuple(int(parts[c]) for c in ("red", "green", "blue")) if parts["red"] else None
        first, last = parts["first"], parts["last"] or parts["first"]
        values = (int(first), int(last)) if first else None
        if color and max(color) > 255 or values and not values[0] <= values[1] <= 65535:
            raise ValueError(
                f"{path}, line {number}: {line!r} is not `name`, `name red green blue` (0 to 255) "
                "or `name = value` (0 to 65535)."
            )
        classes.append(Class(parts["name"], color, values))
    if not any(not c.is_void for c in classes):
        raise ValueError(f"{path} names no class; it needs one per line.")
    return classes


def _reader(path, lines, void, binary):
    """Returns the `LabelSet` and the `MaskReader` that the lines of classes.txt describe."""
    classes = [line for line in lines if not line.is_void]
    _all_or_none(path, "colour", classes, [line.color for line in classes])
    _all_or_none(path, "value", classes, [line.values for line in classes])
    colors = tuple(line.color for line in classes) if classes[0].color else None
    labels = LabelSet(tuple(line.name for line in classes), colors)
    if binary and len(classes) != 2:
        raise ValueError(f"binary=True needs two classes; {path} names {len(classes)}.")
    values = ((0, 0, 0), (1, 65535, 1)) if binary else _values(path, lines, labels.ignore)
    void_colors = tuple(line.color for line in lines if line.is_void and line.color)
    reader = MaskReader(
        labels, void, values, void_colors or (VOID_COLOR,), palette_is_key=colors is not None
    )
    refuse = len(classes) <= 2 and not reader.declares_255
    return labels, dataclasses.replace(reader, refuse_binary=refuse)


def _all_or_none(path, what, classes, given):
    if any(given) and None in given:
        name = classes[given.index(None)].name
        raise ValueError(
            f"{path}: {name!r} has no {what}, but other classes have one; all need one."
        )


def _values(path, lines, ignore):
    """The meaning of the values of an index mask: (first, last, label) in the order of lines."""
    meanings, place, number = [], 0, 0
    for line in lines:
        label = ignore if line.is_void else number
        if line.values:
            meanings.append((*line.values, label))
        else:
            meanings.append((place, place, label))
            place += 1
        number += not line.is_void
    for (_, last, _), (first, _, _) in itertools.pairwise(sorted(meanings)):
        if first <= last:
            raise ValueError(f"{path}: the value {first} is given to two classes.")
    return tuple(meanings)


def _lists(root):
    return {path.stem: path for path in Path(root).glob("*.txt") if path.stem != "classes"}


def _names(root, split, images, masks):
    lists = _lists(root)
    names = sorted({*by_stem(images), *by_stem(masks)})
    if split in lists:
        return listed(lists[split], names)
    if not names:
        raise ValueError(f"folder: there are no images in {images}.")
    if split == "all":
        return names
    other = {"train": "val", "val": "train"}.get(split)
    if other is None:
        known = ", ".join([*splits(root), "all"])
        raise ValueError(
            f"folder has no split {split!r}: {root / split}.txt is not there ({known})."
        )
    tested = set(listed(lists["test"], names)) if "test" in lists else set()
    names = [name for name in names if name not in tested]
    if other in lists:
        chosen = set(listed(lists[other], names))
        kept = [name for name in names if name not in chosen]
    else:
        order = sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())
        chosen = set(order[: max(1, round(VAL_SHARE * len(names)))])
        kept = [name for name in names if (name in chosen) == (split == "val")]
    if not kept:
        raise ValueError(f"folder: of {len(names)} image(s) none is left for {split!r}.")
    return kept
