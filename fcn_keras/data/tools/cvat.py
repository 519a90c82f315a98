"""CVAT: annotations.xml of "CVAT for images", with polygons, boxes, ellipses, masks and points."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from fcn_keras.data.coco.images import find_images
from fcn_keras.data.coco.layout import WORDS
from fcn_keras.data.layout.files import require
from fcn_keras.data.tools import annotated
from fcn_keras.data.tools.annotated import Annotated, Picture, Shape, dataset_of, splits_of
from fcn_keras.data.tools.shapes import bitmap, ellipse, polygon, rectangle
from fcn_keras.options import Option

HINT = (
    'CVAT needs annotations.xml and the images, as the export "CVAT for images 1.1" with \'Save '
    'images\' is unpacked. The export "Segmentation mask 1.1" is read as voc:DIR, "COCO 1.0" as '
    "coco:DIR."
)
FILE = "annotations.xml"
OPTIONS = {
    "images": Option("Another folder of images, a path from DIR.", "FOLDER", kind=str),
    **annotated.OPTIONS,
}


def splits(root, *, images=None, **options):
    """Returns the splits that the subsets of the task say; else train and val.

    Raises:
        FileNotFoundError: if there is no annotations.xml.
    """
    return splits_of(read(root, images), _folder(root))


def load(
    root,
    split="train",
    *,
    images=None,
    outside=None,
    width=None,
    bits=None,
    alpha=None,
    page=None,
):
    """Returns images with label maps drawn from the shapes in CVAT's annotations.xml.

    Shapes of a higher z_order cover those of a lower one, and later ones earlier ones. A pixel
    belongs to a polygon if its centre does. Tags and skeletons are left out, with a note.

    Args:
        root: Folder of annotations.xml and images/; or the XML file.
        split: The subsets of the task (train, val, test), or folders of these names; without them
            a fifth of the images, chosen by a hash of their names, is "val". "all" is every image.
        images: Another folder of images, a path from root.
        outside: What pixels in no shape are: "background", or "void" where only some pixels are
            annotated, as with points and lines; then no class background is added. None is
            "background".
        width: Width in pixels in which lines and points are drawn. None leaves them out, with a
            note.
        bits, alpha, page: How images are read that can be understood in several ways; see
            `fcn_keras.data.ImageReader`.

    Returns:
        A `Dataset`: class 0 is background, then the labels in the order and the colours of the
        task, or as a classes.txt lists them.

    Raises:
        FileNotFoundError: for missing files; the message says what was expected where.
        ValueError: for an XML file or a shape that means nothing, naming it, and an unknown split.
    """
    return dataset_of(
        "cvat", read(root, images), _folder(root), split, HINT,
        outside=outside, width=width, bits=bits, alpha=alpha, page=page,
    )  # fmt: skip


def read(root, images=None):
    """Returns what CVAT wrote into a folder, as `Annotated`.

    Raises:
        FileNotFoundError, ValueError: as `load`.
    """
    root = require(root, "cvat", HINT)
    file = require(root / FILE, "cvat", HINT) if root.is_dir() else root
    try:
        content = ElementTree.parse(file).getroot()
    except (ElementTree.ParseError, UnicodeDecodeError) as error:
        raise ValueError(f"{file} is no whole XML file ({error}). Export it again.") from error
    if content.tag != "annotations":
        raise ValueError(f"{file} is no file of CVAT: it begins <{content.tag}>. {HINT}")
    if content.find("track") is not None:
        raise ValueError(
            f'{file} is an export "CVAT for video 1.1", whose tracks name no image. Export it as '
            '"CVAT for images 1.1".'
        )
    found = content.findall("image")
    if not found:
        raise ValueError(f"{file} has no image. {HINT}")
    names = [image.get("name", "") for image in found]
    folder = require(file.parent / images, "cvat", HINT) if images else None
    paths, notes = find_images(file.parent, file, names, folder, "cvat")
    passed = set()
    pictures = [
        _picture(image, path, file, passed) for image, path in zip(found, paths, strict=True)
    ]
    if passed:
        notes = [*notes, f"{file.name}: {', '.join(sorted(passed))} are left out; no pixels."]
    return Annotated(pictures, _colors(content), list(notes))


def _folder(root):
    return Path(root) if Path(root).is_dir() else Path(root).parent


def _colors(content):
    """{name: colour} of the labels of a task, without parts of skeletons."""
    colors = {}
    for label in content.iterfind("meta/*/labels/label"):
        if label.findtext("parent") is None:
            text = (label.findtext("color") or "").lstrip("#")
            color = tuple(bytes.fromhex(text)) if len(text) == 6 else None
            colors[label.findtext("name", "").strip()] = color
    return colors


def _picture(image, path, file, passed):
    """The `Picture` of an <image>; tags of elements that are no areas are added to `passed`."""
    name = image.get("name")
    try:
        size = int(image.get("height")), int(image.get("width"))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{file}: the image {name!r} has no height and width.") from error
    shapes = []
    for element in sorted(image, key=lambda one: int(one.get("z_order") or 0)):
        try:
            shape = _shape(element, size)
        except (KeyError, TypeError, ValueError) as error:
            what = f"a {element.tag} of {element.get('label')!r} on {name!r}"
            raise ValueError(f"{file}: {what} is wrong: {error!r}") from error
        if shape:
            shapes.append(shape)
        else:
            passed.add(f"{element.tag}s")
    subset = WORDS.get((image.get("subset") or "").lower())
    return Picture(path, size, shapes, file, subset)


def _shape(element, size):
    """The `Shape` of an element, or None for one without pixels."""
    has, kind = element.attrib, element.tag

    def numbers(*names):
        return [float(has[name]) for name in names]

    turned = float(has.get("rotation") or 0)
    if kind in ("polygon", "polyline", "points"):
        points = [tuple(map(float, pair.split(","))) for pair in has["points"].split(";")]
        if kind == "polygon":
            return Shape(has["label"], [polygon(points)])
        lines = (points,) if kind == "polyline" else tuple([point] for point in points)
        return Shape(has["label"], [], lines)
    if kind == "box":
        return Shape(has["label"], [rectangle(*numbers("xtl", "ytl", "xbr", "ybr"), turned)])
    if kind == "ellipse":
        return Shape(has["label"], [ellipse(*numbers("cx", "cy", "rx", "ry"), turned)])
    if kind == "mask":
        left, top, width, height = map(int, numbers("left", "top", "width", "height"))
        counts = [int(count) for count in has["rle"].split(",")]
        inside = np.repeat(np.arange(len(counts)) % 2, counts)
        if inside.size != width * height:
            raise ValueError(f"run lengths of {inside.size} pixels for {width} x {height}")
        return Shape(has["label"], [bitmap(inside.reshape(height, width), size, top, left)])
    return None
