"""The notations in which people and tools list classes, told apart by what a file holds."""

import json
import re
from typing import NamedTuple

from fcn_keras.data.classes.lines import (
    Class,
    Line,
    class_of_documented_line,
    colors_in_hex,
    parsed,
    without_comment,
)
from fcn_keras.data.classes.readings import classes_of
from fcn_keras.data.classes.tables import from_cvat, from_table, lone_heading

WRITE = "Write one class per line: `name`, `name red green blue` or `name = value`."
_CVAT_HEAD = re.compile(r"#\s*label\s*:\s*color_rgb\s*:\s*parts\s*:\s*actions\s*", re.I)
_OTHER = {
    "{": "JSON or a label map in protobuf text",
    "[": "JSON",
    "<": "XML",
}


class Listing(NamedTuple):
    """What a list of classes says.

    Attributes:
        classes: A list of `Class`.
        notation: The notation in words; "" for names and for `name red green blue`, `= value`.
    """

    classes: list
    notation: str


def read_listing(path, text, reading=None):
    """Returns the classes that a text lists, in whichever notation.

    Args:
        path: The file, for messages.
        text: What it holds.
        reading: "names" for the documented notation alone, in which a number beside a name belongs
            to the name; "values" if such a number is the class's value in the masks; None to
            refuse lines that can be read in both ways.

    Returns:
        A `Listing`.

    Raises:
        ValueError: for a line that fits no notation or several, naming it.
    """
    raw = text.splitlines()
    hexes = colors_in_hex(raw) and reading != "names"
    lines = [
        Line(path, number, bare)
        for number, full in enumerate(raw, 1)
        if (bare := without_comment(full, hexes))
    ]
    if not lines:
        return Listing([], "")
    if reading == "names":
        return Listing([class_of_documented_line(line) for line in lines], "")
    found = (
        _from_meta(path, text)
        or _from_yaml(path, text)
        or _from_tools(lines, raw)
        or _from_lines(lines, reading)
    )
    return found


def _from_tools(lines, raw):
    """The classes of a notation that a tool writes, or None."""
    if lines[0].text[0] in _OTHER and not (lines[0].text[0] == "[" and "]" in lines[0].text[:-1]):
        lines[0].refuse(f"begins {_OTHER[lines[0].text[0]]}, not a list of classes. {WRITE}")
    for line in lines:
        if line.text == "}" or line.text.endswith("{"):
            line.refuse(f"is of a label map in protobuf text, not of a list of classes. {WRITE}")
    comment = raw[0].strip()
    headed = bool(_CVAT_HEAD.fullmatch(comment))
    if (classes := from_cvat(lines, headed)) is not None:
        return Listing(classes, "CVAT's label map (name:r,g,b:parts:actions)")
    if lines[0].text == "__ignore__":
        return Listing(_labelme(lines), "labelme's label list (its first line is void)")
    for line in lines[1:]:
        if line.text == "__ignore__":
            line.refuse("is labelme's name of void, which is the first line of its label list.")
    heading = comment.lstrip("#").strip() if comment.startswith("#") else None
    if (classes := from_table(lines, heading)) is not None:
        return Listing(classes, "a table with a heading")
    if lone_heading(lines):
        lines[0].refuse(
            "may be the heading of a column or a class. If it is a heading, remove the line; if "
            "every line is a class, pass classes='names' (folder:DIR,classes=names)."
        )
    return None


def _labelme(lines):
    """The classes of labelme's labels.txt: void, then the classes with the values 0, 1, ..."""
    names = [Class(line.text) for line in lines[1:]]
    return [Class("__ignore__", None, (-1, -1), void=True), *names]


def _from_lines(lines, reading):
    """The classes of lines without a heading."""
    if len(lines) > 1 and all(re.match(r"[-*•]\s+\S", line.text) for line in lines):
        lines = [line._replace(text=line.text[1:].strip()) for line in lines]
    return Listing(*classes_of([parsed(line) for line in lines], reading))


def _from_yaml(path, text):
    """The classes of a YAML file with `names:`, as YOLO's data.yaml has them; else None."""
    found = re.search(r"^names\s*:[ \t]*(.*(?:\n[ \t-].*)*)", text, re.M)
    if not found:
        return None
    body = found[1].strip()
    if body.startswith("["):
        words = re.findall(r"\"[^\"]*\"|'[^']*'|[^,\[\]]+", body.partition("]")[0])
        entries = [Class(word.strip().strip("\"'")) for word in words if word.strip()]
    else:
        entries, item = [], re.compile(r"\s*(?:-|(\d+)\s*:)\s*(.+?)\s*")
        for line in filter(str.strip, body.splitlines()):
            parts = item.fullmatch(line)
            if not parts and not entries:
                return None
            if not parts:
                raise ValueError(f"{path}: {line.strip()!r} is no name of `names:`. {WRITE}")
            values = (int(parts[1]),) * 2 if parts[1] else None
            entries.append(Class(parts[2].strip("\"'"), None, values))
    return Listing(entries, "YAML with `names:`") if entries else None


def _from_meta(path, text):
    """The classes of Datumaro's dataset_meta.json; else None."""
    if path.name != "dataset_meta.json":
        return None
    try:
        content = json.loads(text)
        labels = content.get("label_map") or dict(enumerate(content["labels"]))
        colors = content.get("segmentation_colors") or [None] * len(labels)
        return Listing(
            [
                Class(str(name), color and tuple(color), (int(value),) * 2)
                for (value, name), color in zip(labels.items(), colors, strict=True)
            ],
            "Datumaro's dataset_meta.json",
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} holds no classes ({type(error).__name__}: {error}).") from error
