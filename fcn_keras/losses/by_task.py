"""The default loss of each task. A new task is one line in the table."""

from fcn_keras.losses.class_balanced import ClassBalanced
from fcn_keras.losses.cosine import CosineDistance
from fcn_keras.losses.cross_entropy import CrossEntropy
from fcn_keras.losses.end_point_error import MultiLevelEndPointError
from fcn_keras.losses.scale_invariant import ScaleInvariantLog
from fcn_keras.losses.values import AbsoluteError
from fcn_keras.tasks import entry_for

LOSSES = {
    "classes": lambda task: CrossEntropy(task.invalid),
    "regression": lambda task: AbsoluteError(),
    "depth": lambda task: ScaleInvariantLog(),
    "flow": lambda task: MultiLevelEndPointError(),
    "boundaries": lambda task: ClassBalanced(),
    "normals": lambda task: CosineDistance(),
}


def for_task(task):
    """Returns the default loss of a task.

    Args:
        task: A `fcn_keras.tasks.Task`.

    Returns:
        A `keras.losses.Loss`: `CrossEntropy` for classes, `AbsoluteError` for a regression,
        `ScaleInvariantLog` for depth, `MultiLevelEndPointError` for optical flow, `ClassBalanced`
        for boundaries, `CosineDistance` for normals.

    Raises:
        ValueError: for a task without a loss.

    Example:

    ```python
    task = fcn_keras.tasks.Regression("distance", unit="px")
    net = fcn_keras.fcn8s(task, "vgg_slim", weights=None)
    net.compile("adamw", fcn_keras.losses.for_task(task), fcn_keras.metrics.for_task(task))
    ```
    """
    return entry_for(task, LOSSES, "loss")(task)
