"""labelme: a JSON file for each image, with polygons, rectangles, circles, masks and points."""

import base64
import io
import os
from pathlib import Path, PureWindowsPath

import numpy as np
from PIL import Image

from fcn_keras.data.coco.entries import is_number
from fcn_keras.data.images.formats import is_image_name, is_left_over
from fcn_keras.data.layout.files import require
from fcn_keras.data.sentences import are, count_images
from fcn_keras.data.tools.annotated import OPTIONS, Annotated, Picture, Shape, dataset_of, splits_of
from fcn_keras.data.tools.shapes import bitmap, ellipse, polygon, rectangle
from fcn_keras.text_files import read_json

__all__ = ["OPTIONS", "load", "splits"]
HINT = (
    "labelme needs a folder of images, with a JSON file of the same name beside each, as labelme "
    "saves it; labels.txt or classes.txt sets the order of the classes."
)


def splits(root, **options):
    """Returns the splits that folders say; else train and val.

    Raises:
        FileNotFoundError: if there are no JSON files.
    """
    return splits_of(read(root), root)


def load(root, split="train", *, outside=None, width=None, bits=None, alpha=None, page=None):
    """Returns images with label maps drawn from labelme's shapes.

    Later shapes cover earlier ones. A pixel belongs to a polygon if its centre does. Images
    without a JSON file are left out, with a note.

    Args:
        root: Folder of the images and their JSON files; subfolders are searched.
        split: Subfolders named train, val and test are the splits; without them a fifth of the
            images, chosen by a hash of their names, is "val". "all" is every image.
        outside: What pixels in no shape are: "background", or "void" where only some pixels are
            annotated, as with points and lines; then no class background is added. None is
            "background".
        width: Width in pixels in which lines and points are drawn. None leaves them out, with a
            note.
        bits, alpha, page: How images are read that can be understood in several ways; see
            `fcn_keras.data.ImageReader`.

    Returns:
        A `Dataset`: class 0 is background, then the labels in alphabetical order, or as
        classes.txt or labels.txt lists them. `__ignore__` and `void` are void.

    Raises:
        FileNotFoundError: if there are no JSON files.
        ValueError: for a JSON file or a shape that means nothing, naming it; for a label that a
            list of classes has not, and an unknown split.
    """
    return dataset_of(
        "labelme", read(root), root, split, HINT,
        outside=outside, width=width, bits=bits, alpha=alpha, page=page,
    )  # fmt: skip


def read(root):
    """Returns what labelme wrote into a folder, as `Annotated`.

    Raises:
        FileNotFoundError, ValueError: as `load`.
    """
    root = require(root, "labelme", HINT)
    files = [path for path in sorted(root.rglob("*.json")) if not is_left_over(path)]
    pictures, others = [], []
    for file in files:
        content = read_json(file)
        if isinstance(content, dict) and isinstance(content.get("shapes"), list):
            pictures.append(_picture(file, content))
        else:
            others.append(file)
    if not pictures:
        found = f"{len(others)} other JSON files, such as {others[0].name}" if others else "none"
        raise FileNotFoundError(f"labelme: {root} has no JSON file of labelme ({found}). {HINT}")
    return Annotated(pictures, notes=_notes(root, pictures, others))


def _notes(root, pictures, others):
    notes, known = [], {picture.path.resolve() for picture in pictures}
    if others:
        files = f"{len(others)} JSON file{'s' * (len(others) > 1)}"
        notes.append(f"{files} {are(others)} not of labelme, such as {others[0].name}.")
    folders = {picture.path.parent for picture in pictures}
    images = [p for f in folders if f.is_dir() for p in f.iterdir() if is_image_name(p)]
    alone = sorted(p for p in images if p.resolve() not in known and not is_left_over(p))
    if alone:
        notes.append(
            f"{count_images(alone)} without a JSON file {are(alone)} left out, such as "
            f"{alone[0].name}."
        )
    return notes


def _picture(file, content):
    """The `Picture` of a JSON file."""
    sides = content.get("imageHeight"), content.get("imageWidth")
    size = tuple(map(int, sides)) if all(is_number(n) and n > 0 for n in sides) else None
    shapes = []
    for number, shape in enumerate(content["shapes"], 1):
        try:
            shapes.append(_shape(shape, size))
        except (ValueError, TypeError, KeyError, IndexError, OSError) as error:
            raise ValueError(f"{file}: shape {number} is wrong: {error!r}") from error
    return Picture(_image(file, content), size, shapes, file)


def _image(file, content):
    """The path of a file's image: the one that it names, or the one of its own name."""
    name = str(content.get("imagePath") or "")
    named = file.parent / name.replace("\\", "/") if name else None
    if named and named.is_file():
        return Path(os.path.normpath(named))
    base = PureWindowsPath(name).name  # parts at both slashes
    beside = file.parent / base
    if base and beside.is_file():
        return beside
    same = [p for p in sorted(file.parent.glob(f"{file.stem}.*")) if is_image_name(p)]
    return same[0] if same else (beside if base else file.with_suffix(".jpg"))


def _shape(shape, size):
    """The `Shape` of an entry of "shapes"."""
    name, kind = str(shape["label"]), shape.get("shape_type") or "polygon"
    points = [(float(x), float(y)) for x, y in shape["points"]]
    if kind in ("polygon", "rotation") or (kind == "rectangle" and len(points) > 2):
        return Shape(name, [polygon(points)])
    if kind == "rectangle":
        return Shape(name, [rectangle(*points[0], *points[1])])
    if kind == "circle":
        (x, y), edge = points
        radius = float(np.hypot(edge[0] - x, edge[1] - y))
        return Shape(name, [ellipse(x, y, radius, radius)])
    if kind == "mask":
        return Shape(name, [_mask(shape["mask"], points[0], size)])
    if kind in ("line", "linestrip"):
        return Shape(name, [], (points,))
    if kind in ("point", "points"):
        return Shape(name, [], tuple([point] for point in points))
    known = "polygon, rectangle, circle, mask, line, linestrip, point"
    raise ValueError(f"the shape_type {kind!r} is unknown ({known})")


def _mask(text, corner, size):
    if size is None:
        raise ValueError("a mask needs imageHeight and imageWidth")
    with Image.open(io.BytesIO(base64.b64decode(text))) as image:
        inside = np.asarray(image)
    left, top = (round(value) for value in corner)
    return bitmap(inside, size, top, left)
