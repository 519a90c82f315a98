"""Ensemble: several segmenters that answer together, by their class probabilities."""

import functools

from fcn_keras.checks import one_of
from fcn_keras.combining import DEFAULT, HOW
from fcn_keras.geometry.halo import joined_halo
from fcn_keras.inference.decoding import check_one_output, check_probabilities, labels_for
from fcn_keras.inference.inputs import images_of, shapes_of, to_batch
from fcn_keras.inference.postprocessor import Postprocessor, activations_of
from fcn_keras.inference.predictor import Predictor
from fcn_keras.inference.segmenters import as_segmenter
from fcn_keras.labels import LabelSet


class Ensemble(Postprocessor):
    """Several segmenters of one task, whose class probabilities become those of one.

    Tiles, test-time augmentation and a dense CRF come behind it, as behind a net.

    Args:
        models: Two or more Keras models, `Segmenter`s (exports, servers, what `build_predictor`
            returns) or objects with `segment`.
        how: "mean": the probabilities are averaged, as in the paper. "product": they are
            multiplied, so that each member can veto a class. "max": the highest of all members
            counts. The sum over the classes is 1 again. Values of other tasks can only be averaged.
        names: A name for each model, for messages. Default: that of the Keras model or the type.

    Attributes:
        members: The models as `Segmenter`s, a tuple.
        how: As given.
        task, labels: Those of the members.
        halo: What the exact tiles of all members need; None where that of one is not known.
        size, channels: As of any `Segmenter`.
        image_reader: The `ImageReader` with the options of all members.

    Raises:
        ValueError: for less than two models, an unknown `how`, or members that differ in task,
            classes, size or channels of their images, or in how files are read; the message names
            them.

    Example:

    ```python
    other = fcn_keras.segnet(4, "vgg_slim", weights=None)
    model = fcn_keras.fcn8s(4, "vgg_slim", weights=None)
    both = fcn_keras.inference.Ensemble([model, other])
    labels = fcn_keras.segment(both, "street.jpg", crf=True)
    ```

    Source: Noh, Hong, Han (2015), section 5: DeconvNet and FCN-8s, whose probabilities are
    averaged; their released code multiplies scores instead.
    """

    def __init__(self, models, how=DEFAULT, names=None):
        self.members = tuple(map(as_segmenter, models))
        self.how = one_of("how", how, HOW)
        if len(self.members) < 2:
            raise ValueError(f"An ensemble has two models or more, got {len(self.members)}.")
        for member in self.members:
            check_one_output(member, "Ensemble")
        self._names = tuple(names or map(_name, self.members))
        named = (member for member in self.members if _class_names(member))
        super().__init__(next(named, self.members[0]))
        for number in range(1, len(self.members)):
            self._check_alike(number)
        if how != DEFAULT:
            check_probabilities(self.task, f"how={how!r}")

    @functools.cached_property
    def image_reader(self):
        """The `ImageReader` of files, with the options of all members."""
        readers = [member.image_reader for member in self.members]
        return functools.reduce(lambda reader, other: reader.filled(other), readers)

    @property
    def channels(self):
        """Number of channels of an image, or {input: number}, or None."""
        known = (member.channels for member in self.members)
        return next((channels for channels in known if channels is not None), None)

    @functools.cached_property
    def halo(self):
        """The `fcn_keras.geometry.Halo` that suffices for all members, or None."""
        halos = [member.halo for member in self.members]
        return None if None in halos else joined_halo(halos)

    def with_members(self, change):
        """Returns the ensemble with `change(member)` in place of each member."""
        return Ensemble(map(change, self.members), self.how, self._names)

    def activations(self, images):
        """Returns the combined probabilities, or mean values, float32 (batch, H, W, channels)."""
        images = images_of(to_batch(images, shapes_of(self, images[0]), self.image_reader))
        return self.combined([activations_of(member, images) for member in self.members])

    def combined(self, found):
        """Returns one array for what the members found.

        Args:
            found: Class probabilities, or values of another task, float32 (..., channels), one
                array for each member.

        Raises:
            ValueError: if they differ in shape.
        """
        for number, array in enumerate(found):
            if array.shape != found[0].shape:
                raise self._differ(number, "outputs of the shape", array.shape, found[0].shape)
        return HOW[self.how](found)

    def _check_alike(self, number):
        """Raises ValueError if a member differs from the first."""
        first, other = self.members[0], self.members[number]
        if None not in (first.task, other.task):
            kinds = [(member.task.kind, member.task.channels) for member in (other, first)]
            if kinds[0] != kinds[1]:
                raise self._differ(number, "the task", other.task, first.task)
            names = [_class_names(member) for member in (other, self.segmenter)]
            if None not in names and names[0] != names[1]:
                raise self._differ(number, "the classes", *map(", ".join, names))
        if first.size != other.size:
            sizes = ["any" if size is None else size for size in (other.size, first.size)]
            raise self._differ(number, "images of size", *sizes)
        if None not in (first.channels, other.channels) and first.channels != other.channels:
            raise self._differ(number, "images with channels", other.channels, first.channels)
        mine, theirs = (m.image_reader.to_config() for m in (first, other))
        if any(mine[name] != theirs[name] for name in mine.keys() & theirs.keys()):
            raise self._differ(number, "files read with", theirs, mine)

    def _differ(self, number, what, other, first):
        return ValueError(
            f"The members of an ensemble differ: number {number + 1}, {self._names[number]}, has "
            f"{what} {other}, and number 1, {self._names[0]}, {first}. Combine models of one task, "
            "with the same classes and the same kind of images."
        )


def _class_names(member):
    """The names of a member's classes; None where it has none, or only numbers."""
    if member.task is None:
        return None
    labels = labels_for(member.task)
    if labels is None or labels.names == LabelSet.numbered(labels.num_classes).names:
        return None
    return labels.names


def _name(member):
    return member.model.name if isinstance(member, Predictor) else type(member).__name__
