"""From a Keras model to label maps: any image size, one compiled graph.

Preprocessing is in the model and the argmax in the graph; nothing but labels leaves the device.
"""

import keras
import numpy as np
from keras import ops

from fcn_keras.inference.images import as_array
from fcn_keras.labels import LabelSet
from fcn_keras.models import labels_of


def segment(model, image, *, return_scores=False):
    """Labels every pixel of an image.

    Args:
        model: A Keras model of logits (batch, H, W, num_classes), or anything with `segment`.
        image: A path, a PIL image, or an array (H, W, 3) or (H, W) of 0-255, uint8 or float; any
            H and W from 1.
        return_scores: Also return the logits.

    Returns:
        uint8 (H, W), the class of each pixel (uint16 above 255 classes); with `return_scores` the
        pair (labels, float32 logits (H, W, num_classes)).

    Raises:
        ValueError: if the image cannot be read, has another shape, or values beyond 0-255 (or a
            float image on the scale 0-1); if the model gives no logits of the image's size.

    Example:

    ```python
    model = fcn_keras.fcn8s(4, "vgg_slim", weights=None)
    labels = fcn_keras.segment(model, "street.jpg")
    ```
    """
    options = {"return_scores": True} if return_scores else {}
    return as_predictor(model).segment(image, **options)


def as_predictor(model):
    """A `Predictor` for a Keras model (the same one at each call); what has `segment` as it is.

    Raises:
        TypeError: if it can do neither.

    Example:

    ```python
    predictor = fcn_keras.inference.as_predictor(model)
    label_map = predictor.segment("street.jpg")
    ```
    """
    if hasattr(model, "segment"):
        return model
    if not isinstance(model, keras.Model):
        hint = " Load it first: keras.models.load_model(path)." if isinstance(model, str) else ""
        raise TypeError(
            "A Keras model or an object with `segment` is needed; "
            f"got {type(model).__name__}.{hint}"
        )
    predictor = getattr(model, "_fcn_keras_predictor", None)
    if predictor is None or predictor.labels != _labels_for(model):
        predictor = model._fcn_keras_predictor = Predictor(model)
    return predictor


class Predictor:
    """Segments images of any size with a Keras model.

    Args:
        model: A Keras model from images (batch, H, W, channels) of 0-255 to logits
            (batch, H, W, num_classes).
        labels: A `LabelSet`. By default the one stored in the model, else numbered classes.

    Attributes:
        labels: The `LabelSet`.
        model: The model; training it further shows in the next `segment`.

    Raises:
        ValueError: if the model does not give two or more scores a pixel, or `labels` names
            another number of classes.

    Example:

    ```python
    predictor = fcn_keras.Predictor(keras.models.load_model("runs/street/best.keras"))
    predictor.labels.names[predictor.segment("street.jpg")[0, 0]]
    ```
    """

    def __init__(self, model, labels=None):
        num_classes = _num_classes(model)
        self.model = model
        self.labels = _labels_for(model) if labels is None else labels
        if self.labels.num_classes != num_classes:
            raise ValueError(
                f"The label set names {self.labels.num_classes} classes, "
                f"the model scores {num_classes}."
            )
        self._shape = model.input_shape[1:]
        self._graphs = {}

    def segment(self, image, *, return_scores=False):
        """Labels every pixel of one image; as `fcn_keras.segment`."""
        outputs = self._run(as_array(image, self._shape)[None], return_scores)
        return tuple(output[0] for output in outputs) if return_scores else outputs[0]

    def segment_batch(self, images):
        """Labels several images of one size at once.

        Args:
            images: Arrays (H, W, channels) of 0-255, or one array (batch, H, W, channels).

        Returns:
            uint8 (batch, H, W); uint16 above 255 classes.

        Raises:
            ValueError: as `segment`, and if the sizes differ.
        """
        arrays = [as_array(image, self._shape) for image in images]
        if len({array.shape for array in arrays}) != 1:
            sizes = sorted({f"{array.shape[0]}x{array.shape[1]}" for array in arrays})
            raise ValueError(f"A batch holds images of one size; got {', '.join(sizes) or 'none'}.")
        return self._run(np.stack(arrays), return_scores=False)

    def _run(self, images, return_scores):
        if return_scores not in self._graphs:
            self._graphs[return_scores] = _Labeller(self.model, return_scores)
        outputs = self._graphs[return_scores].predict_on_batch(images)
        shape = (outputs[0] if return_scores else outputs).shape
        if shape != images.shape[:3]:
            raise ValueError(
                f"The model's scores are {shape[1]}x{shape[2]} for an image of "
                f"{images.shape[1]}x{images.shape[2]}: a segmenter gives one score map an image."
            )
        return outputs


class _Labeller(keras.Model):
    """A model, and the argmax of its logits; predicting with it leaves the model as it was."""

    def __init__(self, model, return_scores):
        super().__init__(dtype="float32", name="labeller")
        self.model = model
        self.return_scores = return_scores
        self.label_dtype = "uint8" if model.output_shape[-1] <= 255 else "uint16"
        if keras.backend.backend() == "tensorflow":
            self.compile(jit_compile=False)  # XLA would compile anew for each image size

    def call(self, images):
        scores = self.model(ops.cast(images, "float32"), training=False)
        labels = ops.cast(ops.argmax(scores, axis=-1), self.label_dtype)
        return (labels, scores) if self.return_scores else labels


def _labels_for(model):
    return labels_of(model) or LabelSet.numbered(_num_classes(model))


def _num_classes(model):
    shape = model.output_shape
    if len(model.inputs) != 1 or not isinstance(shape, tuple) or len(shape) != 4:
        raise ValueError(
            f"A segmenter has one input and one output, logits (batch, H, W, classes); "
            f"{model.name!r} has {len(model.inputs)} input(s) and the output shape {shape}."
        )
    if shape[-1] is None or shape[-1] < 2:
        raise ValueError(
            f"{model.name!r} gives {shape[-1]} score(s) a pixel; a label is the highest of two "
            "or more. Give background a class of its own."
        )
    return shape[-1]
