"""Supervisely: meta.json, and img/ and ann/ of each dataset, with polygons and bitmaps."""

import base64
import binascii
import io
import zlib

import numpy as np
from PIL import Image

from fcn_keras.data.coco.layout import split_word
from fcn_keras.data.images.formats import is_left_over
from fcn_keras.data.layout.files import require
from fcn_keras.data.tools.annotated import OPTIONS, Annotated, Picture, Shape, dataset_of, splits_of
from fcn_keras.data.tools.shapes import bitmap, polygon, rectangle
from fcn_keras.text_files import read_json

__all__ = ["OPTIONS", "load", "splits"]
HINT = (
    "A project of Supervisely has meta.json, and for each dataset a folder with img/ (a.jpg) and "
    "ann/ (a.jpg.json), as it is downloaded in Supervisely's own format."
)
LARGEST = 2**30  # bytes of an unpacked bitmap


def splits(root, **options):
    """Returns the splits that the names of the datasets say; else train and val.

    Raises:
        FileNotFoundError: if there is no project.
    """
    return splits_of(read(root), root)


def load(root, split="train", *, outside=None, width=None, bits=None, alpha=None, page=None):
    """Returns images with label maps drawn from the objects of a Supervisely project.

    Later objects cover earlier ones. Polygons may have holes. Corners of polygons are centres of
    pixels there, and both edges of a rectangle are inside of it.

    Args:
        root: Folder of the project.
        split: Datasets named train, val and test are the splits; without them a fifth of the
            images, chosen by a hash of their names, is "val". "all" is every image.
        outside: What pixels in no shape are: "background", or "void" where only some pixels are
            annotated, as with points and lines; then no class background is added. None is
            "background".
        width: Width in pixels in which lines and points are drawn. None leaves them out, with a
            note.
        bits, alpha, page: How images are read that can be understood in several ways; see
            `fcn_keras.data.ImageReader`.

    Returns:
        A `Dataset`: class 0 is background, then the classes in the order and the colours of
        meta.json, or as a classes.txt lists them.

    Raises:
        FileNotFoundError: for missing files; the message says what was expected where.
        ValueError: for a JSON file or an object that means nothing, naming it, and an unknown
            split.
    """
    return dataset_of(
        "supervisely", read(root), root, split, HINT,
        outside=outside, width=width, bits=bits, alpha=alpha, page=page,
    )  # fmt: skip


def read(root):
    """Returns what Supervisely wrote into a folder, as `Annotated`.

    Raises:
        FileNotFoundError, ValueError: as `load`.
    """
    root = require(root, "supervisely", HINT)
    meta = read_json(require(root / "meta.json", "supervisely", HINT))
    files = [path for path in sorted(root.rglob("ann/*.json")) if not is_left_over(path)]
    if not files:
        raise FileNotFoundError(f"supervisely: {root} has no ann/ with JSON files. {HINT}")
    try:
        colors = {str(one["title"]): _color(one.get("color")) for one in meta["classes"]}
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{root / 'meta.json'} names no classes ({error!r}). {HINT}") from error
    pictures, passed = [], set()
    for file in files:
        pictures.append(_picture(file, read_json(file), root, passed))
    notes = [f"Objects of the kind {kind!r} are left out; no pixels." for kind in sorted(passed)]
    return Annotated(pictures, colors, notes)


def _color(text):
    return tuple(bytes.fromhex(text.lstrip("#"))) if text else None


def _picture(file, content, root, passed):
    try:
        size = int(content["size"]["height"]), int(content["size"]["width"])
        objects = list(content["objects"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{file} is no file of Supervisely ({error!r}). {HINT}") from error
    shapes = []
    for number, found in enumerate(objects, 1):
        try:
            shape = _shape(found, size)
        except (KeyError, TypeError, ValueError, OSError, zlib.error) as error:
            raise ValueError(f"{file}: object {number} is wrong: {error!r}") from error
        if shape:
            shapes.append(shape)
        else:
            passed.add(str(found.get("geometryType")))
    folder = file.parent.parent
    said = (split_word(name) for name in folder.relative_to(root).parts[::-1])
    split = next((split for split in said if split), None)
    return Picture(folder / "img" / file.stem, size, shapes, file, split)


def _shape(found, size):
    """The `Shape` of an object, or None for one without pixels."""
    kind, name = found["geometryType"], str(found["classTitle"])
    if kind == "bitmap":
        left, top = map(int, found["bitmap"]["origin"])
        return Shape(name, [bitmap(_pixels(found["bitmap"]["data"]), size, top, left)])
    if kind not in ("polygon", "rectangle", "line", "point"):
        return None
    points = [(float(x), float(y)) for x, y in found["points"]["exterior"]]
    if kind == "rectangle":
        (left, right), (top, bottom) = (sorted(values) for values in zip(*points, strict=True))
        return Shape(name, [rectangle(left, top, right + 1, bottom + 1)])
    points = _centres(points)
    if kind == "polygon":
        holes = [_centres(hole) for hole in found["points"].get("interior", ())]
        return Shape(name, [polygon(points, holes)])
    return Shape(name, [], (points,))


def _centres(points):
    return [(float(x) + 0.5, float(y) + 0.5) for x, y in points]


def _pixels(text):
    """The mask in the text of a bitmap: base64 of zlib of a PNG."""
    try:
        packed = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"its bitmap is not base64 ({error})") from error
    content = zlib.decompressobj().decompress(packed, LARGEST)
    with Image.open(io.BytesIO(content)) as image:
        if image.mode in ("RGBA", "LA"):
            return np.asarray(image.getchannel("A"))
        return np.asarray(image.convert("L") if image.mode == "P" else image)
