"""Predictor: a Keras model as a segmenter of images of any size.

The output is decoded in the graph, so that only decoded maps leave the device.
"""

import copy
import functools

import keras
from keras import ops

from fcn_keras import geometry
from fcn_keras.data.images.reader import ImageReader
from fcn_keras.inference.compiled import Compiled
from fcn_keras.inference.decoding import (
    ACTIVATIONS,
    DECODED,
    LOGITS,
    activate,
    check_probabilities,
    decode,
    labels_for,
)
from fcn_keras.inference.inputs import size_of, to_batch
from fcn_keras.inference.memory import check_fits
from fcn_keras.inference.protocol import Segmenter
from fcn_keras.models.outputs import image_config, named, output_tasks
from fcn_keras.precision import prediction_policy
from fcn_keras.tasks import Classes


class Predictor(Segmenter):
    """Segments images of any size with a Keras model.

    Args:
        model: A Keras model from images (batch, H, W, channels) of 0-255 to outputs
            (batch, H, W, channels); or from and to dicts of them.
        labels: A `LabelSet`. By default the one stored in the model, else numbered classes. For a
            net with several outputs {output: `LabelSet`}. For classes only.
        image_reader: The `fcn_keras.data.ImageReader` of files. By default the one stored in the
            model: that of its training.
        precision: None for the precision that the model was trained in (float32 on a CPU without
            16-bit instructions); "mixed" for 16-bit multiplications, bfloat16 on CPUs that have
            the instructions and on recent GPUs, in any model; or "float32". Weights, the scaling
            of the images and the outputs are float32 in any case.

    Attributes:
        task: The `fcn_keras.tasks.Task` of the output, or {output: `Task`}.
        labels: The `LabelSet`, None if the output is not classes; or {output: one of these}.
        halo: The `fcn_keras.geometry.Halo` of the model, or None where none is exact.
        size: (H, W) of a model of one size, else None.
        channels: Number of channels of an image, or {input: number}.
        image_reader: The `ImageReader` of files.
        precision: As it was given.
        model: The model. A model that was trained further is used with its new weights.

    Raises:
        ValueError: if the model has one channel and no task, `labels` has another number of
            classes than the model, or for another precision.

    Example:

    ```python
    predictor = fcn_keras.Predictor(keras.models.load_model("runs/street/best.keras"))
    predictor.labels.names[predictor.segment("street.jpg")[0, 0]]
    ```
    """

    def __init__(self, model, labels=None, image_reader=None, precision=None):
        self.model = model
        self.precision, self._policy = precision, prediction_policy(precision)
        self.image_reader = image_reader or ImageReader.from_config(image_config(model))
        self._tasks = {
            output: _with_labels(task, named(labels, output), output)
            for output, task in output_tasks(model).items()
        }
        self.task = _one_or_all(self._tasks)
        self.labels = _one_or_all({name: labels_for(task) for name, task in self._tasks.items()})
        self._graphs, self._variants = {}, {}

    def in_precision(self, precision):
        """Returns the same segmenter, computing in another precision; the same one at each call.

        Args:
            precision: As of the class.

        Raises:
            ValueError: for another precision.
        """
        if precision == self.precision:
            return self
        if precision not in self._variants:
            other = copy.copy(self)
            other.precision, other._policy = precision, prediction_policy(precision)
            other._graphs, other._variants = {}, {}
            vars(other).pop("_tiled", None)
            self._variants[precision] = other
        return self._variants[precision]

    @functools.cached_property
    def halo(self):
        """The `fcn_keras.geometry.Halo` of the model, or None where none is exact."""
        try:
            return geometry.halo(self.model)
        except ValueError:
            return None

    @property
    def size(self):
        """(H, W) of a model of one size, else None."""
        size = tuple(self.model.inputs[0].shape[1:3])
        return None if None in size else size

    @property
    def channels(self):
        """Number of channels of an image, or {input: number}."""
        shapes = self._shapes
        if isinstance(shapes, dict):
            return {name: shape[-1] for name, shape in shapes.items()}
        return shapes[-1]

    def segment(self, image, *, return_logits=False):
        """Segments one image; as `fcn_keras.segment`."""
        outputs = self._run([image], LOGITS if return_logits else DECODED)
        return keras.tree.map_structure(lambda output: output[0], outputs)

    def segment_batch(self, images, *, return_logits=False):
        """Segments several images of one size at once.

        Args:
            images: Arrays (H, W, channels) of 0-255, or one array (batch, H, W, channels).
            return_logits: Whether the outputs are returned too.

        Returns:
            Labels, uint8 (batch, H, W), uint16 above 255 classes; of a regression float32
            (batch, H, W) or (batch, H, W, C). With `return_logits` the pair with float32
            (batch, H, W, channels).

        Raises:
            ValueError: as `segment`, and if the sizes differ.
        """
        return self._run(images, LOGITS if return_logits else DECODED)

    def probabilities(self, images):
        """Returns the softmax of the logits of several images of one size.

        Args:
            images: As for `segment_batch`.

        Returns:
            float32 (batch, H, W, num_classes), which sums to 1 over the classes.

        Raises:
            ValueError: as `segment_batch`, and for an output that is not classes.
        """
        for task in self._tasks.values():
            check_probabilities(task, "`probabilities`")
        return self._run(images, ACTIVATIONS)

    def run(self, batch, wanted):
        """Returns what is wanted of a batch of arrays as the model takes them, unchecked.

        Args:
            batch: (batch, H, W, channels), uint8 or float32, or {input: such an array}.
            wanted: DECODED, LOGITS or ACTIVATIONS of `fcn_keras.inference.decoding`.

        Raises:
            ValueError: if the outputs are not of the images' size.
        """
        if wanted not in self._graphs:
            self._graphs[wanted] = DecodedModel(self.model, self._tasks, wanted, self._policy)
        outputs = self._graphs[wanted].predict_on_batch(batch)
        size = size_of(batch, axis=1)
        for output in keras.tree.flatten(outputs[0] if wanted == LOGITS else outputs):
            if output.shape[1:3] != size:
                raise ValueError(
                    f"The model's output is {output.shape[1]}x{output.shape[2]} for an image of "
                    f"{size[0]}x{size[1]}; the output of a segmenter has the size of the image."
                )
        return outputs

    def _run(self, images, wanted):
        batch = to_batch(images, self._shapes, self.image_reader)
        check_fits(self.model, size_of(batch, axis=1))
        return self.run(batch, wanted)

    @property
    def _shapes(self):
        """(H, W, channels) of the model's images, or {input: (H, W, channels)}."""
        model = self.model
        if len(model.inputs) == 1:
            return tuple(model.inputs[0].shape[1:])
        if not isinstance(model.input, dict):
            raise ValueError(
                f"{model.name!r} has {len(model.inputs)} inputs without names; build it with a "
                "dict of inputs, and pass a dict of images."
            )
        return {name: tuple(tensor.shape[1:]) for name, tensor in model.input.items()}


class DecodedModel(Compiled):
    """A model followed by what is wanted of its outputs: decoded maps, these and logits, ...

    Args:
        model: A Keras model.
        tasks: {output: `Task`}; the only output of an ordinary net has the name None.
        wanted: DECODED, LOGITS or ACTIVATIONS.
        policy: As of `Compiled`.
    """

    def __init__(self, model, tasks, wanted, policy=None):
        super().__init__(model, "decoded", policy)
        self._task_of, self._wanted = dict(tasks), wanted

    def call(self, images):
        """Returns what is wanted of a batch of images."""
        images = keras.tree.map_structure(lambda image: ops.cast(image, "float32"), images)
        outputs = self.outputs_for(images)
        if self._wanted == ACTIVATIONS:
            return self._each(activate, outputs)
        decoded = self._each(decode, outputs)
        return (decoded, outputs) if self._wanted == LOGITS else decoded

    def _each(self, function, outputs):
        if isinstance(outputs, dict):
            return {name: function(self._task_of[name], one) for name, one in outputs.items()}
        return function(self._task_of[None], outputs)


def _with_labels(task, labels, output):
    """The task with these class names, or as it is for None."""
    if labels is None:
        return task
    of = f" of the output {output!r}" if output else ""
    if task.activation != "softmax":
        raise ValueError(f"`labels` names classes, and the task{of} is {task}.")
    if labels.num_classes != task.channels:
        raise ValueError(
            f"The label set names {labels.num_classes} classes{of}, the model has {task.channels}."
        )
    return Classes(labels)


def _one_or_all(found):
    return found[None] if None in found else found
