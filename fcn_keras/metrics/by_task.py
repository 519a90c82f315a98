"""The metrics and the report of each task. A new task is one line in each table."""

import dataclasses

from fcn_keras.metrics.boundary_f import BoundaryFMeasure
from fcn_keras.metrics.boundary_report import BoundaryReport
from fcn_keras.metrics.class_report import ClassReport
from fcn_keras.metrics.depth_errors import AbsoluteRelativeError, ThresholdAccuracy
from fcn_keras.metrics.depth_report import DepthReport
from fcn_keras.metrics.errors import MeanAbsoluteError, RootMeanSquaredError
from fcn_keras.metrics.flow import EndPointError, FlowOutlierRate
from fcn_keras.metrics.flow_report import FlowReport
from fcn_keras.metrics.normals import MeanAngle, NormalsReport
from fcn_keras.metrics.streaming import segmentation
from fcn_keras.metrics.value_report import ValueReport
from fcn_keras.tasks import entry_for

METRICS = {
    "classes": lambda task: segmentation(task.num_classes, task.invalid),
    "regression": lambda task: [MeanAbsoluteError(), RootMeanSquaredError()],
    "normals": lambda task: [MeanAngle()],
    "depth": lambda task: [
        AbsoluteRelativeError(),
        RootMeanSquaredError("depth"),
        ThresholdAccuracy(),
    ],
    "flow": lambda task: [EndPointError(), FlowOutlierRate()],
    "boundaries": lambda task: [BoundaryFMeasure()],
}
MONITORS = {
    "classes": ("mean_iou", "max"),
    "regression": ("mean_absolute_error", "min"),
    "depth": ("absolute_relative_error", "min"),
    "flow": ("end_point_error", "min"),
    "boundaries": ("boundary_f", "max"),
    "normals": ("mean_angle", "min"),
}
REPORTS = {
    "classes": ClassReport,
    "regression": ValueReport,
    "depth": DepthReport,
    "flow": FlowReport,
    "boundaries": BoundaryReport,
    "normals": NormalsReport,
}


def for_task(task):
    """Returns the Keras metrics of a task, for `model.compile(metrics=...)`.

    Args:
        task: A `fcn_keras.tasks.Task`.

    Returns:
        A list of `keras.metrics.Metric`: the field's four for classes, mean absolute and root
        mean squared error for a regression; for depth the absolute relative error, the root mean
        squared error and the share of pixels within a factor of 1.25; for optical flow the
        end-point error and the outlier rate, for boundaries the best F, for normals
        the mean angle.

    Raises:
        ValueError: for a task without metrics.

    Example:

    >>> [metric.name for metric in for_task(fcn_keras.tasks.Regression("distance", unit="px"))]
    ['mean_absolute_error', 'root_mean_squared_error']
    """
    return entry_for(task, METRICS, "metrics")(task)


def monitor_for(task):
    """Returns the metric that the best epoch of a task is chosen by.

    Args:
        task: A `fcn_keras.tasks.Task`.

    Returns:
        (name, mode): the metric's name, and "max" where more is better or "min".

    Raises:
        ValueError: for a task without metrics.

    Example:

    >>> monitor_for(fcn_keras.tasks.Classes(num_classes=3))
    ('mean_iou', 'max')
    """
    return entry_for(task, MONITORS, "metric to monitor")


def report_for(task, **options):
    """Returns an empty report of a task, which `fcn_keras.evaluate` fills image by image.

    Args:
        task: A `fcn_keras.tasks.Task`.
        **options: What is measured on request: of classes the fields of
            `fcn_keras.metrics.Measures`, such as `boundary=True`, of depth those of
            `fcn_keras.metrics.DepthMeasures`, of boundaries those of `BoundaryMeasures`.

    Returns:
        A `ClassReport`, `ValueReport`, `DepthReport`, `FlowReport`, `BoundaryReport` or
        `NormalsReport`:
        `update(truth, prediction)` adds an image, `table()` is the text, `to_dict()` and
        `save_json(path)` give the figures.

    Raises:
        ValueError: for a task without a report, or an option that its report does not have.

    Example:

    ```python
    report = fcn_keras.metrics.report_for(fcn_keras.tasks.Classes(num_classes=2))
    report.update(np.array([[0, 1, 255]]), np.array([[0, 0, 1]]))
    report.scores.pixel_accuracy    # 0.5
    ```
    """
    kind = entry_for(task, REPORTS, "report")
    known = [field.name for field in dataclasses.fields(kind.MEASURES)] if kind.MEASURES else []
    for name in options:
        if name not in known:
            has = f"it has {', '.join(known)}" if known else "leave it out"
            raise ValueError(f"The report of the task {task.kind!r} has no option {name!r}; {has}.")
    return kind(task, **options)
