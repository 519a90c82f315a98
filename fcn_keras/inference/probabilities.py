"""Class probabilities from whatever segments: what averaging, CRFs and confidence start from."""

import inspect

import numpy as np

from fcn_keras.data.images import to_input
from fcn_keras.inference.predictor import check_one_output, label_dtype


def probabilities_of(predictor, images):
    """The softmax of a predictor's scores.

    Args:
        predictor: What has `probabilities(images)`, or whose `segment(image, return_logits=True)`
            gives (labels, logits).
        images: Images of one size, as `Predictor.segment_batch` takes them.

    Returns:
        float32 (batch, H, W, num_classes), of sum 1 over the classes.

    Raises:
        ValueError: if it gives labels alone, or several outputs.
    """
    check_one_output(predictor, "used here")
    if hasattr(predictor, "probabilities"):
        return predictor.probabilities(images)
    if "return_logits" not in inspect.signature(predictor.segment).parameters:
        raise ValueError(
            f"{type(predictor).__name__} gives labels alone; averaging, CRFs and confidence need "
            "scores: segment(image, return_logits=True)."
        )
    scores = [predictor.segment(image, return_logits=True)[1] for image in images]
    return np.stack([_softmax(np.asarray(one, "float32")) for one in scores])


def highest(probabilities):
    """The most probable class of each pixel: uint8, uint16 above 255 classes."""
    return probabilities.argmax(-1).astype(label_dtype(probabilities.shape[-1]))


def pixels_of(images):
    """Images as arrays (H, W, channels) of 0-255."""
    return [to_input(image, (None, None, _channels(image))) for image in images]


def _channels(image):
    shape = getattr(image, "shape", ())
    return shape[-1] if len(shape) == 3 and shape[-1] > 4 else 3


def _softmax(scores):
    exponents = np.exp(scores - scores.max(-1, keepdims=True))
    return exponents / exponents.sum(-1, keepdims=True)


class FromProbabilities:
    """What labels by probabilities that are made from another predictor's; subclasses make them.

    Attributes:
        predictor: The other predictor.
        labels: Its `LabelSet`.
    """

    def __init__(self, predictor):
        self.predictor = predictor

    @property
    def labels(self):
        return self.predictor.labels

    def probabilities(self, images):
        """float32 (batch, H, W, num_classes) of images of one size."""
        raise NotImplementedError

    def segment(self, image, *, return_probabilities=False):
        """Labels every pixel of one image.

        Args:
            image: As `fcn_keras.segment` takes it.
            return_probabilities: Also return the probabilities.

        Returns:
            uint8 (H, W), or the pair with float32 (H, W, num_classes).
        """
        (probabilities,) = self.probabilities(pixels_of([image]))
        labels = highest(probabilities)
        return (labels, probabilities) if return_probabilities else labels

    def segment_batch(self, images):
        """Labels several images of one size: uint8 (batch, H, W)."""
        probabilities = self.probabilities(images)
        return highest(probabilities)
