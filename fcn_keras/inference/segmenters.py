"""as_segmenter: makes a `Segmenter` of any object that segments."""

import inspect
import os

import keras
import numpy as np

from fcn_keras.data.images.conversion import to_input
from fcn_keras.data.images.reader import ImageReader
from fcn_keras.geometry import Halo
from fcn_keras.inference.decoding import activate_array, check_probabilities
from fcn_keras.inference.inputs import shapes_of
from fcn_keras.inference.predictor import Predictor
from fcn_keras.inference.protocol import Segmenter
from fcn_keras.labels import LabelSet
from fcn_keras.models import task_of
from fcn_keras.models.outputs import image_config
from fcn_keras.tasks import Classes


def as_segmenter(model):
    """Returns a `Segmenter` for a Keras model or for any object that segments.

    Args:
        model: A Keras model, a `Segmenter`, or an object with `segment(image)`, which may also
            have what else the protocol names.

    Returns:
        A `Predictor` for a Keras model, the same one at each call; a `Segmenter` as it is; a
        `UserSegmenter` for any other object.

    Raises:
        TypeError: if it has no `segment`.

    Example:

    ```python
    segmenter = fcn_keras.inference.as_segmenter(model)
    label_map = segmenter.segment("street.jpg")
    ```
    """
    if isinstance(model, keras.Model):
        return _predictor_of(model)
    if Segmenter in type(model).__mro__:
        return model
    return UserSegmenter(model)


class UserSegmenter(Segmenter):
    """Completes an object that has `segment(image)` to a `Segmenter`.

    This is the one place that looks at what an object offers. Of the attributes and methods of
    `Segmenter`, those that the object has are used; the others are made from these.

    Args:
        given: An object with `segment(image)`. If that has an argument `return_logits`, it
            returns the pair (labels, logits) for True.

    Raises:
        TypeError: if it has no `segment`.

    Example:

    ```python
    class Nothing:
        labels = fcn_keras.LabelSet(("background", "egg"))

        def segment(self, image):
            return np.zeros(image.shape[:2], "uint8")


    segmenter = fcn_keras.inference.as_segmenter(Nothing())
    segmenter.task.num_classes      # 2
    ```
    """

    def __init__(self, given):
        if not callable(getattr(given, "segment", None)):
            is_path = isinstance(given, (str, os.PathLike))
            hint = " Load it first: fcn_keras.export.load(path)." if is_path else ""
            raise TypeError(
                "A Keras model or an object with `segment` is needed; "
                f"got {type(given).__name__}.{hint}"
            )
        self.given = given
        self.name = type(given).__name__

    @property
    def task(self):
        """The object's `task`, else the classes of its `labels`, else None."""
        labels = self.labels
        return getattr(self.given, "task", None) or (labels and Classes(labels))

    @property
    def labels(self):
        """The object's `labels` if they are a `LabelSet`, else None."""
        labels = getattr(self.given, "labels", None)
        return labels if isinstance(labels, LabelSet) else None

    @property
    def halo(self):
        """The object's `halo`, a `Halo` or its configuration, else None."""
        halo = getattr(self.given, "halo", None)
        return halo if halo is None or isinstance(halo, Halo) else Halo.from_config(halo)

    @property
    def size(self):
        """The object's `size`, else None."""
        return getattr(self.given, "size", None)

    @property
    def channels(self):
        """The object's `channels`, else None."""
        return getattr(self.given, "channels", None)

    @property
    def image_reader(self):
        """The object's `image_reader` if it is an `ImageReader`, else one without options."""
        reader = getattr(self.given, "image_reader", None)
        return reader if isinstance(reader, ImageReader) else ImageReader()

    def segment(self, image, *, return_logits=False):
        """Segments one image; ValueError for `return_logits` of an object that has none."""
        if not return_logits:
            return self.given.segment(image)
        if not self._has_logits:
            raise ValueError(f"{self.name} gives labels alone; {_NEEDED}")
        return self.given.segment(image, return_logits=True)

    def segment_batch(self, images, *, return_logits=False):
        """Segments images of one size: together if the object can, else one after the other."""
        if return_logits:
            pairs = [self.segment(image, return_logits=True) for image in images]
            return tuple(np.stack(arrays) for arrays in zip(*pairs, strict=True))
        if len(images) > 1 and hasattr(self.given, "segment_batch"):
            return self.given.segment_batch(images)
        return np.stack([self.given.segment(image) for image in images])

    def probabilities(self, images):
        """Returns the object's `probabilities`, else the softmax of its logits."""
        task = self.task
        check_probabilities(task, "`probabilities`")
        images = [to_input(image, shapes_of(self, image), self.image_reader) for image in images]
        if hasattr(self.given, "probabilities"):
            return self.given.probabilities(images)
        if not self._has_logits:
            raise ValueError(
                f"{self.name} gives labels alone; averaging, CRFs and confidence need "
                f"probabilities: {_NEEDED}"
            )
        logits = self.segment_batch(images, return_logits=True)[1]
        return activate_array(task or Classes(num_classes=logits.shape[-1]), logits)

    @property
    def _has_logits(self):
        return "return_logits" in inspect.signature(self.given.segment).parameters


_NEEDED = "give it segment(image, return_logits=True), which returns (labels, logits)."


def _predictor_of(model):
    """The `Predictor` that is kept with the model; a new one once what it stores has changed."""
    predictor = vars(model).get("_fcn_keras_predictor")
    reader = ImageReader.from_config(image_config(model))
    kept = predictor is not None and predictor.image_reader == reader
    if not kept or predictor.task != task_of(model):
        predictor = model._fcn_keras_predictor = Predictor(model)
    return predictor
