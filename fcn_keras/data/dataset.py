"""A labelled dataset: images with a label map each, from files or from memory."""

import fnmatch
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fcn_keras.data import pipeline
from fcn_keras.data.augmentation import Augmentation
from fcn_keras.data.images import read_image
from fcn_keras.data.masks import LabelError, MaskReader
from fcn_keras.labels import LabelSet
from fcn_keras.tasks import Classes, Task


@dataclass(frozen=True)
class Dataset:
    """Images and their label maps, one split of a dataset.

    Made by `fcn_keras.data.load`, or directly from lists of files or arrays.

    Attributes:
        name: The dataset's name.
        split: The split's name.
        task: What the targets mean: a `fcn_keras.tasks.Task`. A `LabelSet` is taken as
            `Classes(labels)`.
        names: One name an example (a file's stem).
        images: Paths, or uint8 arrays (H, W, 3); or whatever str `image_reader` reads.
        targets: Paths, or label maps (H, W); or whatever str `reader` reads.
        reader: `MaskReader` of the masks; by default value i is class i.
        augmentation: What `augment=True` means for this dataset.
        image_reader: From an element of `images` that is no array to uint8 (H, W, 3).

    Raises:
        ValueError: for no examples, lists of different lengths, or arrays that are not images and
            label maps of one size (`LabelError` for a label that is neither a class nor void).

    Example:

    ```python
    data = fcn_keras.data.load("digits", split="train")
    image, label = data[0]          # uint8 (H, W, 3), uint8 (H, W)
    batches = data.batches(8, crop=(64, 64), augment=True)
    ```
    """

    name: str
    split: str
    task: Task
    names: tuple[str, ...]
    images: tuple
    targets: tuple
    reader: MaskReader | None = None
    augmentation: Augmentation = Augmentation()
    image_reader: Callable = read_image

    def __post_init__(self):
        if isinstance(self.task, LabelSet):
            object.__setattr__(self, "task", Classes(self.task))
        if not len(self.names) == len(self.images) == len(self.targets):
            raise ValueError(
                f"{self.name}: {len(self.names)} names, {len(self.images)} images and "
                f"{len(self.targets)} targets; one of each is needed."
            )
        if not self.names:
            raise ValueError(f"{self.name} ({self.split}) has no examples.")
        if self.reader is None:
            object.__setattr__(self, "reader", MaskReader(self.labels))
        if self.in_memory:
            pairs = [self._arrays(index) for index in range(len(self))]
            images, targets = zip(*pairs, strict=True)
            object.__setattr__(self, "images", images)
            object.__setattr__(self, "targets", targets)
            said = self.reader.declares_255
            object.__setattr__(self, "reader", MaskReader(self.labels, (self.labels.ignore,)))
            if not said and self.labels.num_classes <= 2:
                self._refuse_binary()

    def _refuse_binary(self):
        """Of two classes, nothing but 0 and 255: the object would be void without a word."""
        objects = any((mask == 1).any() for mask in self.targets)
        if not objects and any((mask == 255).any() and (mask == 0).any() for mask in self.targets):
            raise LabelError(
                f"{self.name} ({self.split}): no label map holds class 1, but some hold 0 and 255, "
                "and 255 means void, which is left out. If 255 is the object, pass mask == 255 as "
                "label maps; if it is void, pass reader=MaskReader(labels, void=(255,))."
            )

    def _arrays(self, index):
        """Image and label map of example `index` of a dataset in memory, checked."""
        name, image = f"{self.name}: {self.names[index]}", np.asarray(self.images[index])
        if image.ndim != 3 or image.shape[-1] != 3 or image.dtype != np.uint8:
            raise ValueError(
                f"{name}: an image must be uint8 (H, W, 3), got {image.dtype} {image.shape}."
            )
        label = self.reader.convert(np.asarray(self.targets[index]), name)
        if label.shape != image.shape[:2]:
            raise ValueError(
                f"{name}: the label map must be {image.shape[:2]} as its image, got {label.shape}."
            )
        return image, label

    @property
    def labels(self):
        """The `LabelSet` of the classes; None where the task has none."""
        return self.task.labels

    @property
    def in_memory(self):
        """Whether the examples are arrays, not files."""
        return not isinstance(self.images[0], (str, Path))

    def __len__(self):
        return len(self.names)

    def __getitem__(self, index):
        """Example `index` as NumPy arrays: image uint8 (H, W, 3) and label map (H, W).

        Raises:
            FileNotFoundError: if a file is missing.
            ValueError: naming the file, if it cannot be read, if image and mask differ in size, or
                for a label that is neither a class nor void (`LabelError`).
        """
        image, mask = self.images[index], self.targets[index]
        if self.in_memory:
            return image, mask
        pixels, label = self.image_reader(image), self.reader.read(mask)
        if pixels.shape[:2] != label.shape:
            raise ValueError(size_message(image, pixels.shape, mask, label.shape))
        return pixels, label

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
        return self.at(range(min(count, len(self))))

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
        return self.at(kept)

    def at(self, indices):
        """The examples of these numbers, in this order, as a Dataset."""
        return replace(
            self,
            names=tuple(self.names[i] for i in indices),
            images=tuple(self.images[i] for i in indices),
            targets=tuple(self.targets[i] for i in indices),
        )


def size_message(image, image_size, mask, mask_size):
    """The error for a mask whose size is not its image's."""
    turned = tuple(image_size[1::-1]) == tuple(mask_size)
    return (
        f"The image {image} is {image_size[0]}x{image_size[1]} but its mask {mask} is "
        f"{mask_size[0]}x{mask_size[1]} (height x width): they must be equal."
        + (" One of them is turned: the image's EXIF orientation was applied." if turned else "")
    )
