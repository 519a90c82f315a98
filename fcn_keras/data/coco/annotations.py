"""From COCO's JSON to the outlines of each image, with what tools write instead of it."""

from typing import NamedTuple

from fcn_keras.data.coco.categories import classes_of, numbered_like
from fcn_keras.data.coco.entries import Problems, categories_in, is_number, key_of, read_json
from fcn_keras.data.coco.outlines import Outline
from fcn_keras.data.coco.segmentation import Entry, box_polygon, is_outside, outline_of
from fcn_keras.labels import LabelSet

MANY_CROWDS = 0.1  # COCO itself has 0.012
FEW = 10  # of so few images, any share may be without annotations
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


def read_annotations(file, root, hint, crowd=None, boxes=None, like=None):
    """Reads a JSON file in COCO's format.

    Args:
        file: Path of the file.
        root: Path of the data set's folder.
        hint: What belongs where, for messages.
        crowd: Whether crowds become pixels of their class instead of void. None is False, with a
            note where there are many.
        boxes: What becomes of annotations that have a box and no outline: "fill" draws the box,
            "void" makes it void. None leaves them background, with a note.
        like: Path of another COCO file, whose classes are numbered as they shall be here, or None.

    Returns:
        An `Annotations`.

    Raises:
        ValueError: for another format, and for an annotation that means nothing; the message
            names the file and the annotation's id.
    """
    content, problems = read_json(file, hint), Problems(file, root)
    labels, label_of, notes = classes_of(content, problems)
    if like and (other := categories_in(like)) not in (None, content["categories"]):
        labels, label_of, more = numbered_like(labels, label_of, other, Problems(like, root))
        notes += more
    pictures = _pictures(content["images"], problems)
    _fractions(content["annotations"], problems)
    for place, found in enumerate(content["annotations"]):
        entry = Entry(found, place, problems)
        picture = _listed(entry, "image", pictures)
        label = _listed(entry, "category", label_of)
        parts = outline_of(entry)
        if parts is None:
            parts, label = _box(entry, boxes, label, labels.ignore)
        first = entry.is_crowd and not crowd
        _count_crowd(entry)
        if parts:
            if is_outside(entry.box, parts, picture.size):
                entry.count("outside")
            label = labels.ignore if first else label
            picture.outlines.append(Outline(label, parts, first, entry.number))
    notes += _notes(problems, len(content["annotations"]), boxes, crowd)
    distinct = list({id(picture): picture for _, picture in _by_id(pictures)}.values())
    return Annotations(labels, distinct, [*notes, *_of_pictures(distinct, problems)])


def _by_id(pictures):
    return sorted(pictures.items(), key=lambda item: (isinstance(item[0], str), item[0]))


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


def _listed(entry, what, known):
    """What the id of an image or a category stands for."""
    given = entry.found.get(f"{what}_id")
    key = key_of(given)
    if key in known:
        return known[key]
    shown = ", ".join(str(one) for one in list(known)[:8]) + (", ..." if len(known) > 8 else "")
    where = "images" if what == "image" else "categories"
    raise entry.error(
        f"has the {what}_id {given!r}, which is not among {where!r} (ids {shown}). Remove the "
        f"annotation, or add the entry to {where!r}."
    )


def _box(entry, boxes, label, void):
    """(parts, label) of an annotation without an outline."""
    if entry.box is None:
        entry.count("nothing")
        return [], label
    entry.count("box")
    if boxes is None:
        return [], label
    return [box_polygon(entry.box)], label if boxes == "fill" else void


def _count_crowd(entry):
    if entry.is_crowd:
        entry.count("crowd")
        if "attributes" in entry.found or isinstance(entry.found.get("segmentation"), list):
            entry.count("tool's crowd")


def _fractions(annotations, problems):
    """Refuses outlines in fractions of the image: all would fall on its first pixel."""
    highest, first = 0, None
    for place, found in enumerate(annotations[:SAMPLE]):
        segmentation = found.get("segmentation")
        for part in segmentation if isinstance(segmentation, list) else []:
            values = [v for v in part if is_number(v)] if isinstance(part, list) else []
            if len(values) >= 6:
                first = first or Entry(found, place, problems)
                highest = max(highest, *values)
    if first and highest <= 1:
        raise first.error(
            f"and others have polygons with coordinates of 0 to {highest:g}: fractions of the "
            "image. COCO's format has pixels: multiply x by the width and y by the height."
        )


def _of_pictures(pictures, problems):
    """Sentences about images without annotations, and outlines that have two classes."""
    for picture in pictures:
        known = {}
        for outline in picture.outlines:
            first = outline.parts[0]
            key = str(first["counts"])[:40] if isinstance(first, dict) else tuple(first[:6])
            other = known.setdefault(key, outline)
            if other.label != outline.label and other.parts == outline.parts:
                problems.count("two classes", f"annotation {outline.number}")
    empty = sum(not picture.outlines for picture in pictures)
    sentences = problems.note(
        "two classes",
        "has the outline of another one with another class; the later one in the file counts.",
        "have the outline of another one with another class; the later ones in the file count.",
    )
    if len(pictures) >= FEW and empty > len(pictures) / 2:
        sentences.append(
            f"{problems.shown}: {empty} of {len(pictures)} images have no annotation, so that all "
            "of them is background; images that nobody has annotated yet should be taken out."
        )
    return sentences


def _notes(problems, total, boxes, crowd):
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
        *(_crowds(problems, total) if crowd is None else ()),
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
