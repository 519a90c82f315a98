"""Decoding: what the outputs of a net mean, by the task of each output.

The functions for graphs work on tensors of any Keras backend, those for arrays on NumPy.
"""

import numpy as np
import scipy.special
from keras import ops

from fcn_keras.labels import LabelSet

# What may be wanted of a net: decoded maps; these and its outputs; the activation of its outputs.
DECODED, LOGITS, ACTIVATIONS = "decoded", "logits", "activations"

IN_GRAPHS = {None: lambda outputs: outputs, "softmax": ops.softmax}
OF_ARRAYS = {None: lambda outputs: outputs, "softmax": lambda x: scipy.special.softmax(x, axis=-1)}
LABELS = {"classes": lambda task: task.labels or LabelSet.numbered(task.num_classes)}


def decode(task, outputs):
    """Returns the decoded map of a tensor of outputs, or of their activation.

    Args:
        task: A `fcn_keras.tasks.Task`.
        outputs: Float tensor (batch, H, W, channels).

    Returns:
        A tensor of `task.dtype`, (batch, H, W) or (batch, H, W, C).
    """
    return ops.cast(task.decode(outputs, ops), task.dtype.name)


def activate(task, outputs):
    """Returns the activation of a tensor of outputs, float32: what may be averaged."""
    return IN_GRAPHS[task.activation](ops.cast(outputs, "float32"))


def decode_array(task, outputs):
    """Returns the decoded map of an array of outputs, or of their activation; as `decode`."""
    return np.asarray(task.decode(outputs)).astype(task.dtype)


def activate_array(task, outputs):
    """Returns the activation of an array of outputs, float32."""
    return OF_ARRAYS[task.activation](np.asarray(outputs, "float32"))


def labels_for(task):
    """Returns the `LabelSet` of a task: numbered classes where they have no names.

    None for tasks other than classes.
    """
    return LABELS[task.kind](task) if task.kind in LABELS else None


def check_probabilities(task, what):
    """Raises ValueError, which names the task, unless it has class probabilities.

    Args:
        task: A `Task`, or None where it is not known: then nothing is checked.
        what: What needs them, for the message.
    """
    if task is not None and task.activation != "softmax":
        raise ValueError(
            f"{what} needs class probabilities, and the task of this output is {task}, "
            "which has none."
        )


def check_one_output(segmenter, what):
    """Raises ValueError for a `Segmenter` of several outputs; the message says how to take one.

    Args:
        segmenter: A `Segmenter`.
        what: What takes one output, for the message: "Evaluation".
    """
    if isinstance(segmenter.task, dict):
        raise ValueError(
            f"{what} takes a net of one output; the model has {', '.join(segmenter.task)}. "
            f"Take one: fcn_keras.one_output(model, {next(iter(segmenter.task))!r})."
        )
