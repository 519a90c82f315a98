"""From a Keras model to label maps: any image size, one compiled graph.

Preprocessing is in the model and the argmax in the graph; nothing but labels leaves the device.
"""

import keras
import numpy as np
from keras import ops

from fcn_keras.data.images import to_input
from fcn_keras.inference.compiled import Compiled
from fcn_keras.labels import LabelSet
from fcn_keras.models.outputs import output_tasks

LABELS, SCORES, PROBABILITIES = "labels", "scores", "probabilities"


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


def label_dtype(num_classes):
    """The name of the type of label maps."""
    return "uint8" if num_classes <= 255 else "uint16"


def check_one_output(predictor, what):
    """Refuses a predictor of several outputs, one of which is `what`.

    Raises:
        ValueError: saying how to take one.
    """
    if isinstance(getattr(predictor, "labels", None), dict):
        raise ValueError(
            f"The model has the outputs {', '.join(predictor.labels)}; one is {what}: "
            f"fcn_keras.one_output(model, {next(iter(predictor.labels))!r})."
        )


class Predictor:
    """Segments images of any size with a Keras model.

    Args:
        model: A Keras model from images (batch, H, W, channels) of 0-255 to logits
            (batch, H, W, num_classes); or from and to dicts of them.
        labels: A `LabelSet`. By default the one stored in the model, else numbered classes. For a
            net with several outputs {output: `LabelSet`}.

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
        counts = {name: task.channels for name, task in output_tasks(model).items()}
        self.model = model
        self.labels = _labels_for(model) if labels is None else labels
        for output, count in counts.items():
            given = self.labels if output is None else self.labels[output]
            if given.num_classes != count:
                of = f" for {output!r}" if output else ""
                raise ValueError(
                    f"The label set names {given.num_classes} classes{of}, "
                    f"the model scores {count}."
                )
        self._graphs = {}

    def segment(self, image, *, return_logits=False):
        """Labels every pixel of one image; as `fcn_keras.segment`."""
        wanted = SCORES if return_logits else LABELS
        outputs = self._run([_arrays(image, self.model)], wanted)
        return keras.tree.map_structure(lambda output: output[0], outputs)

    def segment_batch(self, images):
        """Labels several images of one size at once.

        Args:
            images: Arrays (H, W, channels) of 0-255, or one array (batch, H, W, channels).

        Returns:
            uint8 (batch, H, W); uint16 above 255 classes.

        Raises:
            ValueError: as `segment`, and if the sizes differ.
        """
        return self._run(_of_one_size(images, self.model), LABELS)

    def probabilities(self, images):
        """The softmax of the logits of several images of one size.

        Args:
            images: As for `segment_batch`.

        Returns:
            float32 (batch, H, W, num_classes), of sum 1 over the classes.

        Raises:
            ValueError: as `segment_batch`.
        """
        return self._run(_of_one_size(images, self.model), PROBABILITIES)

    def _run(self, arrays, wanted):
        images = keras.tree.map_structure(lambda *same: np.stack(same), *arrays)
        if wanted not in self._graphs:
            self._graphs[wanted] = Labeller(self.model, wanted)
        outputs = self._graphs[wanted].predict_on_batch(images)
        size = _size(arrays[0])
        for labels in keras.tree.flatten(outputs[0] if wanted == SCORES else outputs):
            if labels.shape[1:3] != size:
                raise ValueError(
                    f"The model's scores are {labels.shape[1]}x{labels.shape[2]} for an image of "
                    f"{size[0]}x{size[1]}: a segmenter gives one score map an image."
                )
        return outputs


class Labeller(Compiled):
    """A model, and what is wanted of its logits: the argmax, that and the logits, the softmax."""

    def __init__(self, model, wanted):
        super().__init__(model, "labeller")
        self.wanted = wanted

    def call(self, images):
        images = keras.tree.map_structure(lambda image: ops.cast(image, "float32"), images)
        scores = self.outputs_for(images)
        if self.wanted == PROBABILITIES:
            return keras.tree.map_structure(_softmax, scores)
        labels = keras.tree.map_structure(_highest, scores)
        return (labels, scores) if self.wanted == SCORES else labels


def _highest(scores):
    return ops.cast(ops.argmax(scores, axis=-1), label_dtype(scores.shape[-1]))


def _softmax(scores):
    return ops.softmax(ops.cast(scores, "float32"), axis=-1)


def _of_one_size(images, model):
    arrays = [_arrays(image, model) for image in images]
    if len({_size(array) for array in arrays}) != 1:
        sizes = sorted("{}x{}".format(*size) for size in {_size(array) for array in arrays})
        raise ValueError(f"A batch holds images of one size; got {', '.join(sizes) or 'none'}.")
    return arrays


def _arrays(image, model):
    """The image as the array that the model takes, or {input: array}."""
    if len(model.inputs) == 1:
        return to_input(image, model.inputs[0].shape[1:])
    if not isinstance(model.input, dict):
        raise ValueError(
            f"{model.name!r} has {len(model.inputs)} inputs without names; build it with a dict "
            "of inputs, and pass a dict of images."
        )
    shapes = {name: tensor.shape for name, tensor in model.input.items()}
    if not isinstance(image, dict) or {*image} != {*shapes}:
        given = ", ".join(map(str, image)) if isinstance(image, dict) else type(image).__name__
        raise ValueError(
            f"{model.name!r} takes a dict of the images {', '.join(shapes)}; got {given}."
        )
    arrays = {name: to_input(image[name], shape[1:]) for name, shape in shapes.items()}
    if len({array.shape[:2] for array in arrays.values()}) > 1:
        sizes = ", ".join(f"{n} {a.shape[0]}x{a.shape[1]}" for n, a in arrays.items())
        raise ValueError(f"The images of one scene are of one size; got {sizes}.")
    return arrays


def _size(arrays):
    return keras.tree.flatten(arrays)[0].shape[:2]


def _labels_for(model):
    labels = {
        output: task.labels or LabelSet.numbered(task.channels)
        for output, task in output_tasks(model).items()
    }
    return labels[None] if None in labels else labels
