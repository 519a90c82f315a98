"""What reads the targets of each kind of task. A new task is one line in `READERS`."""

from fcn_keras.data.boundaries import BoundaryReader
from fcn_keras.data.flow.reader import FlowReader
from fcn_keras.data.masks.reader import MaskReader
from fcn_keras.data.values import DepthReader, ValueReader
from fcn_keras.labels import LabelSet
from fcn_keras.tasks import entry_for

READERS = {
    "classes": lambda task: MaskReader(task.labels or LabelSet.numbered(task.num_classes)),
    "regression": ValueReader,
    "depth": DepthReader,
    "flow": lambda task: FlowReader(task),
    "boundaries": BoundaryReader,
    "normals": ValueReader,
}


def reader_for(task):
    """Returns the `TargetReader` of targets as a task has them.

    Raises:
        ValueError: for a task without one.
    """
    return entry_for(task, READERS, "reader of targets")(task)
