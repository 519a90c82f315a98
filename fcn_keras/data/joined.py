"""Several splits as one dataset, in which each example is read by its own split."""

from dataclasses import dataclass, field, replace

from fcn_keras.data.dataset import Dataset


@dataclass(frozen=True)
class JoinedDataset(Dataset):
    """Examples of several `Dataset`s of one task. `joined` makes it.

    The parts may differ in their readers and in where their examples are.

    Attributes:
        parts: The `Dataset`s. They have the same number of channels and image dtype.
        places: For each example the number of its part and its index within it.
    """

    parts: tuple[Dataset, ...] = field(default=(), kw_only=True)
    places: tuple[tuple[int, int], ...] = field(default=(), kw_only=True)

    def __post_init__(self):
        """Checks and converts nothing: the parts did."""

    @property
    def in_memory(self):
        """Whether all examples are arrays in memory, not files."""
        return all(part.in_memory for part in self.parts)

    def read_image(self, index):
        """Returns the image of example `index` alone; see `dataset[index]`."""
        number, inside = self.places[index]
        return self.parts[number].read_image(inside)

    def read_target(self, index):
        """Returns the target of example `index` alone; see `dataset[index]`."""
        number, inside = self.places[index]
        return self.parts[number].read_target(inside)

    @property
    def numbers_objects(self):
        """Whether the masks of all parts number the objects."""
        return all(part.numbers_objects for part in self.parts)

    def read_objects(self, index):
        """Returns the objects of example `index`; see `Dataset.read_objects`."""
        number, inside = self.places[index]
        return self.parts[number].read_objects(inside)

    @property
    def labels_pixels(self):
        """Whether the targets of all parts label pixels."""
        return all(part.labels_pixels for part in self.parts)

    def read_alternatives(self, index):
        """Returns which classes pixels may have; see `Dataset.read_alternatives`."""
        number, inside = self.places[index]
        return self.parts[number].read_alternatives(inside)

    def at(self, indices):
        """Returns the examples of these numbers, in this order, as a Dataset."""
        indices = tuple(indices)
        return replace(super().at(indices), places=tuple(self.places[i] for i in indices))

    def with_channels(self, channels):
        """Returns the dataset with images of so many channels; see `Dataset.with_channels`."""
        parts = tuple(part.with_channels(channels) for part in self.parts)
        return replace(self, channels=channels, parts=parts)

    def read_as(self, reader):
        """Returns the dataset with its files read by a reader's options; see `Dataset.read_as`."""
        return replace(self, parts=tuple(part.read_as(reader) for part in self.parts))

    def tensor_loader(self, tf):
        """Returns `load(index) -> (image, target)` as tensors; see `Dataset.tensor_loader`."""
        loads = [part.tensor_loader(tf) for part in self.parts]
        numbers = tf.constant([number for number, _ in self.places], tf.int32)
        inside = tf.constant([index for _, index in self.places], tf.int64)

        def load(index):
            branches = [lambda load=load: load(inside[index]) for load in loads]
            image, target = tf.switch_case(numbers[index], branches)
            return (
                tf.ensure_shape(image, self.image_shape),
                tf.ensure_shape(target, self.target_shape),
            )

        return load


def joined(parts):
    """Returns several datasets of one task as one.

    Where grey and RGB images meet, all become RGB; where whole numbers and floats meet, all become
    floats.

    Args:
        parts: `Dataset`s, at least one. Name, augmentation and hint are those of the first.

    Returns:
        A `Dataset`: the only one, or a `JoinedDataset`.

    Raises:
        ValueError: if their tasks differ, or their images have different numbers of channels,
            other than 1 and 3.

    Example:

    ```python
    parts = [fcn_keras.data.load("digits", split=split) for split in ("train", "val")]
    both = fcn_keras.data.joined(parts)
    ```
    """
    first = parts[0]
    if len(parts) == 1:
        return first
    for part in parts[1:]:
        if part.task != first.task:
            raise ValueError(
                f"The splits of {first.name} differ in their task: {first.split} has "
                f"{first.task}, {part.split} has {part.task}."
            )
    channels = max(part.channels for part in parts)
    dtype = max((part.image_dtype for part in parts), key=("uint8", "float32").index)
    parts = tuple(part.with_channels(channels) for part in parts)
    parts = tuple(p if p.image_dtype == dtype else replace(p, image_dtype=dtype) for p in parts)
    reading = next((part for part in parts if part.reads_files), first)
    return JoinedDataset(
        **{name: getattr(first, name) for name in ("name", "task", "reader")},
        image_reader=reading.image_reader,
        split="+".join(dict.fromkeys(part.split for part in parts)),
        names=_chained(part.names for part in parts),
        images=_chained(part.images for part in parts),
        targets=_chained(part.targets for part in parts),
        augmentation=first.augmentation,
        channels=channels,
        image_dtype=dtype,
        hint=first.hint,
        notes=tuple(dict.fromkeys(_chained(part.notes for part in parts))),
        parts=parts,
        places=tuple((n, i) for n, part in enumerate(parts) for i in range(len(part))),
    )


def _chained(lists):
    return tuple(one for some in lists for one in some)
