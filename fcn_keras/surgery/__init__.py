"""Surgery on nets: copying, convolutionalization, transplanting of weights, dilation."""

from fcn_keras.surgery.convolutionalize import convolutionalize
from fcn_keras.surgery.dilate import dilate
from fcn_keras.surgery.expand import expand_classes
from fcn_keras.surgery.scores import scores_from_classifier
from fcn_keras.surgery.transplant import transplant
from fcn_keras.surgery.widen import widen_input

__all__ = [
    "convolutionalize",
    "dilate",
    "expand_classes",
    "scores_from_classifier",
    "transplant",
    "widen_input",
]
