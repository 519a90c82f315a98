"""RelabelledDataset: the images of another dataset with targets that are made from it."""

from dataclasses import dataclass, field, fields, replace

from fcn_keras.data.dataset import Dataset


@dataclass(frozen=True)
class RelabelledDataset(Dataset):
    """The images of a dataset with other targets; subclasses define `relabelled(target, index)`.

    Attributes:
        full: The `Dataset` of the images and of the targets from which the new ones are made.
    """

    full: Dataset = field(default=None, kw_only=True)

    @classmethod
    def of(cls, full, **options):
        """Returns the dataset that is made from another."""
        same = {one.name: getattr(full, one.name) for one in fields(Dataset)}
        return cls(**{**same, **options}, full=full)

    def __post_init__(self):
        """Checks and converts nothing: the other dataset did."""

    def relabelled(self, target, index):
        """Returns the new target of example `index` from the one of `full`."""
        raise NotImplementedError

    @property
    def in_memory(self):
        """Whether the images are arrays in memory, not files."""
        return self.full.in_memory

    @property
    def numbers_objects(self):
        """False: the new targets number no objects."""
        return False

    def read_image(self, index):
        """Returns the image of example `index` alone; see `dataset[index]`."""
        return self.full.read_image(index)

    def read_target(self, index):
        """Returns the new target of example `index` alone; see `dataset[index]`."""
        return self.relabelled(self.full.read_target(index), index)

    def at(self, indices):
        """Returns the examples of these numbers, in this order, as a Dataset."""
        indices = tuple(indices)
        return replace(super().at(indices), full=self.full.at(indices))

    def with_channels(self, channels):
        """Returns the dataset with images of so many channels; see `Dataset.with_channels`."""
        return replace(self, channels=channels, full=self.full.with_channels(channels))

    def read_as(self, reader):
        """Returns the dataset with its images read by a reader's options; see `Dataset.read_as`."""
        full = self.full.read_as(reader)
        return replace(self, image_reader=full.image_reader, full=full)

    def tensor_loader(self, tf):
        """Returns `load(index) -> (image, target)` as tensors; see `Dataset.tensor_loader`."""
        load_full = self.full.tensor_loader(tf)

        def load(index):
            image, target = load_full(index)
            made = tf.numpy_function(
                lambda target, index: self.relabelled(target, int(index)),
                [target, index],
                target.dtype,
            )
            return image, tf.ensure_shape(made, self.target_shape)

        return load
