"""Metrics of label maps and of maps of values, for training (Keras) and for evaluation (NumPy).

`for_task` and `report_for` choose by the task of an output.
"""

from fcn_keras.metrics.boundary import BoundaryF1, boundary_f1
from fcn_keras.metrics.by_task import for_task, monitor_for, report_for
from fcn_keras.metrics.confusion import confusion_matrix, scores
from fcn_keras.metrics.errors import MeanAbsoluteError, RootMeanSquaredError
from fcn_keras.metrics.instances import InstanceMetric, InstanceScores, instance_scores
from fcn_keras.metrics.partitions import (
    PartitionMetric,
    PartitionScore,
    information_score,
    rand_score,
)
from fcn_keras.metrics.streaming import (
    ConfusionMatrix,
    FrequencyWeightedIoU,
    MeanAccuracy,
    MeanIoU,
    PerClassIoU,
    PixelAccuracy,
    segmentation,
)
from fcn_keras.metrics.thinning import thin_borders

__all__ = [
    "BoundaryF1",
    "ConfusionMatrix",
    "FrequencyWeightedIoU",
    "InstanceMetric",
    "InstanceScores",
    "MeanAbsoluteError",
    "MeanAccuracy",
    "MeanIoU",
    "PartitionMetric",
    "PartitionScore",
    "PerClassIoU",
    "PixelAccuracy",
    "RootMeanSquaredError",
    "boundary_f1",
    "confusion_matrix",
    "for_task",
    "information_score",
    "instance_scores",
    "monitor_for",
    "rand_score",
    "report_for",
    "scores",
    "segmentation",
    "thin_borders",
]
