"""COCO and other datasets in its format: polygons and run lengths of objects in a JSON file."""

import re
from pathlib import Path

from fcn_keras.checks import one_of
from fcn_keras.data.augmentation import Augmentation
from fcn_keras.data.classes.beside import with_classes_beside
from fcn_keras.data.coco.annotations import read_annotations
from fcn_keras.data.coco.images import find_images
from fcn_keras.data.coco.layout import WORDS, Source, find_layout, split_word, stated_split
from fcn_keras.data.coco.outlines import OutlineReader, Sketch
from fcn_keras.data.dataset import Dataset
from fcn_keras.data.images import reader as image_reader
from fcn_keras.data.images.reader import ImageReader
from fcn_keras.data.images.survey import decided_reader
from fcn_keras.data.layout.files import require
from fcn_keras.data.layout.splitting import held_out
from fcn_keras.options import Option

HINT = (
    "COCO needs annotations/instances_train2017.json (or another year's) and the images in "
    "train2017/ or images/train2017/, as unpacked from https://cocodataset.org/#download; an "
    "export of an annotation tool needs its JSON file and the images beside it. Other files are "
    "named by annotations=FILE and images=FOLDER."
)
OPTIONS = {
    "annotations": Option("Another JSON file, a path from DIR.", "FILE", kind=str),
    "images": Option("Another folder of images, a path from DIR.", "FOLDER", kind=str),
    "crowd": Option("Crowds become pixels of their class instead of void.", kind=bool),
    "boxes": Option(
        "What becomes of objects with a box and no outline. Default: background.",
        kind=str,
        choices=("fill", "void"),
    ),
    **image_reader.OPTIONS,
}
_COPY = re.compile(r"\.rf\.[0-9a-zA-Z]+$")  # Roboflow: one photograph, augmented several times


def splits(root, *, annotations=None, images=None, crowd=None, boxes=None, **options):
    """Returns the splits that have an annotation file; train and val where one file has all images.

    Raises:
        FileNotFoundError: if there is no annotation file.
        ValueError: for several files, if it cannot be said which one is meant.
    """
    root, annotations = _opened(root, annotations)
    if annotations:
        file = require(root / annotations, "coco", HINT)
        split = stated_split(file, root)
        return [split] if split else _divided(root, file, images, crowd, boxes)
    layout = find_layout(root)
    shared = layout.shared
    parts = _divided(root, shared, images, crowd, boxes) if shared else []
    found = [*layout.stated, *(part for part in parts if part not in layout.stated)]
    if not found:
        require(root / "annotations" / "instances_train2017.json", "coco", HINT)
    return [split for split in ("train", "val", "test") if split in found]


def load(
    root,
    split="train",
    *,
    annotations=None,
    images=None,
    crowd=None,
    boxes=None,
    bits=None,
    alpha=None,
    page=None,
):
    """Returns images with label maps drawn from COCO's outlines: background and the categories.

    Where objects overlap, the smaller one covers the larger, counted in their pixels. A crowd
    (iscrowd), which is a rough outline of many objects, is void, except where single objects cover
    it.

    COCO's own folder is read, and the exports of Roboflow, CVAT, Label Studio, Supervisely,
    Datumaro, FiftyOne, VIA, labelme2coco and others: the names of files or folders say the splits.
    Where one file has all images, the folders of the images say them; where these say nothing,
    "val" is a fifth of the images, chosen by a hash of their names.

    Args:
        root: Folder of the annotations and the images; or the JSON file, as `annotations`.
        split: "train", "val" or "test", of the newest year that is there; or with the year,
            "val2014". "all" where one file has all images.
        annotations: Another JSON file, a path from root. If its name says a split, all of it is
            loaded; otherwise it is divided.
        images: Another folder of images, a path from root.
        crowd: Whether crowds become pixels of their class instead of void. None is False, with a
            note where there are many crowds.
        boxes: What becomes of annotations that have a box and no outline: "fill" draws the box,
            "void" makes it void. None leaves them background, with a note.
        bits, alpha, page: How images are read that can be understood in several ways; see
            `fcn_keras.data.ImageReader`.

    Returns:
        A `Dataset`: class 0 is background, then the categories in the order of their ids (80 in
        COCO, whose ids are not contiguous: label 12 is id 13).

    Raises:
        FileNotFoundError: for missing files; the message says what was expected where.
        ValueError: for a JSON file that is not in COCO's format, or an annotation that means
            nothing; the message names the file and the annotation. When a mask is read: for
            outlines that do not fit their image.

    Source: Lin et al. (2014), Microsoft COCO: Common Objects in Context.
    """
    root, annotations = _opened(root, annotations)
    source = _source(root, split, annotations)
    train = source.train if source.train != source.file else None
    labels, pictures, notes = read_annotations(
        source.file, root, HINT, crowd, _checked(boxes), train
    )
    paths, found = _images(root, source.file, pictures, images)
    notes += found
    kept = range(len(pictures))
    if not source.whole:
        parts, about = _parts(root, source.file, pictures, paths)
        wanted = WORDS.get(split, split)
        if wanted not in (*set(parts), "all"):
            known = ", ".join([*sorted(set(parts)), "all"])
            raise ValueError(f"coco: {source.file} has no split {split!r}; it has {known}.")
        kept = [n for n, part in enumerate(parts) if wanted in (part, "all")]
        notes += [about] if split != "all" else []
    if source.said and split not in (source.said, "all"):
        notes.append(
            f"{_shown(root, source.file)}: all of it is the split {split!r}, as annotations= asks "
            f"for; its name says {source.said!r}."
        )
    if source.unused:
        names = ", ".join(_shown(root, file) for file in source.unused)
        notes.append(f"{names}: not used, since other annotation files say the splits.")
    read, found = decided_reader(ImageReader(bits, alpha, page), paths)
    names = _names(root, paths)
    paths = tuple(paths[n] for n in kept)
    sketches = {str(p): Sketch(*pictures[n][1:3]) for p, n in zip(paths, kept, strict=True)}
    dataset = Dataset(
        "coco", split, labels, tuple(names[n] for n in kept), paths, paths,
        OutlineReader(labels, sketches=sketches, file=source.file),
        Augmentation(flip=True, scale=(0.5, 2.0), color=0.2), read,
        hint=HINT, notes=(*notes, *found),
    )  # fmt: skip
    return with_classes_beside(dataset, [root])


def _opened(root, annotations):
    """(folder, annotations) of a dataset that is named by its folder or by its JSON file."""
    root = require(root, "coco", HINT)
    if not root.is_file() or annotations:
        return root, annotations
    folder = root.parent.parent if root.parent.name == "annotations" else root.parent
    return folder, str(root.relative_to(folder))


def _checked(boxes):
    return boxes if boxes is None else one_of("boxes", boxes, ("fill", "void"))


def _source(root, split, annotations):
    """The `Source` of a split."""
    if annotations:
        file = require(root / annotations, "coco", HINT)
        said = stated_split(file, root)
        return Source(file, whole=said is not None, said=said)
    dated = root / "annotations" / f"instances_{split}.json"
    if dated.is_file() and split not in WORDS:
        return Source(dated, whole=True)
    layout = find_layout(root)
    wanted = WORDS.get(split, split)
    if source := layout.source(wanted):
        return source
    if not layout.stated and not layout.shared:
        require(root / "annotations" / f"instances_{split}2017.json", "coco", HINT)
    known = [*layout.stated, *(["all"] if layout.shared else [])]
    files = ", ".join(f"{name} ({file.relative_to(root)})" for name, file in layout.stated.items())
    year = "2017" if split in WORDS else ""
    raise FileNotFoundError(
        f"coco: {root} has no annotation file for the split {split!r}, such as "
        f"annotations/instances_{split}{year}.json; it has {files or ', '.join(known)}. {HINT}"
    )


def _images(root, file, pictures, folder):
    """The path of each image, and notes about them."""
    folder = require(root / folder, "coco", HINT) if folder else None
    return find_images(root, file, [picture.file_name for picture in pictures], folder)


def _divided(root, file, images, crowd, boxes):
    """The splits of a file that has the images of several."""
    _, pictures, _ = read_annotations(file, root, HINT, crowd, _checked(boxes))
    paths, _ = _images(root, file, pictures, images)
    return sorted(set(_parts(root, file, pictures, paths)[0]), key=("train", "val", "test").index)


def _parts(root, file, pictures, paths):
    """(the split of each image of a file, a sentence about it): stated, or chosen by a hash."""
    stated = [_stated(root, picture, path) for picture, path in zip(pictures, paths, strict=True)]
    if None not in stated and len(set(stated)) > 1:
        counts = ", ".join(f"{stated.count(s)} in {s}" for s in dict.fromkeys(sorted(stated)))
        return stated, f"{_shown(root, file)}: the folders of the images say their split: {counts}."
    keys = [_COPY.sub("", name) for name in _names(root, paths)]
    chosen = held_out(keys)
    parts = ["val" if key in chosen else "train" for key in keys]
    if "train" not in parts:
        parts = ["train"] * len(parts)
        return parts, f"{_shown(root, file)} has too few images to keep some for val."
    why = "holds the images of all splits and names none"
    if stated_split(file, root):
        why = "has no file for val beside it"
    return parts, (
        f"{_shown(root, file)} {why}: val is a fifth of its images ({parts.count('val')} of "
        f"{len(parts)}), chosen by a hash of their names; the split 'all' is all of them."
    )


def _shown(root, file):
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else file.name


def _stated(root, picture, path):
    """The split that the JSON or the folders of an image say, or None."""
    inside = Path(path)
    inside = inside.relative_to(root) if inside.is_relative_to(root) else Path(inside.name)
    words = [split_word(part) for part in inside.parts[:-1]]
    named = [split_word(part) for part in picture.file_name.replace("\\", "/").split("/")[:-1]]
    said = (WORDS.get(picture.split.lower()), *words[::-1], *named[::-1])
    return next((split for split in said if split), None)


def _names(root, paths):
    """A name for each image: the stem, or the path where stems are equal."""
    stems = [path.stem for path in paths]
    if len(set(stems)) == len(stems):
        return stems
    inside = [p.relative_to(root) if p.is_relative_to(root) else p for p in paths]
    return [path.with_suffix("").as_posix() for path in inside]
