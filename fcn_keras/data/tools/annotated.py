"""From a tool's images and shapes to a dataset: classes, splits, and label maps drawn on demand."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from fcn_keras.checks import one_of, whole_number
from fcn_keras.data.augmentation import Augmentation
from fcn_keras.data.classes.reading import OWN, TOOLS, labels_and_reader, listed, read_list
from fcn_keras.data.coco.categories import BACKGROUND, VOID
from fcn_keras.data.coco.layout import split_word
from fcn_keras.data.coco.outlines import Outline, OutlineReader, Sketch
from fcn_keras.data.dataset import Dataset
from fcn_keras.data.images import reader as image_reader
from fcn_keras.data.images.reader import ImageReader
from fcn_keras.data.images.survey import decided_reader
from fcn_keras.data.layout.splitting import held_out
from fcn_keras.data.tools.shapes import stroke
from fcn_keras.labels import LabelSet
from fcn_keras.options import Option

OPTIONS = {
    "outside": Option(
        "What pixels in no shape are: background, or void where only some of them are annotated. "
        "Default: background.",
        kind=str,
        choices=("background", "void"),
    ),
    "width": Option(
        "Width in pixels in which lines and points are drawn. Default: they are left out.", kind=int
    ),
    **image_reader.OPTIONS,
}


class Shape(NamedTuple):
    """A shape on an image.

    Attributes:
        name: Its class.
        parts: Polygons and run lengths, as an `Outline` has them.
        lines: Lists of points [x, y] of the lines and single points in it, which have no area.
    """

    name: str
    parts: list
    lines: tuple = ()


class Picture(NamedTuple):
    """An annotated image.

    Attributes:
        path: Its file.
        size: (H, W), or None: that of the file.
        shapes: List of `Shape`; later ones cover earlier ones.
        source: The file that says so, for messages.
        split: "train", "val" or "test" if the tool says it, else None.
    """

    path: Path
    size: tuple[int, int] | None
    shapes: list[Shape]
    source: Path
    split: str | None = None


@dataclass
class Annotated:
    """What a tool wrote.

    Attributes:
        pictures: List of `Picture`.
        colors: {name: (red, green, blue) or None} of the classes in the tool's order; empty where
            it has no list of them.
        notes: Sentences about how the files were understood.
    """

    pictures: list[Picture]
    colors: dict = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def splits_of(annotated, root):
    """Returns the splits that together hold every image."""
    found = set(_splits(annotated, root)[0])
    return [split for split in ("train", "val", "test") if split in found]


def dataset_of(
    name, annotated, root, split, hint,
    *, outside=None, width=None, bits=None, alpha=None, page=None,
):  # fmt: skip
    """Returns one split of what a tool wrote, as a `Dataset`.

    Args:
        name: The dataset's name.
        annotated: The `Annotated`.
        root: The dataset's folder.
        split: Name of the split; "all" is every image.
        hint: What belongs where, for messages.
        outside, width, bits, alpha, page: See `OPTIONS`.

    Raises:
        ValueError: for an unknown split, or a class that the list of classes has not.
    """
    if outside is not None:
        one_of("outside", outside, OPTIONS["outside"].choices)
    if width is not None:
        whole_number("width", width)
    labels, label_of, notes = _classes(name, annotated, root, outside)
    parts, about = _splits(annotated, root)
    if split not in (*parts, "all"):
        known = ", ".join([*splits_of(annotated, root), "all"])
        raise ValueError(f"{name}: {root} has no split {split!r}; it has {known}.")
    kept = [n for n, part in enumerate(parts) if split in (part, "all")]
    paths = [picture.path for picture in annotated.pictures]
    read, found = decided_reader(ImageReader(bits, alpha, page), paths)
    names = names_of(paths, root)
    notes = [*annotated.notes, *notes, *(about if split != "all" else []), *found]
    notes += _of_shapes(annotated.pictures, width)
    sketches = {}
    for picture in (annotated.pictures[n] for n in kept):
        sketches[str(picture.path)] = Sketch(picture.size, _outlines(picture, label_of, width))
    background = next((label_of[n] for n in labels.names if n.lower() in BACKGROUND), 0)
    reader = OutlineReader(
        labels, sketches=sketches, file=Path(root), layered=True,
        outside=labels.ignore if outside == "void" else background,
    )  # fmt: skip
    files = tuple(paths[n] for n in kept)
    return Dataset(
        name, split, labels, tuple(names[n] for n in kept), files, files, reader,
        Augmentation(flip=True, scale=(0.5, 2.0), color=0.2), read,
        hint=hint, notes=tuple(dict.fromkeys(notes)),
    )  # fmt: skip


def names_of(paths, root):
    """Returns a name for each image: the stem, or the path where stems are equal."""
    stems = [Path(path).stem for path in paths]
    if len(set(stems)) == len(stems):
        return stems
    inside = [p.relative_to(root) if p.is_relative_to(root) else p for p in map(Path, paths)]
    return [path.with_suffix("").as_posix() for path in inside]


def _outlines(picture, label_of, width):
    outlines = []
    for number, shape in enumerate(picture.shapes, 1):
        drawn = [part for line in shape.lines for part in stroke(line, width)] if width else []
        if parts := [*shape.parts, *drawn]:
            told = f"{number} ({shape.name!r}) of {picture.source.name}"
            outlines.append(Outline(label_of[shape.name], parts, False, told))
    return outlines


def _classes(name, annotated, root, outside):
    """(labels, {name: label}, notes): by classes.txt or a tool's list, or in alphabetical order.

    Where pixels in no shape are void, no background is added.
    """
    used = {}
    for picture in annotated.pictures:
        for shape in picture.shapes:
            used.setdefault(shape.name, picture.source)
    file = next((p for n in (OWN, *TOOLS) if (p := Path(root) / n).is_file()), None)
    notes, colors, known = [], None, dict(annotated.colors)
    if file is not None:
        found = read_list(file)
        own, _ = labels_and_reader(found)
        known = dict(zip(own.names, own.palette, strict=True))
        notes.append(f"{file.name} says the classes and their order: {listed(own.names)}.")
    elif not known:
        known = dict.fromkeys(sorted(used, key=lambda text: (text.lower(), text)))
    special = {text for text in (*known, *used) if text.lower() in (*BACKGROUND, *VOID)}
    for text, source in used.items():
        if text not in known and text not in special:
            where = file.name if file else f"the classes of {root}"
            raise ValueError(
                f"{name}: {source} has a shape of the class {text!r}, which is not in {where} "
                f"({listed([*known])}). Correct the one or the other."
            )
    classes = [text for text in known if text.lower() not in VOID]
    if not any(text.lower() in BACKGROUND for text in classes):
        classes = [*(["background"] if outside != "void" else []), *classes]
    elif file is None:
        classes.sort(key=lambda text: text.lower() not in BACKGROUND)
    if any(known.get(text) for text in classes):
        colors = _palette(classes, known)
    labels = LabelSet(tuple(classes), colors)
    label_of = {text: number for number, text in enumerate(classes)}
    background = next((n for n, text in enumerate(classes) if text.lower() in BACKGROUND), 0)
    for text in special - {*classes}:
        label_of[text] = labels.ignore if text.lower() in VOID else background
    if file is None and not annotated.colors:
        notes.append(
            f"The classes are those of the shapes, in alphabetical order: {listed(classes)}. A "
            f"{OWN} in the folder sets another order."
        )
    return labels, label_of, notes


def _palette(classes, known):
    """The tool's colours; classes without one have that of their number."""
    default = LabelSet(tuple(classes)).palette
    return tuple(known.get(text) or default[number] for number, text in enumerate(classes))


def _splits(annotated, root):
    """(the split of each image, a list with a sentence about it)."""
    stated = [picture.split or _of_folders(picture.path, root) for picture in annotated.pictures]
    if {*stated} - {None, "train"}:
        return [split or "train" for split in stated], []
    names = names_of([picture.path for picture in annotated.pictures], root)
    val = held_out(names)
    if len(names) < 2:
        return ["train"] * len(names), []
    return ["val" if name in val else "train" for name in names], [
        f"val is a fifth of the images ({len(val)} of {len(names)}), chosen by a hash of their "
        "names; the split 'all' is all of them."
    ]


def _of_folders(path, root):
    """The split that the folders of an image say, or None."""
    if not path.is_relative_to(root):
        return None
    words = (split_word(part) for part in path.relative_to(root).parts[:-1])
    return next((word for word in words if word), None)


def _of_shapes(pictures, width):
    """Sentences about lines and points, and about images without shapes."""
    notes = []
    lines = sum(bool(shape.lines) for picture in pictures for shape in picture.shapes)
    if lines:
        what = f"{lines} shapes that are lines or points"
        notes.append(
            f"{what} are drawn {width} pixels wide."
            if width
            else f"{what} have no area and are left out; width=10 draws them 10 pixels wide."
        )
    empty = sum(not picture.shapes for picture in pictures)
    if empty:
        notes.append(
            f"{empty} of {len(pictures)} images have no shape, so that all of them is background; "
            "images that nobody has annotated yet should be taken out."
        )
    return notes
