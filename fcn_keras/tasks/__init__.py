"""Tasks: what each pixel of an output means, and how its targets are kept, changed and decoded.

A task is data. It travels in the output layer of a net, in the run folder and in exports; losses,
metrics, data, visualize, inference and export each have one place that asks for it.
"""

from fcn_keras.tasks.base import Task
from fcn_keras.tasks.boundaries import Boundaries
from fcn_keras.tasks.classes import Classes
from fcn_keras.tasks.depth import Depth
from fcn_keras.tasks.flow import Flow
from fcn_keras.tasks.normals import Normals
from fcn_keras.tasks.regression import Regression

__all__ = [
    "Boundaries",
    "Classes",
    "Depth",
    "Flow",
    "Normals",
    "Regression",
    "TASKS",
    "Task",
    "entry_for",
    "from_config",
]

TASKS = {task.kind: task for task in (Classes, Regression, Depth, Flow, Boundaries, Normals)}


def from_config(config):
    """Returns the task that its `to_config` described.

    Args:
        config: A dict of JSON types with "kind".

    Raises:
        ValueError: for a kind that this version does not know; the message lists the known ones.

    Example:

    ```python
    config = fcn_keras.tasks.Regression("distance", unit="px").to_config()
    fcn_keras.tasks.from_config(config).unit        # "px"
    ```
    """
    kind = config.get("kind")
    if kind not in TASKS:
        raise ValueError(f"The task {kind!r} is unknown; known are {', '.join(TASKS)}.")
    return TASKS[kind].from_config(config)


def entry_for(task, table, what):
    """Returns the entry of a table {kind: entry} for a task.

    Each package that treats tasks differently has such tables, in one place.

    Args:
        task: A `Task`.
        table: A dict of a task's `kind`.
        what: What the entries are, for the message.

    Raises:
        ValueError: for a task that the table does not have; the message lists those it has.

    Example:

    ```python
    task = fcn_keras.tasks.Classes(num_classes=2)
    fcn_keras.tasks.entry_for(task, {"classes": "cross_entropy"}, "loss")   # "cross_entropy"
    ```
    """
    if task.kind not in table:
        raise ValueError(
            f"There is no {what} for the task {task.kind!r}; there is for {', '.join(table)}."
        )
    return table[task.kind]
