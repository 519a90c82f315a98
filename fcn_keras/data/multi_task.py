"""Several datasets of the same images, each with the targets of another output of a net."""

from dataclasses import dataclass


@dataclass(frozen=True)
class MultiTaskDataset:
    """The same images with a target for each output of a net.

    The order of the examples, their windows and their colours are those of one dataset, since
    every part draws them from the same seed.

    Attributes:
        parts: {output: `Dataset`}: datasets with equal names, in the same order.

    Raises:
        ValueError: for no parts, or parts whose examples have other names.

    Example:

    ```python
    digits = fcn_keras.data.load("digits", split="train")
    data = fcn_keras.data.MultiTaskDataset({"digit": digits, "again": digits})
    image, targets = data[0]        # targets: {"digit": (H, W), "again": (H, W)}
    ```
    """

    parts: dict
    form = None  # of weak labels, which it does not have as a whole

    def __post_init__(self):
        if not self.parts:
            raise ValueError("`parts` needs at least one dataset, got an empty dict.")
        for output, part in self.parts.items():
            if part.names != self._first.names:
                raise ValueError(
                    f"All parts need examples of the same names, but those of {output!r} differ "
                    f"from those of {next(iter(self.parts))!r}."
                )

    @property
    def _first(self):
        return next(iter(self.parts.values()))

    @property
    def task(self):
        """{output: task}."""
        return {output: part.task for output, part in self.parts.items()}

    @property
    def labels(self):
        """None: class names belong to the tasks of the outputs."""
        return None

    @property
    def labels_pixels(self):
        """Whether the targets of all parts label pixels."""
        return all(part.labels_pixels for part in self.parts.values())

    @property
    def notes(self):
        """The notes of all parts."""
        return tuple(dict.fromkeys(note for part in self.parts.values() for note in part.notes))

    @property
    def name(self):
        """The name of the first part."""
        return self._first.name

    @property
    def split(self):
        """The split of the first part."""
        return self._first.split

    @property
    def names(self):
        """One name for each example."""
        return self._first.names

    @property
    def images(self):
        """The images of the first part: paths or arrays."""
        return self._first.images

    @property
    def image_reader(self):
        """What reads the images of the first part."""
        return self._first.image_reader

    @property
    def channels(self):
        """Number of channels of an image."""
        return self._first.channels

    @property
    def reads_files(self):
        """Whether the images are files that an `ImageReader` reads."""
        return self._first.reads_files

    @property
    def augmentation(self):
        """What `augment=True` means: the augmentation of the first part."""
        return self._first.augmentation

    def __len__(self):
        return len(self._first)

    def __getitem__(self, index):
        """Returns example `index`: an image and {output: target}."""
        image, _ = self._first[index]
        return image, {output: part[index][1] for output, part in self.parts.items()}

    def with_channels(self, channels):
        """Returns the dataset with images of so many channels; see `Dataset.with_channels`."""
        return MultiTaskDataset(
            {output: part.with_channels(channels) for output, part in self.parts.items()}
        )

    def read_as(self, reader):
        """Returns the dataset with its files read by a reader's options; see `Dataset.read_as`."""
        return MultiTaskDataset({name: part.read_as(reader) for name, part in self.parts.items()})

    def batches(self, batch_size, *, augment=False, on_error="raise", cache=False, **options):
        """Returns batches of (images, {output: targets}); see `Dataset.batches`.

        Raises:
            ValueError: for on_error="skip", with which the parts could lose different examples,
                and for weight maps and `objects`, which are for one output.
        """
        for name in ("weight_maps", "objects"):
            if options.get(name) is not None:
                raise ValueError(
                    f"`{name}` is for one output of classes; there are {', '.join(self.parts)}."
                )
        if on_error != "raise":
            raise ValueError(f"`on_error` must be 'raise' for several tasks, got {on_error!r}.")
        import tensorflow as tf

        augment = self.augmentation if augment is True else augment
        batches = {}
        for output, part in self.parts.items():
            place = f"{cache}-{output}" if isinstance(cache, str) else cache
            batches[output] = part.batches(batch_size, augment=augment, cache=place, **options)
        first = next(iter(self.parts))

        def joined(parts):
            return parts[first][0], {output: targets for output, (_, targets) in parts.items()}

        return tf.data.Dataset.zip(batches).map(joined)
