"""Distillation: a trained segmenter teaches a net, on the very crops of each training step.

Source: Hinton, Vinyals, Dean (2015), "Distilling the Knowledge in a Neural Network".
"""

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from keras import ops

from fcn_keras.inference import Predictor, as_segmenter
from fcn_keras.keras_internals import added_losses
from fcn_keras.labels import LabelSet
from fcn_keras.losses import Distillation
from fcn_keras.models.files import load_model
from fcn_keras.models.outputs import output_tasks
from fcn_keras.precision import mixed_policy, suited
from fcn_keras.training.devices import strategy_scope
from fcn_keras.training.run_folder import RunFolder

LEAST = 1e-30  # probability; its logarithm is a finite logit


@dataclass(frozen=True)
class Teacher:
    """A trained segmenter that teaches, with the name that a run folder records.

    Attributes:
        segmenter: A Keras model, a `fcn_keras.inference.Segmenter`, or an object with `segment`
            that gives probabilities. A Keras model computes in the training step, anything else
            beside it, on the CPU.
        name: Where it comes from, such as the path of its run folder.

    Example:

    ```python
    teacher = fcn_keras.training.Teacher(fcn_keras.export.load("runs/street"), "runs/street")
    fcn_keras.training.train(model, dataset, out="runs/small", teacher=teacher, epochs=1)
    ```
    """

    segmenter: object
    name: str

    def __post_init__(self):
        object.__setattr__(self, "segmenter", as_segmenter(self.segmenter))

    def __str__(self):
        told = self.describe()
        if "parameters" not in told:
            return f"{self.name} ({told['model']})"
        return f"{self.name} ({told['model']}, {told['parameters']:,} parameters)"

    def describe(self):
        """Returns what config.json of a run says of it, a dict of JSON types."""
        if self.model is None:
            return {"name": self.name, "model": type(self.segmenter).__name__}
        counted = self.model.count_params()
        return {"name": self.name, "model": self.model.name, "parameters": counted}

    @property
    def model(self):
        """The Keras model, or None for a segmenter of another kind."""
        return self.segmenter.model if isinstance(self.segmenter, Predictor) else None

    def logits(self, images, num_classes, policy=None):
        """Returns the logits of a batch, in inference mode, inside a training step.

        Args:
            images: Tensor (batch, H, W, channels) of 0-255.
            num_classes: Number of classes.
            policy: The mixed policy to compute in, or None for the teacher's own precision.

        Returns:
            Float32 tensor (batch, H, W, num_classes), through which no gradient flows.
        """
        images = ops.cast(images, "float32")
        if self.model is None:
            return _outside_of_the_graph(self._log_probabilities, images, num_classes)
        with suited(self.model, policy):
            logits = self.model(images, training=False)
        return ops.stop_gradient(ops.cast(logits, "float32"))

    def _log_probabilities(self, images):
        probabilities = self.segmenter.probabilities(np.asarray(images))
        return np.log(np.maximum(probabilities, LEAST)).astype("float32")


def teacher_of(given):
    """Returns the `Teacher` that a recipe was given.

    Args:
        given: A `Teacher`; the path of a .keras file or a run folder; or what `Teacher` takes.

    Raises:
        FileNotFoundError: for a path where there is no model.
        ValueError: for a file that is no Keras model.
    """
    if isinstance(given, Teacher):
        return given
    if not isinstance(given, str):
        return Teacher(given, getattr(given, "name", type(given).__name__))
    path = Path(given)
    if not path.exists():
        raise FileNotFoundError(
            f"There is no teacher {given}: give a .keras file or a run folder, or pass the model "
            "itself (teacher=model)."
        )
    return Teacher(load_model(RunFolder(path).model_path() if path.is_dir() else path), given)


def with_teacher(recipe, model):
    """Returns a recipe whose teacher, if it has one, is opened, on the devices of a model."""
    if recipe.teacher is None:
        return recipe
    with strategy_scope(model):
        return recipe.changed(teacher=teacher_of(recipe.teacher))


def teach(model, teacher, temperature=2.0, alpha=0.5, void=False):
    """Makes a compiled net learn from a teacher too, in every `fit` from now on.

    The teacher gets the images of each step as they are, crops and augmentation included, in
    inference mode. Its weights do not change, and the net is saved without it. The loss of a
    training step is `fcn_keras.losses.Distillation` over the compiled loss; a validation measures
    the compiled loss alone, without the teacher. A teacher that is a Keras model computes in the
    net's precision, where that is a mixed one, else in its own.

    Args:
        model: A compiled Keras model of one input that returns logits (batch, H, W, num_classes).
        teacher: A `Teacher`, the path of a .keras file or a run folder, a Keras model, or a
            `fcn_keras.inference.Segmenter` with probabilities. Its net, alignment and size are
            free, if its output has the height and width of the images. None ends the teaching.
        temperature, alpha, void: As for `fcn_keras.losses.Distillation`.

    Raises:
        ValueError: if the teacher has other classes, another number of them, other inputs or
            outputs, or no classes at all; the message names both.
        FileNotFoundError: for a path where there is no model.

    Example:

    ```python
    model.compile("adamw", fcn_keras.losses.CrossEntropy())
    fcn_keras.training.teach(model, "runs/street", temperature=2, alpha=0.5)
    model.fit(batches, epochs=1)
    ```
    """
    vars(model).pop("compute_loss", None)
    if teacher is None:
        return
    teacher = teacher_of(teacher)
    check_teacher(teacher, model, output_tasks(model))
    loss = Distillation(model.loss, temperature, alpha, void)
    classes, policy = model.output_shape[-1], mixed_policy(model)
    plain = type(model).compute_loss

    def compute_loss(x=None, y=None, y_pred=None, sample_weight=None, training=True):
        if not training or not alpha:
            return plain(model, x, y, y_pred, sample_weight, training)
        truth = (y, teacher.logits(x, classes, policy))
        return sum(added_losses(model), loss(truth, y_pred, sample_weight))

    model.compute_loss = compute_loss


def check_teacher(teacher, model, tasks):
    """Raises ValueError unless a teacher's classes and images are those of a net.

    Args:
        teacher: A `Teacher`.
        model: The Keras model that learns.
        tasks: {output: `Task`} of the model.
    """
    for what, found in (("net", tasks), ("teacher", teacher.segmenter.task)):
        several = isinstance(found, dict) and {*found} != {None}
        task = found.get(None) if isinstance(found, dict) else found
        name = model.name if what == "net" else teacher.name
        if several or (task is not None and task.kind != "classes"):
            told = f"the outputs {', '.join(found)}" if several else f"the task {task.kind!r}"
            raise ValueError(
                f"A teacher teaches one output of classes; the {what} {name!r} has {told}."
            )
    own, known = tasks[None], teacher.segmenter.task
    if known is None:
        raise ValueError(f"The teacher {teacher.name!r} does not tell its classes.")
    if known.channels != own.channels:
        raise ValueError(
            f"The teacher {teacher.name!r} has {known.channels} classes{_listed(known)}, and "
            f"{model.name!r} has {own.channels}{_listed(own)}: they must be the same."
        )
    numbered = LabelSet.numbered(own.channels).names
    names = [task.labels.names for task in (known, own) if task.labels is not None]
    if len({*names} - {numbered}) > 1:
        raise ValueError(
            f"The teacher {teacher.name!r} has the classes {', '.join(names[0])}, and "
            f"{model.name!r} has {', '.join(names[1])}: they must be the same, in one order."
        )
    channels, taken = model.inputs[0].shape[-1], teacher.segmenter.channels
    if taken not in (None, channels):
        raise ValueError(
            f"The teacher {teacher.name!r} takes images of {taken} channels, and {model.name!r} "
            f"of {channels}: both get the same images."
        )


def check_crop(teacher, recipe):
    """Raises ValueError for a Keras teacher of one size that is not that of a recipe's crops.

    Args:
        teacher: A `Teacher`.
        recipe: A `Recipe`, resolved where the crop is "auto".
    """
    size = teacher.model is not None and teacher.segmenter.size
    if size and recipe.crop != "auto" and (size != recipe.crop or recipe.half_size):
        crop = "whole images" if recipe.crop is None else "crops of {}x{}".format(*recipe.crop)
        half = f", half_size={recipe.half_size:g}" if recipe.half_size else ""
        raise ValueError(
            f"The teacher {teacher.name!r} takes images of {size[0]}x{size[1]} alone, and the "
            f"training has {crop}{half}: set --crop {size[0]}x{size[1]} (crop={size}), without "
            "half_size."
        )


def _listed(task):
    return f" ({', '.join(task.labels.names)})" if task.labels is not None else ""


def _outside_of_the_graph(function, images, num_classes):
    """Returns what a function of NumPy arrays gives for a tensor, as a tensor of the backend."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        found = tf.numpy_function(function, [images], tf.float32, stateful=False)
        return tf.ensure_shape(found, [*images.shape[:3], num_classes])
    if backend == "jax":
        import jax

        shape = jax.ShapeDtypeStruct((*images.shape[:3], num_classes), "float32")
        return jax.lax.stop_gradient(jax.pure_callback(function, shape, images))
    return ops.convert_to_tensor(function(ops.convert_to_numpy(images)))
