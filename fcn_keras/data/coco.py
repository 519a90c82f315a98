"""COCO and other datasets in its format: polygons and run lengths of objects in one JSON file."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fcn_keras.data.augmentation import Augmentation
from fcn_keras.data.dataset import Dataset
from fcn_keras.data.files import require
from fcn_keras.data.masks import MaskReader
from fcn_keras.data.polygons import inside_polygon, inside_runs
from fcn_keras.labels import LabelSet
from fcn_keras.options import Option
from fcn_keras.text_files import read_json

HINT = (
    "COCO needs annotations/instances_train2017.json (or another year's) and the images in "
    "train2017/ or images/train2017/, as unpacked from https://cocodataset.org/#download; other "
    "files are named by annotations=FILE and images=FOLDER."
)
OPTIONS = {
    "annotations": Option("Another JSON file, a path from DIR.", kind=str),
    "images": Option("Another folder of images, a path from DIR.", kind=str),
    "crowd": Option("Crowds become pixels of their class instead of void.", kind=bool),
}


class Outline(NamedTuple):
    """One annotated object: its label, polygons (lists of x, y) or run lengths, area in pixels."""

    label: int
    segmentation: list | dict
    area: float


class Sketch(NamedTuple):
    """The annotations of one image, the largest first, and the size (H, W) that they belong to."""

    size: tuple[int, int]
    outlines: list[Outline]


@dataclass(frozen=True)
class OutlineReader(MaskReader):
    """A `MaskReader` that draws the label map of an image from its outlines.

    Attributes:
        sketches: From an image's path to its `Sketch`.
        file: The JSON file, for messages.
    """

    sketches: dict[str, Sketch] = field(default_factory=dict)
    file: Path | None = None

    def read(self, path):
        """Returns the label map of the image at `path`; smaller objects cover larger ones.

        Raises:
            ValueError: for outlines that do not fit their image.
        """
        (height, width), outlines = self.sketches[str(path)]
        label = np.zeros((height, width), self.labels.dtype)
        for outline in outlines:
            try:
                label[_inside(outline.segmentation, (height, width))] = outline.label
            except (ValueError, TypeError, KeyError) as error:
                raise ValueError(f"{self.file}: an outline in {path} is wrong: {error}") from error
        return label


def splits(root, *, annotations=None, images=None, crowd=False):
    """Returns those of train and val that have an annotation file.

    Raises:
        FileNotFoundError: if there are none.
    """
    root = require(root, "coco", HINT)
    if annotations:
        return ["all"]
    found = [split for split in ("train", "val") if _newest(root, split)]
    if not found:
        require(root / "annotations" / "instances_train2017.json", "coco", HINT)
    return found


def load(root, split="train", *, annotations=None, images=None, crowd=False):
    """Returns images with label maps drawn from COCO's outlines: background and the categories.

    Where objects overlap, the smaller one covers the larger. A crowd (iscrowd), which is a rough
    outline of many objects, is void, except where single objects cover it.

    Args:
        root: Folder of annotations/ and the images.
        split: "train" or "val" of the newest year that is there; or with the year, "val2014".
        annotations: Another JSON file, a path from root; the split is then all of it.
        images: Another folder of images, a path from root.
        crowd: Whether crowds become pixels of their class instead of void.

    Returns:
        A `Dataset`: class 0 is background, then the categories in the order of their ids (80 in
        COCO, whose ids are not contiguous: label 12 is id 13).

    Raises:
        FileNotFoundError: for missing files; the message says what was expected where.
        ValueError: for a JSON file that is not in COCO's format. When a mask is read: for
            outlines that do not fit their image.

    Source: Lin et al. (2014), Microsoft COCO: Common Objects in Context.
    """
    root = require(root, "coco", HINT)
    file = root / annotations if annotations else _newest(root, split)
    file = require(file or root / "annotations" / f"instances_{split}2017.json", "coco", HINT)
    folder = _images(root, file, images)
    labels, pictures = _read(file, crowd)
    paths = tuple(folder / name for name in pictures)
    sketches = {str(path): s for path, s in zip(paths, pictures.values(), strict=True)}
    return Dataset(
        "coco", split, labels, tuple(Path(name).stem for name in pictures), paths, paths,
        OutlineReader(labels, sketches=sketches, file=file),
        Augmentation(flip=True, scale=(0.5, 2.0), color=0.2), hint=HINT,
    )  # fmt: skip


def _newest(root, split):
    found = sorted((root / "annotations").glob(f"instances_{split}*.json"))
    return found[-1] if found else None


def _images(root, file, images):
    if images:
        return require(root / images, "coco", HINT)
    name = file.stem.removeprefix("instances_")
    for place in (root / name, root / "images" / name, root / "images"):
        if place.is_dir():
            return place
    return require(root / name, "coco", HINT)


def _read(file, crowd):
    """Returns the `LabelSet` of a JSON file and {file name: Sketch} in the order of the ids."""
    try:
        content = read_json(file)
        categories = sorted(content["categories"], key=lambda category: category["id"])
        labels = LabelSet(("background", *(category["name"] for category in categories)))
        label_of = {category["id"]: n for n, category in enumerate(categories, 1)}
        outlines = {image["id"]: [] for image in content["images"]}
        for found in content["annotations"]:
            many = found.get("iscrowd", 0) and not crowd
            label = labels.ignore if many else label_of[found["category_id"]]
            area = np.inf if many else found.get("area", 0)
            outlines[found["image_id"]].append(Outline(label, found["segmentation"], area))
        return labels, {
            image["file_name"]: Sketch(
                (image["height"], image["width"]),
                sorted(outlines[image["id"]], key=lambda outline: -outline.area),
            )
            for image in sorted(content["images"], key=lambda image: image["id"])
        }
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"{file} is not a COCO annotation file ({type(error).__name__}: {error}). {HINT}"
        ) from error


def _inside(segmentation, shape):
    if isinstance(segmentation, dict):
        if tuple(segmentation["size"]) != shape:
            raise ValueError(f"run lengths of size {segmentation['size']} for an image of {shape}")
        return inside_runs(segmentation["counts"], shape)
    found = np.zeros(shape, bool)
    for corners in segmentation:
        if len(corners) < 6 or len(corners) % 2:
            raise ValueError(
                f"a polygon needs x, y of 3 corners or more, got {len(corners)} numbers"
            )
        found |= inside_polygon(corners, shape)
    return found
