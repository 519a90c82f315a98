"""classes.txt: the classes of a folder of masks, with their colours or values."""

import dataclasses
import itertools
import re
from typing import NamedTuple

from fcn_keras.data.files import require
from fcn_keras.data.masks import MaskReader
from fcn_keras.labels import VOID_COLOR, LabelSet
from fcn_keras.text_files import read_text

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


def classes_and_reader(path, void, binary, hint):
    """Returns the `LabelSet` and the `MaskReader` of a classes.txt.

    Args:
        path: The file; with `binary` it need not be there.
        void: Further values of the files that mean void.
        binary: Whether every value of the masks but 0 is class 1.
        hint: What belongs in the folder, for the message about a missing file.

    Raises:
        FileNotFoundError: if the file is not there.
        ValueError: for a line that means nothing, or lines that do not go together.
    """
    if binary and not path.exists():
        lines = [Class("background", None, None), Class("object", None, None)]
    else:
        lines = read_classes(require(path, "folder", hint))
    return _reader(path, lines, void, binary)


def read_classes(path):
    """Returns the lines of a classes.txt, a list of `Class`.

    Raises:
        ValueError: for a line that means nothing; the message quotes it.
    """
    classes = []
    for number, line in enumerate(read_text(path).splitlines(), 1):
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
