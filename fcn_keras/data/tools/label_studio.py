"""Label Studio: its own JSON, with polygons, rectangles, ellipses and brushes."""

from pathlib import Path

import numpy as np

from fcn_keras.data.coco.images import find_images
from fcn_keras.data.layout.files import require
from fcn_keras.data.tools import annotated
from fcn_keras.data.tools.annotated import Annotated, Picture, Shape, dataset_of, splits_of
from fcn_keras.data.tools.shapes import bitmap, ellipse, polygon, rectangle
from fcn_keras.options import Option
from fcn_keras.text_files import read_json

HINT = (
    "Label Studio needs the JSON file of its export (JSON or JSON-MIN) and the images, in the same "
    "folder or one below it. Its export COCO is read as coco:DIR."
)
OPTIONS = {
    "images": Option("Another folder of images, a path from DIR.", "FOLDER", kind=str),
    **annotated.OPTIONS,
}


def splits(root, *, images=None, **options):
    """Returns the splits that the folders of the images say; else train and val.

    Raises:
        FileNotFoundError: if there is no JSON file.
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
    """Returns images with label maps drawn from the regions in Label Studio's JSON.

    Of a task with several annotations the last that was not cancelled counts. Later regions cover
    earlier ones. Tasks without annotations are left out, with a note.

    Args:
        root: Folder of the JSON file and the images; or the JSON file.
        split: Folders of the images named train, val and test are the splits; without them a fifth
            of the images, chosen by a hash of their names, is "val". "all" is every image.
        images: Another folder of images, a path from root.
        outside: What pixels in no shape are: "background", or "void" where only some pixels are
            annotated, as with points; then no class background is added. None is "background".
        width: Width in pixels in which points are drawn. None leaves them out, with a note.
        bits, alpha, page: How images are read that can be understood in several ways; see
            `fcn_keras.data.ImageReader`.

    Returns:
        A `Dataset`: class 0 is background, then the labels in alphabetical order, or as a
        classes.txt lists them.

    Raises:
        FileNotFoundError: for missing files; the message says what was expected where.
        ValueError: for a JSON file or a region that means nothing, naming it, and an unknown
            split.
    """
    return dataset_of(
        "label-studio", read(root, images), _folder(root), split, HINT,
        outside=outside, width=width, bits=bits, alpha=alpha, page=page,
    )  # fmt: skip


def read(root, images=None):
    """Returns what Label Studio exported, as `Annotated`.

    Raises:
        FileNotFoundError, ValueError: as `load`.
    """
    root = require(root, "label-studio", HINT)
    file = _json(root) if root.is_dir() else root
    tasks = read_json(file)
    if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
        raise ValueError(f"{file} is no export of Label Studio, which is a list of tasks. {HINT}")
    found = [(task, results) for task in tasks if (results := _results(task)) is not None]
    if not found:
        raise ValueError(f"{file}: none of its {len(tasks)} tasks has an annotation. {HINT}")
    names = [_image(task, file) for task, _ in found]
    folder = require(file.parent / images, "label-studio", HINT) if images else None
    paths, notes = find_images(file.parent, file, names, folder, "label-studio")
    notes = list(notes)
    if left := len(tasks) - len(found):
        notes.append(f"{file.name}: {left} tasks without an annotation are left out.")
    pictures = [
        _picture(path, task, results, file)
        for path, (task, results) in zip(paths, found, strict=True)
    ]
    return Annotated(pictures, notes=notes)


def brush_pixels(runs):
    """Returns the values in the run lengths of Label Studio's brush, uint8 (N,).

    They are a stream of bits: 32 for the number of values, 5 for the bits of a value less one, 4
    times 4 for the bits of four kinds of lengths less one. Then come runs: a bit that is 1 for
    equal values, 2 for the kind of the length, the length less one, and the value or values.

    Args:
        runs: The bytes, a list of ints.

    Raises:
        ValueError: for bytes that end too early.
    """
    bits = np.unpackbits(np.asarray(runs, "uint8"))
    weights = 2 ** np.arange(31, -1, -1, dtype="int64")
    place = 0

    def take(count):
        nonlocal place
        place += count
        if place > len(bits):
            raise ValueError("the run lengths of the brush end too early")
        return int(bits[place - count : place] @ weights[32 - count :])

    total, size = take(32), take(5) + 1
    lengths = [take(4) + 1 for _ in range(4)]
    parts, filled = [], 0
    while filled < total:
        equal, kind = take(1), take(2)
        count = take(lengths[kind]) + 1
        if equal:
            parts.append(np.full(count, take(size), "uint8"))
        else:
            first, place = place, place + count * size
            if place > len(bits):
                raise ValueError("the run lengths of the brush end too early")
            values = bits[first:place].reshape(count, size) @ weights[32 - size :]
            parts.append(values.astype("uint8"))
        filled += count
    return np.concatenate(parts)[:total] if parts else np.zeros(0, "uint8")


def _folder(root):
    return Path(root) if Path(root).is_dir() else Path(root).parent


def _json(root):
    files = sorted(root.glob("*.json"))
    if len(files) != 1:
        found = f"has {len(files)} JSON files" if files else "has no JSON file"
        raise FileNotFoundError(f"label-studio: {root} {found}; name it: label-studio:FILE. {HINT}")
    return files[0]


def _results(task):
    """The regions of a task, a list; None if nobody has annotated it."""
    for key in ("annotations", "completions"):
        if isinstance(task.get(key), list):
            done = [one for one in task[key] if not one.get("was_cancelled")]
            return done[-1].get("result", []) if done else None
    regions = [  # JSON-MIN: a region is its value, with the size of the image
        {**one, "value": one}
        for found in task.values()
        if isinstance(found, list)
        for one in found
        if isinstance(one, dict) and "original_width" in one
    ]
    return regions or None


def _image(task, file):
    """The URL or path of a task's image."""
    data = task.get("data", task)
    texts = [data.get(key) for key in ("image", "img", "ocr")] + list(data.values())
    name = next((text for text in texts if isinstance(text, str) and "." in text), None)
    if name is None:
        raise ValueError(f"{file}: task {task.get('id')!r} names no image.")
    return name


def _picture(path, task, results, file):
    size, shapes = None, []
    for number, found in enumerate(results, 1):
        if "original_width" not in found:  # choices and ratings of a whole image
            continue
        size = int(found["original_height"]), int(found["original_width"])
        try:
            shapes += _shapes(found["value"], size)
        except (KeyError, TypeError, ValueError) as error:
            where = f"region {number} of task {task.get('id')!r}"
            raise ValueError(f"{file}: {where} is wrong: {error!r}") from error
    return Picture(path, size, shapes, file)


def _shapes(value, size):
    """A list of the `Shape` of a region's value, or an empty one."""
    names = next((value[key] for key in value if key.endswith("labels") and value[key]), None)
    if not names:
        return []
    name, (height, width) = str(names[0]), size

    def at(x, y):
        return float(x) / 100 * width, float(y) / 100 * height

    turned = float(value.get("rotation") or 0)
    if "rle" in value:
        pixels = brush_pixels(value["rle"]).reshape(height, width, 4)
        return [Shape(name, [bitmap(pixels[..., 3], size)])]
    if "points" in value:
        return [Shape(name, [polygon([at(x, y) for x, y in value["points"]])])]
    x, y = at(value["x"], value["y"])
    if "radiusX" in value:
        radii = at(value["radiusX"], value["radiusY"])
        return [Shape(name, [ellipse(x, y, *radii, turned)])]
    if "height" in value:
        across, down = at(value["width"], value["height"])
        return [Shape(name, [rectangle(x, y, x + across, y + down, turned, (x, y))])]
    return [Shape(name, [], ([(x, y)],))]
