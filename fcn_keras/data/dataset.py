"""A labelled dataset: images with a label map each, from files or from memory."""

import fnmatch
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fcn_keras.data import pipeline
from fcn_keras.data.images import read_image
from fcn_keras.data.masks import MaskReader
from fcn_keras.labels import LabelSet


@dataclass(frozen=True)
class Dataset:
    """Images and their label maps, one split of a dataset.

    Made by `fcn_keras.data.load`, or directly from lists of files or arrays.

    Attributes:
        name: The dataset's name.
        split: The split's name.
        labels: `LabelSet`: class names, palette, void value.
        names: One name an example (a file's stem).
        images: Paths, or uint8 arrays (H, W, 3).
        masks: Paths, or label maps (H, W).
        reader: How mask files are read.
        augmentation: What `augment=True` means for this dataset.

    Example:

    ```python
    data = fcn_keras.data.load("digits", split="train")
    image, label = data[0]          # uint8 (H, W, 3), uint8 (H, W)
    batches = data.batches(8, crop=(64, 64), augment=True)
    ```
    """

    name: str
    split: str
    labels: LabelSet
    names: tuple[str, ...]
    images: tuple
    masks: tuple
    reader: MaskReader | None = None
    augmentation: pipeline.Augmentation = pipeline.Augmentation()

    def __post_init__(self):
        if not len(self.names) == len(self.images) == len(self.masks):
            raise ValueError(
                f"{self.name}: {len(self.names)} names, {len(self.images)} images and "
                f"{len(self.masks)} masks; one of each is needed."
            )

    def __len__(self):
        return len(self.names)

    def __getitem__(self, index):
        """Example `index` as NumPy arrays: image uint8 (H, W, 3) and label map (H, W)."""
        if not isinstance(self.images[index], (str, Path)):
            return self.images[index], self.masks[index]
        image, label = read_image(self.images[index]), self.reader.read(self.masks[index])
        if image.shape[:2] != label.shape:
            raise ValueError(pipeline.size_message(
                self.images[index], image.shape, self.masks[index], label.shape
            ))
        return image, label

    def __iter__(self):
        return (self[index] for index in range(len(self)))

    def select(self, pattern):
        """The examples whose name matches a glob pattern (or one of several), as a Dataset.

        Raises:
            ValueError: if none matches.
        """
        return self._kept(pattern, True)

    def exclude(self, pattern):
        """The examples whose name matches none of the glob patterns, as a Dataset.

        Raises:
            ValueError: if none is left.
        """
        return self._kept(pattern, False)

    def take(self, count):
        """The first `count` examples, as a Dataset."""
        return self._at(range(min(count, len(self))))

    def examples(self):
        """A `tf.data.Dataset` of {"image": uint8 (H, W, 3), "label": (H, W)}, unshuffled."""
        return pipeline.examples(self)

    def batches(self, batch_size, **options):
        """A `tf.data.Dataset` of (images, labels) for `model.fit`; see `pipeline.batches`."""
        return pipeline.batches(self, batch_size, **options)

    def _kept(self, pattern, wanted):
        patterns = [pattern] if isinstance(pattern, str) else list(pattern)
        kept = [
            index
            for index, name in enumerate(self.names)
            if any(fnmatch.fnmatchcase(name, p) for p in patterns) == wanted
        ]
        if not kept:
            raise ValueError(
                f"{self.name} ({self.split}): {'no' if wanted else 'every'} example matches "
                f"{', '.join(patterns)}; names look like {self.names[0]!r}."
            )
        return self._at(kept)

    def _at(self, indices):
        return replace(
            self,
            names=tuple(self.names[i] for i in indices),
            images=tuple(self.images[i] for i in indices),
            masks=tuple(self.masks[i] for i in indices),
        )


def as_arrays(pairs):
    """Images and label maps of (image, label) pairs, as two tuples of arrays."""
    images, masks = zip(*pairs, strict=True)
    return tuple(np.asarray(i) for i in images), tuple(np.asarray(m) for m in masks)
