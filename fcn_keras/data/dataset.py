"""One split of a dataset: images with a target each, from files or from memory."""

import fnmatch
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fcn_keras.data import decoding, pipeline
from fcn_keras.data.augmentation import Augmentation
from fcn_keras.data.boundaries import BoundaryReader
from fcn_keras.data.images.conversion import stored_format, to_input
from fcn_keras.data.images.reader import ImageReader, read_image
from fcn_keras.data.images.resizing import is_scaled, to_size
from fcn_keras.data.images.scale import on_scale
from fcn_keras.data.images.survey import decided_reader
from fcn_keras.data.layout.nearest import Nearest
from fcn_keras.data.masks.instances import InstanceReader
from fcn_keras.data.readers import reader_for
from fcn_keras.data.size_mismatch import size_message
from fcn_keras.data.weight_maps import objects_of
from fcn_keras.labels import LabelSet
from fcn_keras.tasks import Classes, Task


@dataclass(frozen=True)
class Dataset:
    """Images and their targets: one split of a dataset.

    Made by `fcn_keras.data.load`, or directly from lists of files or arrays.

    Attributes:
        name: The dataset's name.
        split: The split's name.
        task: What the targets mean, a `fcn_keras.tasks.Task`. A `LabelSet` is taken as
            `Classes(labels)`.
        names: One name for each example (a file's stem).
        images: Paths, or arrays (H, W, channels) of 0-255; or any str that `image_reader` reads.
        targets: Paths, or arrays; or any str that `reader` reads. Targets of classes are label
            maps (H, W), those of regression are floats (H, W) or (H, W, C) with NaN for pixels
            without a value.
        reader: What reads the targets (see `fcn_keras.data.protocol.TargetReader`), such as a
            `MaskReader`. Default: value i is class i; floats are in units of the task.
        augmentation: What `augment=True` means for this dataset.
        image_reader: What reads the elements of `images` that are no arrays: an `ImageReader`, or
            a function that returns an image uint8 (H, W, channels). The bits of 16-bit files are
            looked for in the files where an `ImageReader` has none; with `bits` it also scales
            arrays of uint16.
        channels: Number of channels of an image. Default: that of the arrays or .npy files, else
            3.
        image_dtype: "uint8" or "float32". Default: that of the arrays or .npy files, else "uint8".
        hint: What belongs where in the dataset's folder, and where it is published; for messages.
        resize_images: Whether an image of another size than its target is brought to the target's
            size. Both must have the same proportions.
        notes: Sentences about how the files were understood ("classes.txt was read as ..."), which
            `check` and a training's summary print.

    Raises:
        ValueError: for no examples, lists of different lengths, or arrays that are not images and
            targets of one size (`LabelError` for a label that is neither a class nor void).

    Example:

    ```python
    data = fcn_keras.data.load("digits", split="train")
    image, label = data[0]          # uint8 (H, W, 3), uint8 (H, W)
    batches = data.batches(8, crop=(64, 64), augment=True)

    labels = fcn_keras.LabelSet(("ground", "leaf"))
    images, masks = np.zeros((5, 64, 64, 4), "uint8"), np.zeros((5, 64, 64), "uint8")
    data = fcn_keras.data.Dataset("mine", "train", labels, tuple("abcde"), images, masks)
    ```
    """

    name: str
    split: str
    task: Task
    names: tuple[str, ...]
    images: tuple
    targets: tuple
    reader: object = None
    augmentation: Augmentation = Augmentation()
    image_reader: Callable = ImageReader()
    channels: int | None = None
    image_dtype: str | None = None
    hint: str = ""
    resize_images: bool = False
    notes: tuple[str, ...] = ()

    def __post_init__(self):
        if not len(self.names) == len(self.images) == len(self.targets):
            raise ValueError(
                f"{self.name}: {len(self.names)} names, {len(self.images)} images and "
                f"{len(self.targets)} targets; one of each is needed."
            )
        if not len(self.names):
            raise ValueError(f"{self.name} ({self.split}) has no examples.")
        if isinstance(self.task, LabelSet):
            self._set(task=Classes(self.task))
        if self.reader is None:
            reader = reader_for(self.task)
            self._set(reader=reader, task=reader.task)
        if self.in_memory:
            self._convert_arrays()
        elif self.channels is None or self.image_dtype is None:
            self._look_through_files()

    def _set(self, **fields):
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    def _look_through_files(self):
        """Finds out how the files of images are read, and what they hold."""
        if self.image_reader is read_image:
            self._set(image_reader=ImageReader())
        channels, dtype = 3, "uint8"
        if self.reads_files:
            reader, notes = decided_reader(self.image_reader, self.images)
            self._set(image_reader=reader, notes=(*self.notes, *notes))
            channels, dtype = stored_format(self.images, reader)
        self._set(channels=self.channels or channels, image_dtype=self.image_dtype or dtype)

    def _convert_arrays(self):
        """Checks the arrays of a dataset in memory, and keeps them as examples have them."""
        images = [self._checked_image(index) for index in range(len(self))]
        if self.channels is None:
            self._set(channels=images[0].shape[-1])
        if self.image_dtype is None:
            floats = any(image.dtype == np.float32 for image in images)
            self._set(image_dtype="float32" if floats else "uint8")
        images = [
            self._fitted(image, f"{self.name}: {name}")
            for name, image in zip(self.names, images, strict=True)
        ]
        targets = [self._checked_target(index, image) for index, image in enumerate(images)]
        reader = self.reader.settled(targets, f"{self.name} ({self.split})")
        self._set(images=tuple(images), targets=tuple(targets), reader=reader)

    def _checked_image(self, index):
        name, image = f"{self.name}: {self.names[index]}", np.asarray(self.images[index])
        if image.ndim != 3 or not image.size:
            raise ValueError(
                f"{name}: an image must be an array such as uint8 (H, W, 3), of any number of "
                f"channels, got {image.dtype} {image.shape}."
            )
        reader = self.image_reader
        try:
            return reader.scaled(image) if isinstance(reader, ImageReader) else on_scale(image)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error

    def _checked_target(self, index, image):
        name = f"{self.name}: {self.names[index]}"
        target = self.reader.convert(np.asarray(self.targets[index]), name)
        if target.shape[:2] != image.shape[:2]:
            raise ValueError(
                f"{name}: the target must be {image.shape[:2]} as its image, "
                f"got {target.shape[:2]}."
            )
        return target

    def _fitted(self, image, name):
        """The image with the dataset's number of channels and dtype."""
        if image.shape[-1] != self.channels:
            if {image.shape[-1], self.channels} != {1, 3}:
                raise ValueError(
                    f"{name} has {image.shape[-1]} channels, but the images of {self.name} "
                    f"have {self.channels}."
                )
            image = to_input(image, (None, None, self.channels))
        return image.astype(self.image_dtype, copy=False)

    @property
    def labels(self):
        """The `LabelSet` of the classes; None where the task has none."""
        return self.task.labels

    @property
    def in_memory(self):
        """Whether the examples are arrays in memory, not files."""
        return not isinstance(self.images[0], (str, Path))

    @property
    def reads_files(self):
        """Whether the images are files that an `ImageReader` reads."""
        return not self.in_memory and isinstance(self.image_reader, ImageReader)

    @property
    def image_shape(self):
        """Shape of an image: (None, None, channels)."""
        return (None, None, self.channels)

    @property
    def target_shape(self):
        """Shape of a target: (None, None), or (None, None, C) where the task has C numbers."""
        return (None, None) if self.task.axes == 2 else (None, None, self.task.channels)

    def __len__(self):
        return len(self.names)

    def __getitem__(self, index):
        """Returns example `index` as NumPy arrays.

        Returns:
            `(image, target)`: `image_dtype` (H, W, channels); and a label map (H, W) of
            `labels.dtype`, or float32 (H, W) or (H, W, C) for regression.

        Raises:
            FileNotFoundError: if a file is missing.
            ValueError: naming the file, if it cannot be read, if image and target differ in size,
                or for a label that is neither a class nor void (`LabelError`).
        """
        image, target = self.read_image(index), self.read_target(index)
        if image.shape[:2] != target.shape[:2]:
            raise ValueError(size_message(self, index, image.shape, target.shape))
        return image, target

    def __iter__(self):
        return (self[index] for index in range(len(self)))

    def read_image(self, index):
        """Returns the image of example `index` alone; see `dataset[index]`."""
        if self.in_memory:
            return self.images[index]
        image = self.image_of(self.images[index])
        if not self.resize_images:
            return image
        size = self.read_target(index).shape[:2]
        return to_size(image, size) if is_scaled(image.shape[:2], size) else image

    def image_of(self, path):
        """Returns the image at a path as the examples have it: channels and dtype."""
        return self._fitted(self.image_reader(path), path)

    def read_target(self, index):
        """Returns the target of example `index` alone; see `dataset[index]`."""
        target = self.targets[index]
        return target if self.in_memory else self.reader.read(target)

    def read_annotations(self, index):
        """Returns the boundaries of example `index` that each annotator drew.

        Returns:
            bool (annotators, H, W); one annotator where the targets are not of several.

        Raises:
            ValueError: for a dataset of another task than boundaries.
        """
        if self.task.kind != "boundaries":
            raise ValueError(
                f"{self.name} ({self.split}) has no boundaries: its task is {self.task.kind!r}."
            )
        if isinstance(self.reader, BoundaryReader) and not self.in_memory:
            return self.reader.read_annotations(self.targets[index])
        return (self.read_target(index) >= 0.5)[None]

    @property
    def numbers_objects(self):
        """Whether the masks number the objects: they are files that an `InstanceReader` reads."""
        return isinstance(self.reader, InstanceReader) and not self.in_memory

    def read_objects(self, index):
        """Returns the number of the object that each pixel of example `index` belongs to.

        Returns:
            int32 (H, W), 0 for none: the numbers in the masks of an `InstanceReader`, else those of
            the 4-connected components of each class but 0.

        Raises:
            ValueError: for a dataset without classes.
        """
        if self.labels is None:
            raise ValueError(
                f"{self.name} ({self.split}) has no objects: its task is {self.task.kind!r}."
            )
        if self.numbers_objects:
            return self.reader.read_objects(self.targets[index])
        return objects_of(self.read_target(index), self.labels.ignore)

    form = None  # the kind of weak labels: "tags", "sizes", "boxes", "points", "scribbles"

    @property
    def labels_pixels(self):
        """Whether targets label pixels, which tags and sizes do not."""
        return self.form not in ("tags", "sizes")

    def read_alternatives(self, index):
        """Returns which classes the pixels of example `index` may have beside their label.

        Returns:
            uint8 (2, num_classes), for pixels without and with a label: 0 not this class, 1 this
            class too, 2 and it is large. All 0 for masks, in which void has no class.
        """
        return np.zeros((2, self.labels.num_classes), "uint8")

    @property
    def missing(self):
        """("image" or "target", index) of each file that is not there, in the names' order.

        Only elements of `images` and `targets` that are a `Path` are looked for.
        """
        return [
            (kind, index)
            for index, pair in enumerate(zip(self.images, self.targets, strict=True))
            for kind, path in zip(("image", "target"), pair, strict=True)
            if isinstance(path, Path) and not path.is_file()
        ]

    def require_files(self):
        """Returns the dataset if all its files are there.

        Raises:
            FileNotFoundError: naming the first file that is missing, and how many are.
        """
        if not (missing := self.missing):
            return self
        kind, index = missing[0]
        pair = self.images[index], self.targets[index]
        path, partner = pair if kind == "image" else pair[::-1]
        count = sum(other == kind for other, _ in missing)
        what = self.target_word if kind == "target" else kind
        raise FileNotFoundError(
            f"{self.name} ({self.split}): the {what} of {self.names[index]!r} is not in "
            f"{path.parent} ({count} of {len(self)} {what}s are missing). "
            + (self.hint or "An image and its mask have the same name up to the suffix.")
            + f" Expected was {path.name}. {Nearest().told(path, partner)}".rstrip()
            + " `fcn-keras check-data` lists every missing file."
        )

    @property
    def target_word(self):
        """What a target is called in messages: a mask where it has classes."""
        return "mask" if self.labels else "target"

    def select(self, pattern):
        """Returns the examples whose name matches a glob pattern (or one of several).

        Raises:
            ValueError: if none matches.
        """
        return self._kept(pattern, True)

    def exclude(self, pattern):
        """Returns the examples whose name matches none of the glob patterns.

        Raises:
            ValueError: if none is left.
        """
        return self._kept(pattern, False)

    def take(self, count):
        """Returns the first `count` examples as a Dataset."""
        return self.at(range(min(count, len(self))))

    def at(self, indices):
        """Returns the examples of these numbers, in this order, as a Dataset."""
        return replace(
            self,
            names=tuple(self.names[i] for i in indices),
            images=tuple(self.images[i] for i in indices),
            targets=tuple(self.targets[i] for i in indices),
        )

    def with_channels(self, channels):
        """Returns the dataset with images of so many channels: RGB becomes grey, or grey RGB.

        Args:
            channels: The number that a net takes.

        Raises:
            ValueError: for any other conversion than between 1 and 3.
        """
        if channels == self.channels:
            return self
        if {channels, self.channels} != {1, 3}:
            raise ValueError(
                f"The images of {self.name} ({self.split}) have {self.channels} channels, but the "
                f"net takes {channels}."
            )
        return replace(self, channels=channels)

    def read_as(self, reader):
        """Returns the dataset with its files read by the options of a reader where it has none.

        Warns where both have an option with different values.

        Args:
            reader: The `ImageReader` that a net was trained with.
        """
        if not self.reads_files:
            return self
        filled = self.image_reader.filled(reader)
        filled.warn_if_other(reader, f"{self.name} ({self.split})")
        return replace(self, image_reader=filled)

    def tensor_loader(self, tf):
        """Returns `load(index) -> (image, target)`: example `index` as tensors, for a graph.

        Args:
            tf: TensorFlow.
        """
        return decoding.loader(tf, self)

    def examples(self):
        """Returns a `tf.data.Dataset` of {"image", "target"}, in order, as `dataset[i]`."""
        return pipeline.examples(self)

    def batches(self, batch_size, **options):
        """Returns a `tf.data.Dataset` of (images, targets) for `model.fit`.

        `fcn_keras.data.pipeline.batches` describes the options.
        """
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
