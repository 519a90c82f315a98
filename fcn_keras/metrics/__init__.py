"""The field's four metrics, per-class IU and the confusion matrix, on one count of pixels.

``confusion_matrix`` and ``scores`` work in NumPy; the Keras metrics count inside the training step.
"""

from fcn_keras.metrics.boundary import BoundaryF1, boundary_f1
from fcn_keras.metrics.confusion import Scores, confusion_matrix, scores
from fcn_keras.metrics.streaming import (
    ConfusionMatrix,
    FrequencyWeightedIoU,
    MeanAccuracy,
    MeanIoU,
    PerClassIoU,
    PixelAccuracy,
    segmentation,
)

__all__ = [
    "BoundaryF1",
    "ConfusionMatrix",
    "FrequencyWeightedIoU",
    "MeanAccuracy",
    "MeanIoU",
    "PerClassIoU",
    "PixelAccuracy",
    "Scores",
    "boundary_f1",
    "confusion_matrix",
    "scores",
    "segmentation",
]
