"""Palette masks: whether their index or their colour says the class."""

import numpy as np

from fcn_keras.data.images.npy import is_npy
from fcn_keras.data.images.opening import UNREADABLE, opened
from fcn_keras.data.masks.label_error import LabelError

NEAR = 12
LIMIT = 200
_REMEDY = (
    "the indices of these masks are no class numbers. Give each class its colour in classes.txt "
    "(name red green blue); the masks are then read by their colours."
)


def is_grey(palette):
    """Returns whether all colours of a palette, (N, 3), are grey."""
    return bool((palette == palette[:, :1]).all())


def numbers_are_meant(palette, num_classes):
    """Returns whether the indices of a palette mask are class numbers whatever it uses.

    Args:
        palette: Its colours, uint8 (N, 3).
        num_classes: The number of classes.

    Returns:
        False where `require_numbers` has to look at the indices that are used: for a palette of
        greys other than 0, 1, 2, ..., or for two classes with black that is not at index 0.
    """
    if num_classes == 2 and len(palette) and palette[0].any() and not palette.any(axis=-1).all():
        return False
    own = (palette[:, 0] == np.arange(len(palette))) | (palette[:, 0] == 0)
    return not is_grey(palette) or bool(own.all())


def require_numbers(stored, table, num_classes):
    """Refuses a palette mask whose indices may be no class numbers.

    Args:
        stored: A `StoredMask` with a palette.
        table: From a value 0..65535 to its label, below 0 for a wrong value.
        num_classes: The number of classes.

    Raises:
        LabelError: if its greys are class numbers too, and others than its indices; or if it is
            black and white of two classes, and black is not index 0.
    """
    palette = stored.palette
    if numbers_are_meant(palette, num_classes):
        return
    used = np.unique(stored.values)
    if used[-1] >= len(palette):
        return
    colors = palette[used]
    if num_classes == 2 and palette[0].any() and not colors.any(axis=-1).all():
        raise LabelError(
            f"{stored.path} is a palette image in which black is not index 0, but index "
            f"{int(used[~colors.any(axis=-1)][0])}, and index 0 is {tuple(palette[0].tolist())}. "
            "Programs number the colours of a palette as they like, so the index may not be the "
            "class. Give both classes their colour in classes.txt (name red green blue); or pass "
            "binary=True (folder:DIR,binary), which makes black class 0 and the rest class 1."
        )
    greys = colors[:, 0]
    labels = table[greys]
    a_class = (greys > 0) & (labels >= 0) & (labels < num_classes)
    if is_grey(palette) and (labels >= 0).all() and a_class.any() and (table[used] >= 0).all():
        if (labels != table[used]).any():
            raise LabelError(
                f"{stored.path} is a palette image of greys. Its indices "
                f"({_listed(used)}) and its greys ({_listed(greys)}) are both class numbers, and "
                "they differ. Save the masks as grey images without a palette, in PNG."
            )


def require_same_order(stored, label_of_color, table):
    """Refuses a palette mask some of whose colours are classes', though not all are.

    It is read by its indices only if none of its colours says something else.

    Args:
        stored: A `StoredMask` with a palette.
        label_of_color: {(red, green, blue): label} of the classes and void.
        table: From a value 0..65535 to its label.

    Raises:
        LabelError: naming a colour that is no class's.
    """
    used = np.unique(stored.values)
    if used[-1] >= len(stored.palette):
        return
    known = np.array(list(label_of_color), "int32")
    labels = list(label_of_color.values())
    wrong = None
    other_order = False
    for index in used.tolist():
        color = stored.palette[index].astype("int32")
        apart = np.abs(known - color).max(axis=-1)
        nearest = int(apart.argmin())
        if apart[nearest]:
            wrong = wrong or (tuple(color.tolist()), index)
        if apart[nearest] <= NEAR and labels[nearest] != table[index]:
            other_order = True
    if wrong and other_order:
        raise LabelError(
            f"{stored.path} is a palette image with the colour {wrong[0]} (index {wrong[1]}), "
            "which is no class's, while its other colours are in another order than classes.txt, "
            "so that its indices are no class numbers. Likely cause: a class or colour is missing "
            "in classes.txt (name red green blue), or the mask was reduced to fewer colours with "
            "blending."
        )


def conflict(reader, paths, palettes=None):
    """Returns why the indices of palette masks cannot be class numbers, or None.

    It is so if the program that wrote them numbered the colours of each file anew: the same colour
    has one index in a file and another index in another file; or an index has two colours in files
    whose palettes hold nothing but the colours that they use.

    Args:
        reader: The `MaskReader`; None is returned for one that does not read indices.
        paths: The masks of a dataset.
        palettes: The bytes of each file's palette, empty where it has none. Default: they are
            read.

    Returns:
        A message that names two files, or None.
    """
    if reader.palette_is_key or reader.binary or reader.threshold is not None:
        return None
    palettes = [palette_of(path) for path in paths] if palettes is None else palettes
    first = {}
    for path, palette in zip(paths, palettes, strict=True):
        if palette:
            first.setdefault(palette, path)
    if len(first) < 2:
        return None
    by_color, by_index = {}, {}
    for path in list(first.values())[:LIMIT]:
        colors, alone = _used_colors(path)
        for color, index in colors.items():
            other, before = by_color.setdefault(color, (path, index))
            if before != index:
                return (
                    f"{path} has the colour {color} at index {index} of its palette, and {other} "
                    f"has it at index {before}: {_REMEDY}"
                )
            other, before = by_index.setdefault(index, (path, color)) if alone else (path, color)
            if before != color:
                return (
                    f"{path} has the colour {color} at index {index} of its palette, and {other} "
                    f"has {before} there; the palette of each holds nothing but its own colours: "
                    f"{_REMEDY}"
                )
    return None


def palette_of(path):
    """Returns the bytes of the palette of an image file; none for other files."""
    if is_npy(path):
        return b""
    try:
        with opened(path) as image:
            return bytes(image.palette.palette) if image.mode == "P" and image.palette else b""
    except UNREADABLE:
        return b""


def _used_colors(path):
    """The colours that a palette image uses, and whether its palette has no others.

    Returns:
        `(colors, alone)`: {colour: index} without colours that are used twice, and a bool.
    """
    try:
        with opened(path) as image:
            indices = np.unique(np.asarray(image))
            palette = np.array(image.getpalette("RGB"), "uint8").reshape(-1, 3)
    except UNREADABLE:
        return {}, False
    pairs = [(tuple(palette[i].tolist()), int(i)) for i in indices if i < len(palette)]
    colors = [color for color, _ in pairs]
    alone = len(indices) == indices[-1] + 1 and not palette[indices[-1] + 1 :].any()
    return {color: index for color, index in pairs if colors.count(color) == 1}, bool(alone)


def _listed(numbers):
    return ", ".join(str(number) for number in numbers[:6]) + (", ..." if len(numbers) > 6 else "")
