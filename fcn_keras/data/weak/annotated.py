"""AnnotatedDataset: images with weak labels that annotators made, in files."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from fcn_keras.checks import one_of
from fcn_keras.data import decoding
from fcn_keras.data.dataset import Dataset
from fcn_keras.data.masks.reader import MaskReader
from fcn_keras.data.weak import notations
from fcn_keras.data.weak.boxes import painted
from fcn_keras.data.weak.marks import drawn_line, drawn_point

FORMS = ("tags", "boxes", "points", "scribbles")
RADIUS = 2  # of a point in pixels


class AnnotationReader(MaskReader):
    """The reader of an `AnnotatedDataset`; label maps with points or scribbles are its masks."""


@dataclass(frozen=True)
class AnnotatedDataset(Dataset):
    """Images with tags, boxes, points or scribbles from files.

    The targets are the files. The first class is the background.

    Attributes:
        form: "tags" (with sizes), "boxes", "points" or "scribbles".
        entries: What a file about all images says of each, {name: entry}; empty where each image
            has a file of its own.
    """

    form: str = field(default="tags", kw_only=True)
    entries: dict = field(default_factory=dict, kw_only=True)

    background = True

    def __post_init__(self):
        super().__post_init__()
        one_of("weak", self.form, FORMS)
        self._set(_sizes={})

    def read_target(self, index):
        """Returns the weak labels of example `index` as a label map (H, W)."""
        return self._drawn(index, self._size(index))

    def read_boxes(self, index):
        """Returns the boxes of example `index`, a list of `Box`."""
        return self._annotation(index, self._size(index))[0]

    def read_tags(self, index):
        """Returns which classes example `index` has; see `WeakDataset.read_tags`.

        Boxes and marks have the classes that occur among them, and the background.
        """
        if self.form == "tags":
            return self._entry(index)
        label = self.read_target(index)
        tags = np.zeros(self.labels.num_classes, "uint8")
        tags[np.unique(label[label != self.labels.ignore])] = 1
        tags[0] = 1
        return tags

    def read_alternatives(self, index):
        """Returns which classes pixels may have; see `Dataset.read_alternatives`."""
        tags = self.read_tags(index)
        alternatives = np.stack([tags, np.zeros_like(tags)])
        alternatives[1, 0] = self.form == "boxes"
        return alternatives

    def tensor_loader(self, tf):
        """Returns `load(index) -> (image, target)` as tensors; see `Dataset.tensor_loader`."""
        paths = tf.constant([str(path) for path in self.images])
        decode = decoding.image_decoder(tf, self)
        dtype = tf.as_dtype(self.task.dtype)

        def drawn(index, shape):
            return self._drawn(int(index), tuple(map(int, shape[:2])))

        def load(index):
            image = decode(index, paths[index])
            target = tf.numpy_function(drawn, [index, tf.shape(image)], dtype)
            return image, tf.ensure_shape(target, self.target_shape)

        return load

    def _size(self, index):
        if index not in self._sizes:
            self._sizes[index] = self.read_image(index).shape[:2]
        return self._sizes[index]

    def _entry(self, index):
        """What the file about all images says of one."""
        entry = self.entries[self.names[index]]
        if isinstance(entry, Exception):
            raise entry
        return entry

    def _annotation(self, index, size):
        """`(boxes, marks)` of an example whose image has a size."""
        path = Path(self.targets[index])
        if self.entries:
            return notations.coco_boxes(path, self._entry(index), self.labels, size), []
        if path.suffix.lower() == ".json":
            return notations.read_labelme(path, self.labels, size)
        read = {".xml": notations.read_voc, ".txt": notations.read_yolo}[path.suffix.lower()]
        return read(path, self.labels, size), []

    def _drawn(self, index, size):
        """The weak labels of an example as a label map."""
        labels = self.labels
        if self.form == "tags":
            self._entry(index)
            return np.full(size, labels.ignore, labels.dtype)
        path = Path(self.targets[index])
        if self.form != "boxes" and path.suffix.lower() != ".json":
            label = self.reader.read(path)
        else:
            boxes, marks = self._annotation(index, size)
            if self.form == "boxes":
                return painted(boxes, size, 0, labels.dtype)
            label = np.full(size, labels.ignore, labels.dtype)
            for one in marks:
                point = len(one.places) == 1
                pixels = (drawn_point if point else drawn_line)(one.places, size)
                label[pixels] = one.label
        if (label == labels.ignore).all():
            raise ValueError(f"{path} marks no pixel: there is no point or line in it.")
        return label
