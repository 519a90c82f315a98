"""Any builder of TensorFlow Datasets that has a segmentation mask: `tfds:oxford_iiit_pet`.

Needs TensorFlow and tensorflow_datasets, imported when called.
"""

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from fcn_keras.data import cityscapes
from fcn_keras.data.augmentation import Augmentation
from fcn_keras.data.dataset import Dataset
from fcn_keras.data.masks import MaskReader
from fcn_keras.data.tfrecords import Records
from fcn_keras.labels import LabelSet

OPTIONS = {
    "download": bool, "classes": int, "first": int, "void": (int,), "image": str, "mask": str,
}  # fmt: skip
_MASK = re.compile("segment|annot|mask|label")


class Coding(NamedTuple):
    """What the values of a builder's masks mean: (first, last, label), void as `labels.ignore`."""

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
        mask: Name of the feature that holds the mask. Of three channels that differ the first
            is the class, as in `scene_parse150`.
    """

    records: Any = None
    mask: str = ""

    def read(self, path):
        """The mask of a record as label map; raises what `MaskReader.read` does."""
        values = self.records.read(_number(path), self.mask)
        return self.convert(values[..., 0] if values.ndim == 3 else values, path)


class Builder:
    """A TFDS builder by name, as the modules of the other datasets: `splits` and `load`."""

    OPTIONS = OPTIONS

    def __init__(self, name):
        self.name = name.removeprefix("tfds:")

    def splits(self, root=None):
        """The splits of a prepared builder; train where it does not know them."""
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
        """One split of a builder of TensorFlow Datasets, read record by record.

        Known codings: oxford_iiit_pet (1 pet, 2 background, 3 border: `void=3` leaves the border
        out), scene_parse150 (the first of three channels, 0 void), cityscapes (34 ids to 19
        classes); and features of the type `LabeledImage`. Others need `classes`.

        Args:
            root: Where TFDS keeps its data, ~/tensorflow_datasets by default.
            split: "train", "test", "validation" ("val" will do), or a part: "train[80%:]".
            download: Whether to download and prepare what is not there.
            classes: How many classes the masks hold.
            first: The value of the first class.
            void: Value that stands for void, or several; if it is a class's, that class is gone.
            image: Name of the feature that holds the image.
            mask: Name of the feature that holds the mask.

        Returns:
            A `Dataset`.

        Raises:
            ValueError: for an unknown builder, split or coding, or one without a mask.
            FileNotFoundError: if the builder is not prepared; nothing is downloaded unasked.
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
        raise ImportError("tfds: datasets need it: pip install tensorflow-datasets.") from error
    try:
        return tfds.builder(name, data_dir=root)
    except tfds.core.registered.DatasetNotFoundError as error:
        raise ValueError(
            f"TensorFlow Datasets has no builder {name!r}; "
            "https://www.tensorflow.org/datasets/catalog lists them."
        ) from error


def _features(name, features, image, mask):
    """The names of the features that hold the image and the mask."""
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
            f"tfds:{name} has no segmentation mask that can be told from its name: its images are "
            f"{sorted(pictures)}; say which by image=NAME and mask=NAME."
        )
    return image, mask


def _coding(builder, mask, classes, first):
    feature = builder.info.features[mask]
    names = getattr(feature, "names", None)
    if classes is None and builder.name in KNOWN:
        return KNOWN[builder.name]
    if classes is None and names:
        return _counted(LabelSet(tuple(names)), first)
    classes = classes or getattr(feature, "num_classes", None)
    if not classes:
        raise ValueError(
            f"tfds:{builder.name} does not say what the values of {mask!r} mean: pass classes=N, "
            "first=1 if they are counted from 1, void=V for what is to be left out. "
            f"See {builder.info.homepage}."
        )
    return _counted(LabelSet.numbered(classes), first)


def _without(coding, void):
    """`(labels, values)` of a coding where some values are void, and no longer classes."""
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
