"""Metrics of label maps and of maps of values, for training (Keras) and for evaluation (NumPy).

`for_task` and `report_for` choose by the task of an output. Each name loads its module when it is
first used.
"""

import importlib

_PUBLIC = {
    "AbsoluteRelativeError": "depth_errors",
    "BoundaryBenchmark": "berkeley",
    "BoundaryF1": "boundary",
    "BoundaryFMeasure": "boundary_f",
    "BoundaryMeasures": "measures",
    "BoundaryScores": "berkeley",
    "ConfusionMatrix": "streaming",
    "DepthMeasures": "measures",
    "DepthScores": "depth_report",
    "EndPointError": "flow",
    "FlowOutlierRate": "flow",
    "FrequencyWeightedIoU": "streaming",
    "InstanceMetric": "instances",
    "InstanceScores": "instances",
    "MeanAbsoluteError": "errors",
    "MeanAccuracy": "streaming",
    "MeanAngle": "normals",
    "MeanIoU": "streaming",
    "Measures": "measures",
    "PartitionMetric": "partitions",
    "PartitionScore": "partitions",
    "PerClassIoU": "streaming",
    "PixelAccuracy": "streaming",
    "RootMeanSquaredError": "errors",
    "ThresholdAccuracy": "depth_errors",
    "boundary_benchmark": "berkeley",
    "boundary_counts": "berkeley",
    "boundary_f1": "boundary",
    "boundary_scores": "berkeley",
    "confusion_matrix": "confusion",
    "depth_scores": "depth_report",
    "for_task": "by_task",
    "information_score": "partitions",
    "instance_scores": "instances",
    "match_pixels": "pixel_matching",
    "monitor_for": "by_task",
    "rand_score": "partitions",
    "report_for": "by_task",
    "scores": "confusion",
    "segmentation": "streaming",
    "suppress_nonmaxima": "nonmaxima",
    "thin": "skeletons",
    "thin_borders": "thinning",
}

__all__ = [*_PUBLIC]


def __getattr__(name):
    if name in _PUBLIC:
        return getattr(importlib.import_module(f"fcn_keras.metrics.{_PUBLIC[name]}"), name)
    raise AttributeError(f"module 'fcn_keras.metrics' has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
