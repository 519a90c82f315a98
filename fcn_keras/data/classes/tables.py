"""Lists of classes that say what their columns are: tables with a heading, CVAT's labelmap.txt."""

import csv
import re
from typing import NamedTuple

from fcn_keras.data.classes.lines import Class, checked

NAMES = (
    "name", "names", "class name", "label name", "category name", "class", "classes", "label",
    "labels", "category", "object", "title", "description", "text",
)  # fmt: skip
VALUES = (
    "pixel value",
    "mask value",
    "label value",
    "value",
    "values",
    "pixel",
    "gray",
    "grey",
    "gray value",
    "grey value",
    "grayscale",
    "intensity",
)
NUMBERS = ("id", "index", "idx", "class id", "label id", "category id", "code", "number", "nr",
           "no", "train id", "trainid")  # fmt: skip
CHANNELS = (("r", "g", "b"), ("red", "green", "blue"))
COLORS = ("color", "colour", "rgb", "color rgb", "colour rgb", "hex", "color hex", "rgb color")
OTHERS = (
    "a", "alpha", "ratio", "train", "val", "stuff", "parts", "actions", "supercategory", "catid",
    "cat id", "hasinstances", "has instances", "ignoreineval", "count", "pixels", "share",
)  # fmt: skip
ALONE = ("name", "names", "class name", "class names", "classes", "label", "labels", "class")
CVAT = re.compile(r"(?P<name>[^:]+):(?P<color>[\d\s,]*):(?P<parts>[^:]*):(?P<actions>[^:]*)")
VOC_VOID = ("ignored", (224, 224, 192))


class Columns(NamedTuple):
    """Where in a table what is: numbers of columns, or None."""

    name: int
    value: int | None
    color: int | None
    channels: tuple[int, int, int] | None


def from_cvat(lines, headed):
    """Returns the classes of CVAT's labelmap.txt, lines `name:r,g,b:parts:actions`; else None.

    Args:
        lines: A list of `Line`.
        headed: Whether the file's first comment is `label:color_rgb:parts:actions`.

    Raises:
        ValueError: for a line that is not so where others are.
    """
    found = [CVAT.fullmatch(line.text) for line in lines]
    if not headed and not any(parts and parts["color"].strip() for parts in found):
        return None
    classes = []
    for line, parts in zip(lines, found, strict=True):
        numbers = re.findall(r"\d+", parts["color"]) if parts else ()
        if not parts or len(numbers) not in (0, 3):
            line.refuse("is not `name:red,green,blue:parts:actions`, as in CVAT's labelmap.txt.")
        color = tuple(map(int, numbers)) or None
        name = parts["name"].strip()
        void = (name.lower(), color) == VOC_VOID
        classes.append(checked(line, Class(name, color, void=void)))
    return classes


def from_table(lines, heading=None):
    """Returns the classes of a table whose first line says what its columns are; else None.

    Args:
        lines: A list of `Line`, the heading first.
        heading: Text of a comment before them that may be the heading instead.

    Raises:
        ValueError: for a row that does not fit the heading, or two columns of values that differ.
    """
    for text, rows in ((lines[0].text, lines[1:]), (heading, lines)):
        if not text or not rows:
            continue
        separator = next((sign for sign in "\t;,|:" if sign in text), None)
        heads = [_plain(cell) for cell in _cells(text, separator)]
        if _is_heading(heads, separator):
            table = [_row(line, heads, separator) for line in rows]
            if None not in table:
                return _classes(rows, heads, table)
            if text is lines[0].text:
                place = table.index(None)
                rows[place].refuse(f"does not fit the heading {text!r} of {len(heads)} columns.")
    return None


def lone_heading(lines):
    """Returns whether the first line may be the heading of one column: "name"."""
    return len(lines) > 1 and _plain(lines[0].text) in ALONE


def _plain(word):
    word = word.strip().strip("\"'").lower().replace("_", " ").replace("-", " ")
    return " ".join(word.split())


def _cells(text, separator):
    if separator is None:
        return text.split()
    return next(csv.reader([text], delimiter=separator, skipinitialspace=True), [])


def _is_heading(heads, separator):
    """Whether words are those of a heading: one for the names and one for numbers."""
    channels = any(set(three) <= set(heads) for three in CHANNELS)
    numbers = channels or any(head in (*VALUES, *NUMBERS, *COLORS) for head in heads)
    known = {*NAMES, *VALUES, *NUMBERS, *COLORS, *OTHERS, *CHANNELS[0], *CHANNELS[1]}
    all_known = all(head in known for head in heads)
    texts = [head for head in heads if head in NAMES]
    return (
        bool(texts)
        and (numbers or len(texts) > 1 and separator is not None)
        and (all_known or separator not in (None, ":"))
    )


def _row(line, heads, separator):
    """The cells of a row, as many as the heading has; None where they do not fit."""
    cells = [cell.strip() for cell in _cells(line.text, separator)]
    while len(cells) > len(heads) and not cells[-1]:
        cells.pop()
    more = len(cells) - len(heads)
    color = next((place for place, head in enumerate(heads) if head in COLORS), None)
    if more == 2 and color is not None:
        cells[color : color + 3] = [",".join(cells[color : color + 3])]
    elif more > 0 and separator is None:
        place = next(place for place, head in enumerate(heads) if head in NAMES)
        cells[place : place + more + 1] = [" ".join(cells[place : place + more + 1])]
    return cells if len(cells) == len(heads) else None


def _classes(rows, heads, table):
    """The classes of rows of cells."""
    columns = _columns(rows, heads, table)
    classes = []
    for line, cells in zip(rows, table, strict=True):
        name = cells[columns.name].strip("\"'")
        if not name:
            line.refuse(f"has no name in the column {heads[columns.name]!r}.")
        color = None
        if columns.channels:
            color = tuple(_whole(line, cells[place], heads[place]) for place in columns.channels)
        elif columns.color is not None:
            color = _color(line, cells[columns.color])
        values = None
        if columns.value is not None:
            values = _span(line, cells[columns.value], heads[columns.value])
        classes.append(checked(line, Class(name, color, values)))
    return classes


def _columns(rows, heads, table):
    numeric = [
        all(re.fullmatch(r"-?\d+(-\d+)?", row[place]) for row in table)
        for place in range(len(heads))
    ]
    names = [heads.index(head) for head in NAMES if head in heads]
    name = next((place for place in names if not numeric[place]), names[0])
    channels = next((three for three in CHANNELS if set(three) <= set(heads)), None)
    color = next((place for place, head in enumerate(heads) if head in COLORS), None)
    candidates = [heads.index(head) for head in VALUES if head in heads]
    candidates = candidates or [heads.index(head) for head in NUMBERS if head in heads]
    candidates = candidates or [place for place in names if place != name and numeric[place]]
    if len({tuple(row[place] for row in table) for place in candidates}) > 1:
        shown = " and ".join(repr(heads[place]) for place in candidates)
        rows[0].refuse(
            f"stands in a table with several columns of numbers, {shown}, which differ: keep the "
            "one that the masks hold."
        )
    return Columns(
        name,
        candidates[0] if candidates else None,
        color if channels is None else None,
        channels and tuple(heads.index(channel) for channel in channels),
    )


def _whole(line, cell, head):
    if not re.fullmatch(r"-?\d+", cell):
        line.refuse(f"has {cell!r} in the column {head!r}; a whole number was expected.")
    return int(cell)


def _span(line, cell, head):
    first, _, last = cell.partition("-") if not cell.startswith("-") else (cell, "", "")
    return _whole(line, first, head), _whole(line, last or first, head)


def _color(line, cell):
    digits = re.fullmatch(r"(?:#|0x)([0-9a-fA-F]{6})", cell.strip("\"'"))
    if digits:
        return tuple(bytes.fromhex(digits[1]))
    numbers = re.findall(r"\d+", cell)
    if len(numbers) != 3 or re.search(r"[^\d\s,;()\[\]{}\"'rgbRGB]", cell):
        line.refuse(
            f"has the colour {cell!r}; `red green blue` (0 to 255) or #RRGGBB was expected."
        )
    return tuple(map(int, numbers))
