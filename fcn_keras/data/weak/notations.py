"""Files of weak labels: tags.csv, boxes of VOC, YOLO and COCO, points and lines of labelme."""

import csv
import io
from typing import NamedTuple
from xml.etree import ElementTree

import numpy as np

from fcn_keras.data.masks.label_error import LabelError
from fcn_keras.data.weak.boxes import Box
from fcn_keras.text_files import read_json, read_text

SIZES = {"": 1, "small": 1, "large": 2}
HEADERS = ("file", "image", "name", "filename")
BEYOND = 2  # pixels by which a box may leave its image, by rounding
LINES = ("line", "linestrip", "polygon")


class Mark(NamedTuple):
    """A point or a line of an annotator.

    Attributes:
        label: Class number.
        places: float (n, 2): rows and columns of its corners, in pixels; one for a point.
    """

    label: int
    places: np.ndarray


def read_tags(path, labels):
    """Returns the tags of tags.csv.

    A line is `file,classes` or `file,classes,sizes`: classes with `;` or spaces between, and for
    each of them `small` or `large`. A first line `file,...` is a heading.

    Args:
        path: The file.
        labels: A `LabelSet`.

    Returns:
        {file without suffix: uint8 (num_classes,)} with 1 for present, 2 for large; class 0, the
        background, is always present. A line that means nothing has its error in place of them.

    Raises:
        ValueError: for a file without lines, and a file that is named twice.
    """
    found = {}
    rows = csv.reader(io.StringIO(read_text(path)), skipinitialspace=True)
    for number, row in enumerate(rows, start=1):
        if not any(map(str.strip, row)) or row[0].startswith("#"):
            continue
        if number == 1 and row[0].strip().lower() in HEADERS:
            continue
        name = _without_suffix(row[0].strip())
        if name in found:
            raise ValueError(f"{path}, line {number}: {row[0].strip()} is there twice.")
        try:
            found[name] = _tags_of(row, labels)
        except ValueError as error:
            found[name] = LabelError(f"{path}, line {number}: {error}")
    if not found:
        raise ValueError(f"{path} has no line `file,classes`.")
    return found


def read_voc(path, labels, size):
    """Returns the boxes of an XML file as VOC has them: names, corners counted from 1."""
    try:
        objects = ElementTree.fromstring(read_text(path)).iter("object")
    except ElementTree.ParseError as error:
        raise ValueError(f"{path} is no XML: {error}.") from error
    boxes = []
    for one in objects:
        name = (one.findtext("name") or "").strip()
        corners = [one.findtext(f"bndbox/{edge}") for edge in ("ymin", "xmin", "ymax", "xmax")]
        top, left, bottom, right = _numbers(path, name, corners)
        boxes.append((name, top - 1, left - 1, bottom, right))
    return [_box(path, labels, size, *box) for box in boxes]


def read_yolo(path, labels, size):
    """Returns the boxes of a text file as YOLO has them.

    A line is `class x y width height`: the centre and the size in shares of the image. The numbers
    of the classes do not count the background: 0 is class 1.
    """
    boxes = []
    for line in read_text(path).splitlines():
        if not line.strip():
            continue
        words = line.split()
        number, x, y, width, height = _numbers(
            path, line.strip(), words[:5] if len(words) == 6 else words, 5
        )
        label = int(number) + 1
        if number != int(number) or not 0 < label < labels.num_classes:
            raise LabelError(
                f"{path}: there is no class {words[0]}; those of YOLO are 0 to "
                f"{labels.num_classes - 2}, without the background."
            )
        corners = (y - height / 2, x - width / 2, y + height / 2, x + width / 2)
        scaled = [value * size[axis % 2] for axis, value in enumerate(corners)]
        boxes.append(_box(path, labels, size, labels.names[label], *scaled))
    return boxes


def read_coco(path):
    """Returns {file name without suffix: [(class name, top, left, bottom, right)]} of a COCO file.

    Raises:
        ValueError: for another format.
    """
    content = read_json(path)
    try:
        names = {one["id"]: one["name"] for one in content["categories"]}
        files = {one["id"]: _without_suffix(one["file_name"]) for one in content["images"]}
        found = {name: [] for name in files.values()}
        for one in content["annotations"]:
            left, top, width, height = map(float, one["bbox"])
            box = (names[one["category_id"]], top, left, top + height, left + width)
            found[files[one["image_id"]]].append(box)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} is no COCO file of boxes, which has images, categories and annotations with "
            f"a bbox each: {type(error).__name__} {error}."
        ) from error
    return found


def coco_boxes(path, entries, labels, size):
    """Returns the boxes of one image of `read_coco`."""
    return [_box(path, labels, size, *one) for one in entries]


def read_labelme(path, labels, size):
    """Returns what labelme's JSON holds: `(boxes, marks)` of an image.

    Rectangles are boxes; points, lines, line strips and the outlines of polygons are marks.
    """
    content = read_json(path)
    if not isinstance(content, dict) or not isinstance(content.get("shapes"), list):
        raise ValueError(f'{path} is no JSON of labelme, which has a list "shapes".')
    boxes, marks = [], []
    for one in content["shapes"]:
        name, kind = str(one.get("label")), one.get("shape_type") or "polygon"
        places = np.array(one.get("points"), float)
        if places.ndim != 2 or places.shape[1] != 2:
            raise ValueError(f"{path}: the shape of {name!r} has no points.")
        if kind == "rectangle":
            (left, top), (right, bottom) = places.min(0), places.max(0)
            boxes.append(_box(path, labels, size, name, top, left, bottom, right))
        elif kind == "point" or kind in LINES:
            marks.append(_mark(path, labels, size, name, places, kind))
        else:
            raise ValueError(
                f"{path}: the shape {kind!r} of {name!r} is none of point, rectangle, "
                f"{', '.join(LINES)}."
            )
    return boxes, marks


def _tags_of(row, labels):
    cells = [cell.replace(";", " ; ") for cell in row[1:]]
    names, words = (_split(cell) for cell in [*cells, "", ""][:2])
    if not names:
        raise ValueError("there is no class; a line is file,classes.")
    if words and len(words) != len(names):
        raise ValueError(f"there are {len(names)} classes and {len(words)} sizes.")
    tags = np.zeros(labels.num_classes, "uint8")
    tags[0] = 1
    for name, word in zip(names, words or [""] * len(names), strict=True):
        if word.lower() not in SIZES:
            raise ValueError(f"a size is small or large, got {word!r}.")
        tags[labels.number_of(name)] = SIZES[word.lower()]
    return tags


def _split(cell):
    separator = ";" if ";" in cell else None
    return [word.strip() for word in cell.split(separator) if word.strip()]


def _without_suffix(name):
    head, dot, suffix = name.rpartition(".")
    return head if dot and "/" not in suffix else name


def _numbers(path, what, texts, count=4):
    try:
        numbers = [float(text) for text in texts]
        if len(numbers) == count and np.isfinite(numbers).all():
            return numbers
    except (TypeError, ValueError):
        pass
    raise ValueError(f"{path}: {what!r} has no box of {count} numbers, got {texts}.")


def _label(path, labels, name):
    try:
        return labels.number_of(name)
    except ValueError as error:
        raise LabelError(f"{path}: {error}") from error


def _box(path, labels, size, name, top, left, bottom, right):
    """A `Box` that lies in its image."""
    label, (height, width) = _label(path, labels, name), size
    over = max(-top, -left, bottom - height, right - width)
    if over > BEYOND or bottom <= top or right <= left:
        raise ValueError(
            f"{path}: the box of {name!r} from row {top:g}, column {left:g} to row {bottom:g}, "
            f"column {right:g} does not lie in its image of {height}x{width} (height x width)."
        )
    top, left = max(round(top), 0), max(round(left), 0)
    return Box(label, top, left, min(max(round(bottom), top + 1), height),
               min(max(round(right), left + 1), width))  # fmt: skip


def _mark(path, labels, size, name, places, kind):
    """A `Mark` that lies in its image; a polygon is closed."""
    label = _label(path, labels, name)
    places = places[:, ::-1]
    if (places < 0).any() or (places > np.array(size)).any():
        raise ValueError(
            f"{path}: a point of {name!r} lies outside of its image of {size[0]}x{size[1]} "
            "(height x width)."
        )
    if kind == "polygon":
        places = np.concatenate([places, places[:1]])
    return Mark(label, np.minimum(np.floor(places), np.array(size) - 1))
