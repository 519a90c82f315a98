"""Builders of TensorFlow Datasets that have a segmentation mask, such as `tfds:oxford_iiit_pet`.

Needs TensorFlow and tensorflow_datasets, which are imported in the functions.
"""

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from fcn_keras.data import cityscapes
from fcn_keras.data.augmentation import Augmentation
from fcn_keras.data.dataset import Dataset
from fcn_keras.data.masks.reader import MaskReader
from fcn_keras.data.tfrecords import Records
from fcn_keras.labels import LabelSet
from fcn_keras.options import Option

OPTIONS = {
    "download": Option("Downloads and prepares missing data.", kind=bool),
    "classes": Option("Number of classes in the masks.", kind=int),
    "first": Option("The value of the first class. Default: 0.", kind=int),
    "void": Option("A value of the masks that means void.", kind=int, repeatable=True),
    "image": Option("Name of the feature with the image.", kind=str),
    "mask": Option("Name of the feature with the mask.", kind=str),
}
_MASK = re.compile("segment|annot|mask|label")


class Coding(NamedTuple):
    """The classes of a builder and the meaning of its masks' values: (first, last, label)."""

    labels: LabelSet
    values: tuple[tuple[int, int, int], ...]


def _counted(labels, first=0):
    return Coding(labels, tuple((first + c, first + c, c) for c in range(labels.num_classes)))


def _scenes():
    labels = LabelSet(tuple(f"category {number}" for number in range(1, 151)))
    return Coding(labels, ((0, 0, labels.ignore), *_counted(labels, first=1).values))


KNOWN = {
    "oxford_iiit_pet": _counted(LabelSet(("pet", "background", "border")), first=1),
    "scene_parse150": _scenes(),
    "cityscapes": Coding(cityscapes.LABELS, cityscapes.VALUES),
}


@dataclass(frozen=True)
class TfdsReader(MaskReader):
    """A `MaskReader` of the masks of TFDS records.

    Attributes:
        records: The `Records` of the split.
        mask: Name of the feature with the mask. If it has three channels, the first is the
            class, as in `scene_parse150`.
    """

    records: Any = None
    mask: str = ""

    def read(self, path):
        """Returns the mask of a record as label map; raises what `MaskReader.read` does."""
        values = self.records.read(_number(path), self.mask)
        return self.convert(values[..., 0] if values.ndim == 3 else values, path)


class Builder:
    """A TFDS builder as a `DatasetModule`."""

    OPTIONS = OPTIONS

    def __init__(self, name):
        self.name = name.removeprefix("tfds:")

    def splits(self, root=None, **options):
        """Returns the splits of a prepared builder; train where it does not know them."""
        return list(_builder(self.name, root).info.splits) or ["train"]

    def load(
        self,
        root=None,
        split="train",
        *,
        download=False,
        classes=None,
        first=0,
        void=(),
        image=None,
        mask=None,
    ):
        """Returns one split of a builder of TensorFlow Datasets, read record by record.

        The meaning of the masks is known for oxford_iiit_pet (1 pet, 2 background, 3 border:
        `void=3` leaves the border out), scene_parse150 (the first of three channels, 0 void),
        cityscapes (34 ids, 19 classes) and features of the type `LabeledImage`. Others need
        `classes`.

        Args:
            root: TFDS's data folder. Default: ~/tensorflow_datasets.
            split: "train", "test", "validation" (or "val"), or a part of one: "train[80%:]".
            download: Whether to download and prepare missing data.
            classes: Number of classes in the masks.
            first: The value of the first class.
            void: A value that means void, or several. A class of this value is left out.
            image: Name of the feature with the image.
            mask: Name of the feature with the mask.

        Returns:
            A `Dataset`.

        Raises:
            ValueError: for an unknown builder, split or coding, or one without a mask.
            FileNotFoundError: if the builder is not prepared and `download` is False.
        """
        builder = _builder(self.name, root)
        image, mask = _features(self.name, builder.info.features, image, mask)
        coding = _coding(builder, mask, classes, first)
        labels, values = _without(coding, (void,) if isinstance(void, int) else tuple(void))
        if split == "val" and "val" not in builder.info.splits:
            split = "validation" if "validation" in builder.info.splits else split
        records = Records(builder, split, (image, mask), download)
        where = f"tfds:{self.name}/{split}"
        return Dataset(
            f"tfds:{self.name}",
            split,
            labels,
            tuple(f"{number:06}" for number in range(len(records))),
            tuple(f"{where}/{image}#{number}" for number in range(len(records))),
            tuple(f"{where}/{mask}#{number}" for number in range(len(records))),
            TfdsReader(labels, values=values, records=records, mask=mask),
            Augmentation(flip=True, scale=(0.5, 2.0), color=0.2),
            lambda path: _rgb(records.read(_number(path), image), path),
        )


def _builder(name, root):
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise ImportError(
            "Datasets of tfds: need TensorFlow Datasets: pip install tensorflow-datasets."
        ) from error
    try:
        return tfds.builder(name, data_dir=root)
    except tfds.core.registered.DatasetNotFoundError as error:
        raise ValueError(
            f"TensorFlow Datasets has no builder {name!r}; "
            "https://www.tensorflow.org/datasets/catalog lists them."
        ) from error


def _features(name, features, image, mask):
    """Returns the names of the features with the image and the mask."""
    import tensorflow_datasets as tfds

    pictures = {key: f for key, f in features.items() if isinstance(f, tfds.features.Image)}
    for given in filter(None, (image, mask)):
        if given not in pictures:
            raise ValueError(f"tfds:{name} has no image {given!r}; it has {sorted(pictures)}.")
    labeled = [key for key in pictures if isinstance(pictures[key], tfds.features.LabeledImage)]
    mask = mask or next(iter(labeled + [key for key in pictures if _MASK.search(key)]), None)
    others = [key for key in pictures if key != mask]
    image = image or next((key for key in (*others, None) if key is None or "image" in key), None)
    if mask is None or image is None:
        raise ValueError(
            f"tfds:{name} has no segmentation mask that is known by its name: its images "
            f"are {sorted(pictures)}; choose by image=NAME and mask=NAME."
        )
    return image, mask


def _coding(builder, mask, classes, first):
    import tensorflow_datasets as tfds

    feature = builder.info.features[mask]
    labeled = isinstance(feature, tfds.features.LabeledImage)
    if classes is None and builder.name in KNOWN:
        return KNOWN[builder.name]
    if classes is None and labeled and feature.names:
        return _counted(LabelSet(tuple(feature.names)), first)
    classes = classes or (feature.num_classes if labeled else None)
    if not classes:
        raise ValueError(
            f"tfds:{builder.name} does not say what the values of {mask!r} mean: pass classes=N, "
            "first=1 if they are counted from 1, void=V for a value that means void. "
            f"See {builder.info.homepage}."
        )
    return _counted(LabelSet.numbered(classes), first)


def _without(coding, void):
    """Returns `(labels, values)` of a coding after some values became void, no longer classes."""
    labels, values = coding
    gone = {label for first, last, label in values if any(first <= v <= last for v in void)}
    kept = [number for number in range(labels.num_classes) if number not in gone]
    if not kept:
        raise ValueError(f"void={void} leaves none of the classes {labels.names}.")
    place = {number: new for new, number in enumerate(kept)}
    fewer = LabelSet(
        tuple(labels.names[n] for n in kept), tuple(labels.palette[n] for n in kept), labels.ignore
    )
    meaning = tuple((a, b, place.get(label, labels.ignore)) for a, b, label in values)
    return fewer, (*meaning, *((value, value, labels.ignore) for value in void))


def _number(path):
    return int(str(path).rpartition("#")[2])


def _rgb(values, path):
    if values.dtype != np.uint8 or values.ndim != 3 or values.shape[-1] not in (1, 3, 4):
        raise ValueError(
            f"{path} is {values.dtype} {values.shape}; an image is uint8 (height, width, 3)."
        )
    return np.repeat(values, 3, axis=-1) if values.shape[-1] == 1 else values[..., :3]
