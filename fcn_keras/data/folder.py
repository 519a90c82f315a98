"""Your own images: a folder with images/, masks/ and classes.txt."""

import dataclasses
import hashlib
import itertools
import re
from pathlib import Path
from typing import NamedTuple

from fcn_keras.data.augmentation import Augmentation
from fcn_keras.data.files import Listing, by_stem, listed, paired, require
from fcn_keras.data.masks import MaskReader
from fcn_keras.labels import VOID_COLOR, LabelSet

HINT = (
    "A dataset folder holds images/ (photographs), masks/ (one PNG of the same name and size for "
    "each) and classes.txt (one class a line, in the order of the masks' values; for masks in "
    "colour `name red green blue`)."
)
OPTIONS = {"binary": bool, "void": (int,), "images": str, "masks": str}
VAL_SHARE = 0.2
_LINE = re.compile(
    r"(?P<name>.+?)(?:[\s,]+(?P<red>\d+)[\s,]+(?P<green>\d+)[\s,]+(?P<blue>\d+))?"
    r"(?:\s*=\s*(?P<first>\d+)(?:\s*-\s*(?P<last>\d+))?)?"
)


class Class(NamedTuple):
    """One line of classes.txt: a name, and how the class shows in the masks."""

    name: str
    color: tuple[int, int, int] | None
    values: tuple[int, int] | None

    @property
    def is_void(self):
        """Whether the line says what void is."""
        return self.name.lower() == "void"


def splits(root, **options):
    """Splits that together hold every image: train and val, or the lists there are and "all".

    Raises:
        FileNotFoundError: if the folder is not there.
    """
    lists = _lists(require(root, "folder", HINT))
    found = [split for split in ("train", "val", "test", "trainval") if split in lists]
    return [*found, "all"] if found else ["train", "val"]


def load(root, split="train", *, images="images", masks="masks", binary=False, void=()):
    """Images and masks of your own.

    classes.txt has one class a line: `name`, or `name red green blue` with its colour in RGB and
    palette masks. In index masks a class has the number of its line, counted from 0, unless lines
    end in `= value` or `= first-last`. A line named `void` is no class: it says what is to be left
    out (`void = 11`, `void 0 0 0`); 255 is void anyway, if no class has it. `#` begins a comment.

    Args:
        root: The dataset's folder.
        split: A list's name: train.txt, val.txt, ... hold names, one a line. With only one of
            train.txt and val.txt, the other is the rest; without, a fifth of the images, chosen
            by a hash of their names, is "val"; names in test.txt are in neither. "all" is every
            image.
        images: Name of the folder of images.
        masks: Name of the folder of masks.
        binary: Read every non-zero value of the masks as class 1. Without a classes.txt the two
            classes are called background and object.
        void: Further value of the masks that stands for void, or several.

    Returns:
        A `Dataset`.

    Raises:
        FileNotFoundError: for missing files, saying what was expected where.
        ValueError: for a classes.txt that cannot be understood, or an unknown split.
    """
    return listing(root, split, images=images, masks=masks, binary=binary, void=void).dataset()


def listing(root, split="train", *, images="images", masks="masks", binary=False, void=()):
    """The `files.Listing` behind `load`, which takes the same."""
    root = require(root, "folder", HINT)
    image_folder, mask_folder = (require(root / name, "folder", HINT) for name in (images, masks))
    path = root / "classes.txt"
    if binary and not path.exists():
        lines = [Class("background", None, None), Class("object", None, None)]
    else:
        lines = read_classes(require(path, "folder", HINT))
    void = (void,) if isinstance(void, int) else tuple(void)
    labels, reader = _reader(path, lines, void, binary)
    names = _names(root, split, image_folder, mask_folder)
    return Listing(
        "folder", split, labels, tuple(names), *paired(names, image_folder, mask_folder), reader,
        Augmentation(flip=True, scale=(0.75, 1.5), color=0.2),
    )  # fmt: skip


def read_classes(path):
    """The lines of a classes.txt, as a list of `Class`.

    Raises:
        ValueError: naming the line that cannot be understood.
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
        raise ValueError(f"{path} names no class; it needs one a line.")
    return classes


def _reader(path, lines, void, binary):
    """The `LabelSet` and `MaskReader` that the lines of classes.txt describe."""
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
        raise ValueError(f"{path}: {name!r} has no {what}, but other classes have; all need one.")


def _values(path, lines, ignore):
    """What each value of an index mask means: (first, last, label), in the order of the lines."""
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
