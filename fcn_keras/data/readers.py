"""The one place of this folder that tells kinds of tasks apart: what reads their targets."""

from fcn_keras.data.masks import MaskReader
from fcn_keras.data.values import ValueReader
from fcn_keras.labels import LabelSet

READERS = {
    "classes": lambda task: MaskReader(task.labels or LabelSet.numbered(task.num_classes)),
    "regression": ValueReader,
}


def reader_for(task):
    """Returns the `TargetReader` of targets as a task has them.

    Raises:
        ValueError: for a task without one.
    """
    if task.kind not in READERS:
        raise ValueError(f"No reader of targets is known for the task {task.kind!r}.")
    return READERS[task.kind](task)
