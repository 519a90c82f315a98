"""Metrics of label maps and of maps of values, for training (Keras) and for evaluation (NumPy).

`for_task` and `report_for` choose by the task of an output. Each name loads its module when it is
first used.
"""

import importlib

_PUBLIC = {
    "BoundaryF1": "boundary",
    "ConfusionMatrix": "streaming",
    "FrequencyWeightedIoU": "streaming",
    "InstanceMetric": "instances",
    "InstanceScores": "instances",
    "MeanAbsoluteError": "errors",
    "MeanAccuracy": "streaming",
    "MeanIoU": "streaming",
    "Measures": "measures",
    "PartitionMetric": "partitions",
    "PartitionScore": "partitions",
    "PerClassIoU": "streaming",
    "PixelAccuracy": "streaming",
    "RootMeanSquaredError": "errors",
    "boundary_f1": "boundary",
    "confusion_matrix": "confusion",
    "for_task": "by_task",
    "information_score": "partitions",
    "instance_scores": "instances",
    "monitor_for": "by_task",
    "rand_score": "partitions",
    "report_for": "by_task",
    "scores": "confusion",
    "segmentation": "streaming",
    "thin_borders": "thinning",
}

__all__ = [*_PUBLIC]


def __getattr__(name):
    if name in _PUBLIC:
        return getattr(importlib.import_module(f"fcn_keras.metrics.{_PUBLIC[name]}"), name)
    raise AttributeError(f"module 'fcn_keras.metrics' has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
