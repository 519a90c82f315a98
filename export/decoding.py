"""What an export makes of the task of a net: names of tensors, decoding, files beside the net.

The only place of the exporters that asks what a task is. TensorFlow is imported when it is used.
"""

import json

from fcn_keras import tasks
from fcn_keras.export.asset_names import LABELS, TASK
from fcn_keras.labels import LabelSet
from fcn_keras.models.outputs import check_single, output_tasks

LABEL_MAP, MAP = "label_map", "map"  # output tensors


def task_to_export(model, what, labels=None):
    """Returns the task of a model's output; classes have names in it.

    Args:
        model: A Keras model of one input and one output.
        what: What is written, for error messages: "A SavedModel".
        labels: A `LabelSet`, or None: the one stored in the model, else numbered classes.

    Raises:
        ValueError: if the model is no segmenter of one input and one output, or `labels` has
            another number of classes or goes with no classes.
    """
    check_single(model, what)
    (task,) = output_tasks(model).values()
    if not gives_labels(task):
        if labels is not None:
            raise ValueError(
                f"`labels` names classes, but {model.name!r} is made for {task.kind}: leave it out."
            )
        return task
    labels = labels or task.labels or LabelSet.numbered(task.channels)
    if labels.num_classes != task.channels:
        raise ValueError(
            f"The label set names {labels.num_classes} classes, the model has {task.channels}."
        )
    return tasks.Classes(labels)


def gives_labels(task):
    """Returns whether decoded maps hold class numbers, which a PNG can keep, and not values."""
    return task.dtype.kind == "u"


def has_logits(task):
    """Returns whether the outputs of the net say more than the decoded map."""
    return task.activation is not None


def map_name(task):
    """Returns the name of the tensor of decoded maps: "label_map" of classes, else "map"."""
    return LABEL_MAP if gives_labels(task) else MAP


def decode(task, outputs):
    """Returns what the outputs of a net mean, as a TensorFlow tensor.

    Args:
        task: A `fcn_keras.tasks.Task`.
        outputs: float32 (batch, H, W, task.channels).

    Returns:
        `task.dtype`, (batch, H, W), or (batch, H, W, C) of a task with three axes.
    """
    import tensorflow as tf

    return tf.cast(task.decode(outputs, ops=_TensorFlow), task.dtype)


def files_of(task):
    """Returns the files that describe a task: {name: JSON text}.

    task.json holds the task. labels.json holds the `LabelSet` of classes, for other programs.
    """
    files = {TASK: task.to_config()}
    if gives_labels(task):
        files[LABELS] = task.labels.to_config()
    return {name: json.dumps(config, indent=1) + "\n" for name, config in files.items()}


def task_in(text):
    """Returns the task that the text, or the bytes, of a task.json describe."""
    return tasks.from_config(json.loads(text))


class _TensorFlow:
    """TensorFlow's functions by NumPy's names."""

    @staticmethod
    def argmax(outputs, axis):
        """As numpy.argmax, int32: TFLite's builtin operations cast that, and not int64."""
        import tensorflow as tf

        return tf.argmax(outputs, axis=axis, output_type=tf.int32)

    @staticmethod
    def exp(outputs):
        """As numpy.exp."""
        import tensorflow as tf

        return tf.exp(outputs)

    @staticmethod
    def mean(outputs, axis):
        """As numpy.mean."""
        import tensorflow as tf

        return tf.reduce_mean(outputs, axis=axis)

    @staticmethod
    def tanh(outputs):
        """As numpy.tanh."""
        import tensorflow as tf

        return tf.tanh(outputs)

    @staticmethod
    def sqrt(values):
        """As numpy.sqrt."""
        import tensorflow as tf

        return tf.sqrt(values)
