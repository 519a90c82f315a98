"""Where the files of weak labels of a user's folder are."""

from dataclasses import fields
from pathlib import Path

from fcn_keras.data.dataset import Dataset
from fcn_keras.data.layout.files import require
from fcn_keras.data.weak import notations
from fcn_keras.data.weak.annotated import AnnotatedDataset, AnnotationReader

TAGS = "tags.csv"
# What the folder of a kind of labels holds, by the files' suffixes in order.
SUFFIXES = {
    "boxes": (".xml", ".txt", ".json"),
    "points": (".json", ".png"),
    "scribbles": (".json", ".png"),
}
HINTS = {
    "tags": f"A folder with tags has images/, classes.txt and {TAGS}, a line `file,classes` each.",
    "boxes": "A folder with boxes has images/, classes.txt and boxes/ with an .xml file (VOC), a "
    ".txt file (YOLO) or a .json file (labelme) for each image, or boxes.json (COCO).",
    "points": "A folder with points has images/, classes.txt and points/ with a label map (PNG) or "
    "a .json file (labelme) for each image.",
    "scribbles": "A folder with scribbles has images/, classes.txt and scribbles/ with a label map "
    "(PNG) or a .json file (labelme) for each image.",
}


def annotated(root, form, where, images):
    """Returns the images of a folder with their weak labels.

    Args:
        root: The dataset's folder.
        form: "tags", "boxes", "points" or "scribbles".
        where: Name of the file or folder of the labels, or None for the one of the form's name.
        images: A `Dataset` of the images, whose targets are not used.

    Returns:
        An `AnnotatedDataset`. Images without an entry in a file about all images are left out,
        with a note.

    Raises:
        FileNotFoundError: for a file or folder that is not there, or where no image has labels.
        ValueError: for a file that is none of its format.
    """
    path = _source(Path(root), form, where)
    if images.labels is None:
        raise ValueError(f"weak={form} is for classes, and the task is {images.task.kind!r}.")
    if images.resize_images:
        raise ValueError("resize=images is for images with masks; it does not go with weak.")
    own = {one.name: getattr(images, one.name) for one in fields(Dataset)}
    reader = AnnotationReader(**{
        one.name: getattr(images.reader, one.name) for one in fields(AnnotationReader)
    })  # fmt: skip
    if path.is_dir():
        targets = tuple(_file_of(path, name, form) for name in images.names)
        return AnnotatedDataset(**{**own, "targets": targets, "reader": reader}, form=form)
    read = {"tags": lambda: notations.read_tags(path, images.labels)}
    entries = read.get(form, lambda: notations.read_coco(path))()
    kept = [index for index, name in enumerate(images.names) if name in entries]
    if not kept:
        raise FileNotFoundError(
            f"{path} names none of the {len(images)} images of {images.split}, such as "
            f"{images.names[0]!r}; it names {next(iter(entries))!r}."
        )
    notes = images.notes
    if len(kept) < len(images):
        notes = (
            *notes,
            f"{len(images) - len(kept)} of {len(images)} images of {images.split} are not in "
            f"{path.name} and were left out.",
        )
    every = AnnotatedDataset(
        **{**own, "targets": (path,) * len(images), "reader": reader, "notes": notes},
        form=form,
        entries=entries,
    )
    return every.at(kept)


def _source(root, form, where):
    """The file or folder of the labels."""
    if where is not None:
        return require(root / where, "folder", HINTS[form])
    if form == "tags":
        return require(root / TAGS, "folder", HINTS[form])
    if form == "boxes" and (root / "boxes.json").is_file():
        return root / "boxes.json"
    return require(root / form, "folder", HINTS[form])


def _file_of(folder, name, form):
    """The file of an image's labels: the first suffix that is there, else the usual one."""
    paths = [folder / f"{name}{suffix}" for suffix in SUFFIXES[form]]
    return next((path for path in paths if path.is_file()), paths[-1 if form != "boxes" else 0])
