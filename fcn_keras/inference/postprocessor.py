"""Postprocessor: the base of segmenters that change another segmenter's probabilities or values."""

from fcn_keras.inference.decoding import check_one_output, check_probabilities, decode_array
from fcn_keras.inference.protocol import Segmenter
from fcn_keras.inference.segmenters import as_segmenter
from fcn_keras.tasks import Classes


def activations_of(segmenter, images):
    """Returns what may be averaged: class probabilities, or the values of other tasks.

    Args:
        segmenter: A `Segmenter` of one output.
        images: Images of one size, as `Segmenter.segment_batch` takes them.

    Returns:
        float32 (batch, H, W, channels): `task.activation` of the outputs.

    Raises:
        ValueError: if it returns neither probabilities nor outputs.
    """
    if segmenter.task is not None and segmenter.task.activation is None:
        return segmenter.segment_batch(images, return_logits=True)[1]
    return segmenter.probabilities(images)


class Postprocessor(Segmenter):
    """The base of what segments with another segmenter; subclasses define `activations`.

    Args:
        model: A Keras model, a `Segmenter`, or an object with `segment`.

    Attributes:
        segmenter: The other segmenter.
        task, labels, size, channels, image_reader: Those of the other segmenter.
        halo: None: post-processing uses the whole image.

    Raises:
        ValueError: for a model with several outputs.
    """

    halo = None

    def __init__(self, model):
        self.segmenter = as_segmenter(model)
        check_one_output(self.segmenter, type(self).__name__)

    @property
    def task(self):
        """The `Task` of the output."""
        return self.segmenter.task

    @property
    def labels(self):
        """The `LabelSet` of the output, or None."""
        return self.segmenter.labels

    @property
    def size(self):
        """(H, W) of the images, or None for any."""
        return self.segmenter.size

    @property
    def channels(self):
        """Number of channels of an image, or {input: number}, or None."""
        return self.segmenter.channels

    @property
    def image_reader(self):
        """The `ImageReader` of files."""
        return self.segmenter.image_reader

    def activations(self, images):
        """Returns probabilities, or values of other tasks, float32 (batch, H, W, channels)."""
        raise NotImplementedError

    def segment(self, image, *, return_logits=False):
        """Segments one image.

        Args:
            image: As `fcn_keras.segment` takes it.
            return_logits: As for `segment_batch`.

        Returns:
            The decoded map, as `fcn_keras.segment`; or the pair.
        """
        found = self.segment_batch([image], return_logits=return_logits)
        return tuple(array[0] for array in found) if return_logits else found[0]

    def segment_batch(self, images, *, return_logits=False):
        """Segments several images of one size.

        Args:
            images: As `Segmenter.segment_batch` takes them.
            return_logits: Whether the values before decoding are returned too. Not for classes,
                whose logits are not averaged: their `probabilities` are.

        Returns:
            The decoded maps; or the pair with float32 (batch, H, W, channels).

        Raises:
            ValueError: for `return_logits` of classes, and for images that cannot be used.
        """
        if return_logits and (self.task is None or self.task.activation is not None):
            raise ValueError(
                f"{type(self).__name__} has no logits: it computes probabilities, which "
                "`probabilities(images)` returns."
            )
        activations = self.activations(images)
        decoded = decode_array(self.task or Classes(num_classes=activations.shape[-1]), activations)
        return (decoded, activations) if return_logits else decoded

    def probabilities(self, images):
        """Returns the class probabilities, float32 (batch, H, W, num_classes).

        Raises:
            ValueError: for a task without them.
        """
        check_probabilities(self.task, type(self).__name__)
        return self.activations(images)
