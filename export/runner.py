"""What all runners of exports have in common."""

import numpy as np

from fcn_keras.data.images.conversion import DEFAULT, to_input
from fcn_keras.export.decoding import has_logits
from fcn_keras.inference.decoding import activate_array, check_probabilities
from fcn_keras.inference.protocol import Segmenter


class Runner(Segmenter):
    """The base of what runs exports; a subclass has the attributes and `segment_batch`."""

    @property
    def labels(self):
        """The `LabelSet` of classes, or None for another task."""
        return None if self.task is None else self.task.labels

    def segment(self, image, *, return_logits=False):
        """Segments one image; see `fcn_keras.segment`.

        Raises:
            ValueError: if the image cannot be used, or for the logits of an export without them.
        """
        answer = self.segment_batch([image], return_logits=return_logits)
        return (answer[0][0], answer[1][0]) if return_logits else answer[0]

    def probabilities(self, images):
        """Returns the softmax of the logits of several images of one size.

        Args:
            images: Arrays (H, W, channels) of 0-255, or one array (batch, H, W, channels).

        Returns:
            float32 (batch, H, W, num_classes), which sums to 1 over the classes.

        Raises:
            ValueError: as `segment`; for a task without classes; for images of several sizes.
        """
        check_probabilities(self.task, "`probabilities`")
        _, logits = self.segment_batch(images, return_logits=True)
        return activate_array(self.task, logits)


def outputs_in(task, maps):
    """Returns the outputs of a net that decoded maps contain, (..., H, W, channels).

    Args:
        task: The `fcn_keras.tasks.Task`, or None where it is unknown.
        maps: Decoded maps.

    Raises:
        ValueError: for classes, whose labels do not contain the logits.
    """
    if task is None or has_logits(task):
        raise ValueError(
            "This export gives labels without logits. Export again: a SavedModel with the "
            "signature `logits`, a TFLite file with logits=True (--logits)."
        )
    return task.encode(maps)


def as_pixels(image, shape, read=DEFAULT):
    """Returns an image as uint8 (H, W, channels), as exports take it.

    Args:
        image: A path, a PIL image or an array of 0-255; floats are rounded.
        shape: (H, W, channels) of the net's input, with None for an open size.
        read: The `ImageReader` of files.

    Raises:
        ValueError: as `fcn_keras.data.images.conversion.to_input`.
    """
    pixels = to_input(image, shape, read)
    return pixels if pixels.dtype == np.uint8 else np.rint(pixels).astype(np.uint8)


def as_batch(images, shape, read=DEFAULT):
    """Returns images of one size as uint8 (batch, H, W, channels).

    Raises:
        ValueError: as `as_pixels`, for images of several sizes, and for none.
    """
    arrays = [as_pixels(image, shape, read) for image in images]
    if len({array.shape for array in arrays}) != 1:
        sizes = sorted({"{}x{}".format(*array.shape[:2]) for array in arrays})
        raise ValueError(f"A batch holds images of one size, got {', '.join(sizes) or 'none'}.")
    return np.stack(arrays)
