"""From COCO's JSON to the outlines of each image, with what tools write instead of it."""

from typing import NamedTuple

from fcn_keras.data.coco_categories import classes_of
from fcn_keras.data.coco_json import Problems, is_number, key_of, read_json
from fcn_keras.data.outlines import Outline
from fcn_keras.labels import LabelSet

MANY_CROWDS = 0.1  # COCO itself has 0.012
SAMPLE = 100  # outlines that are looked at to tell pixels from fractions


class Picture(NamedTuple):
    """An image of a COCO file.

    Attributes:
        file_name: As the file has it.
        size: (H, W), or None where the file does not tell.
        outlines: List of `Outline`, in the order of the file.
        split: What the file says about the split of the image, or "".
    """

    file_name: str
    size: tuple[int, int] | None
    outlines: list[Outline]
    split: str


class Annotations(NamedTuple):
    """A COCO file: its classes, its images in the order of their ids, and how it was understood."""

    labels: LabelSet
    pictures: list[Picture]
    notes: list[str]


def read_annotations(file, root, hint, crowd=None, boxes=None):
    """Reads a JSON file in COCO's format.

    Args:
        file: Path of the file.
        root: Path of the data set's folder.
        hint: What belongs where, for messages.
        crowd: Whether crowds become pixels of their class instead of void. None is False, with a
            note where there are many.
        boxes: What becomes of annotations that have a box and no outline: "fill" draws the box,
            "void" makes it void. None leaves them background, with a note.

    Returns:
        An `Annotations`.

    Raises:
        ValueError: for another format, and for an annotation that means nothing; the message
            names the file and the annotation's id.
    """
    content, problems = read_json(file, hint), Problems(file, root)
    labels, label_of, notes = classes_of(content, problems)
    pictures = _pictures(content["images"], problems)
    _fractions(content["annotations"], problems)
    for place, found in enumerate(content["annotations"]):
        name = _name(found, place)
        picture = _listed(found, "image", pictures, problems, name)
        label = _listed(found, "category", label_of, problems, name)
        parts = _parts(found.get("segmentation"), found.get("bbox"), problems, name)
        if parts is None:
            parts, label = _box(found.get("bbox"), boxes, label, labels.ignore, problems, name)
        many = found.get("iscrowd") in (1, True, "1")
        if many:
            problems.count("crowd", name)
            if "attributes" in found or isinstance(found.get("segmentation"), list):
                problems.count("tool's crowd", name)
        many = many and not crowd
        if parts:
            _count_outside(found.get("bbox"), parts, picture.size, problems, name)
            label = labels.ignore if many else label
            picture.outlines.append(Outline(label, parts, many, name))
    total = len(content["annotations"])
    notes += _notes(problems, total, boxes)
    if crowd is None:
        notes += _crowds(problems, total)
    distinct = {id(picture): picture for _, picture in _by_id(pictures)}
    return Annotations(labels, list(distinct.values()), notes)


def _by_id(pictures):
    return sorted(pictures.items(), key=lambda item: (isinstance(item[0], str), item[0]))


def _name(found, place):
    return f"annotation {found['id']}" if "id" in found else f"annotation no. {place + 1} (no id)"


def _pictures(images, problems):
    """{id: `Picture`}; entries of one file share a picture."""
    pictures, of_file = {}, {}
    for place, image in enumerate(images):
        if image.get("id") is None:
            raise problems.error(f"entry {place} of 'images' has no id.")
        key, name = key_of(image["id"]), _file_name(image, problems)
        if key in pictures and pictures[key].file_name != name:
            raise problems.error(
                f"two images have the id {key!r}: {pictures[key].file_name} and {name}, so that it "
                "cannot be said on which one an annotation is. Files that are joined need new ids."
            )
        split = str(image.get("split") or image.get("subset") or "")
        new = Picture(name, _size(image), [], split)
        old = of_file.setdefault(name, new)
        if old is not new:
            problems.count("twice", f"image {name}")
            if old.size != new.size:
                raise problems.error(
                    f"the image {name} is listed twice, with the sizes {old.size} and {new.size}."
                )
        if new.size is None:
            problems.count("size", f"image {name}")
        pictures[key] = old
    if not pictures:
        raise problems.error("the list 'images' is empty.")
    return pictures


def _file_name(image, problems):
    name = image.get("file_name")
    if not name and image.get("coco_url"):  # as LVIS has it: .../train2017/000000391895.jpg
        name = "/".join(str(image["coco_url"]).split("/")[-2:])
    if not name or not isinstance(name, str):
        raise problems.error(f"image {image['id']!r} has no file_name.")
    return name


def _size(image):
    """(H, W) of an image, or None where they are missing or 0."""
    found = []
    for side in ("height", "width"):
        value = key_of(image.get(side))
        if not is_number(value) or value <= 0 or value != int(value):
            return None
        found.append(int(value))
    return tuple(found)


def _listed(found, what, known, problems, name):
    """What the id of an image or a category stands for."""
    key = key_of(found.get(f"{what}_id"))
    if key in known:
        return known[key]
    given = found.get(f"{what}_id", "none")
    shown = ", ".join(str(one) for one in list(known)[:8]) + (", ..." if len(known) > 8 else "")
    where = "images" if what == "image" else "categories"
    raise problems.error(
        f"{name} has the {what}_id {given!r}, which is not among {where!r} (ids {shown}). Remove "
        f"the annotation, or add the entry to {where!r}."
    )


def _parts(segmentation, box, problems, name):
    """The polygons and run lengths of an object, [] if they cover nothing, None if it has none."""
    if not segmentation or segmentation == [box]:
        return None
    if isinstance(segmentation, dict):
        return _run_lengths(segmentation, problems, name)
    if not isinstance(segmentation, list):
        raise _no_outline(segmentation, problems, name)
    if is_number(segmentation[0]):
        problems.count("flat", name)
        segmentation = [segmentation]
    elif len(segmentation) > 2 and all(_is_list(p) and len(p) == 2 for p in segmentation):
        problems.count("points", name)
        segmentation = [segmentation]
    parts = []
    for part in segmentation:
        if isinstance(part, dict) and "counts" in part:
            parts += _run_lengths(part, problems, name) or []
        elif _is_list(part):
            parts += _polygon(part, problems, name)
        else:
            raise _no_outline(part, problems, name)
    if parts:
        return parts
    return None if _is_box(box) or not any(segmentation) else []


def _polygon(corners, problems, name):
    """A list with a polygon as x, y, x, y, ...; an empty one if it has no area."""
    if len(corners) > 5 and len(corners) % 2 == 0 and {*map(type, corners)} <= {int, float}:
        return [corners]
    if corners and all(_is_list(one) for one in corners):
        if all(len(one) != 2 for one in corners):  # one pair of brackets too many
            return [polygon for one in corners for polygon in _polygon(one, problems, name)]
        corners = [value for point in corners for value in point]
    for value in corners:
        if not is_number(value):
            raise problems.error(f"{name} has {value!r} in a polygon; x and y are numbers.")
    if len(corners) % 2:
        raise problems.error(
            f"{name} has a polygon of {len(corners)} numbers; a polygon is x, y of each corner, an "
            f"even number: {str(corners)[:60]}"
        )
    if len(corners) < 6:
        if corners:
            problems.count("thin", name)
        return []
    return [corners]


def _run_lengths(segmentation, problems, name):
    if segmentation.get("counts") in (None, [], ""):
        return None
    size = segmentation.get("size")
    if not _is_list(size) or len(size) != 2 or not all(map(is_number, size)):
        raise problems.error(f"{name} has run lengths without their size [height, width].")
    if not isinstance(segmentation["counts"], (list, str)):
        raise _no_outline(segmentation["counts"], problems, name)
    return [segmentation]


def _no_outline(value, problems, name):
    return problems.error(
        f"{name} has the segmentation {str(value)[:60]!r}; it is a list of polygons "
        "[[x, y, x, y, ...], ...] or run lengths {'size': [height, width], 'counts': ...}."
    )


def _box(box, boxes, label, void, problems, name):
    """(parts, label) of an annotation without an outline."""
    if not _is_box(box):
        problems.count("nothing", name)
        return [], label
    problems.count("box", name)
    if boxes is None:
        return [], label
    left, top, width, height = box
    right, bottom = left + width, top + height
    return [[left, top, right, top, right, bottom, left, bottom]], (
        label if boxes == "fill" else void
    )


def _is_box(box):
    """Whether a bbox is x, y, width, height with an area."""
    return _is_list(box) and len(box) == 4 and all(map(is_number, box)) and min(box[2:]) > 0


def _is_list(value):
    return isinstance(value, list)


def _count_outside(box, parts, size, problems, name):
    """Counts an object of polygons that lie outside their image."""
    if size is None or not _is_box(box) or isinstance(parts[0], dict):
        return
    if _is_outside(box[0], box[1], box[0] + box[2], box[1] + box[3], size):
        xs, ys = ([v for part in parts for v in part[start::2]] for start in (0, 1))
        if _is_outside(min(xs), min(ys), max(xs), max(ys), size):
            problems.count("outside", name)


def _is_outside(left, top, right, bottom, size):
    return left >= size[1] or top >= size[0] or right <= 0 or bottom <= 0


def _fractions(annotations, problems):
    """Refuses outlines in fractions of the image: all would fall on its first pixel."""
    highest, first = 0, None
    for place, found in enumerate(annotations[:SAMPLE]):
        segmentation = found.get("segmentation")
        for part in segmentation if _is_list(segmentation) else []:
            values = [value for value in part if is_number(value)] if _is_list(part) else []
            if len(values) >= 6:
                first = first or _name(found, place)
                highest = max(highest, *values)
    if first and highest <= 1:
        raise problems.error(
            f"the polygons have coordinates of 0 to {highest:g} ({first}): fractions of the image. "
            "COCO's format has pixels: multiply x by the width and y by the height."
        )


def _notes(problems, total, boxes):
    """Sentences about what was decided; a ValueError where no annotation has an outline."""
    boxed = problems.number("box")
    if boxed and boxed + problems.number("nothing") == total and boxes is None:
        raise problems.error(
            f"none of the {total} annotations has an outline; they are boxes, as for detection. "
            "boxes=fill draws each box in its class (rough: a box holds background too)."
        )
    after = {
        None: "background; boxes=fill draws the box, boxes=void leaves its pixels out.",
        "fill": "the box has its class.",
        "void": "the box is void.",
    }[boxes]
    after = f"a box and no outline: {after}"
    note = problems.note
    return [
        *note("box", f"has {after}", f"have {after}"),
        *note("nothing", *_verbs("{} neither outline nor box and {} left out.")),
        *note("thin", *_verbs("{} a polygon of less than three corners, which covers no pixel.")),
        *note("flat", *_verbs("{} one plain list of numbers; it was read as x, y, x, y, ...")),
        *note("points", *_verbs("{} a list of points [x, y]; they were read as one polygon.")),
        *note(
            "outside",
            "lies outside the image, which may have been resized or cut.",
            "lie outside their images, which may have been resized or cut.",
        ),
        *note("size", *_verbs("{} no height and width in it; those of the image file count.")),
        *note(
            "twice",
            "is listed twice; the annotations of both entries belong to it.",
            "are listed twice; the annotations of both entries belong to them.",
        ),
    ]  # fmt: skip


def _verbs(text):
    return text.format("has", "is"), text.format("have", "are")


def _crowds(problems, total):
    """A sentence about crowds that may be single objects, in a list.

    COCO's own crowds are few, and have run lengths and no attributes.
    """
    crowds = problems.number("crowd")
    if crowds <= MANY_CROWDS * total and not problems.number("tool's crowd"):
        return []
    return [
        f"{problems.shown}: {crowds} of {total} annotations are crowds (iscrowd=1), which become "
        "void. Some tools (CVAT's brush) write single objects so: if they are, pass crowd "
        "(crowd=True in Python), and they have their class. crowd=false is the same without this "
        "note."
    ]
