"""Builders of segmentation nets, one file a family."""

from fcn_keras.models.fcn import fcn2s, fcn4s, fcn8s, fcn16s, fcn32s
from fcn_keras.models.meaning import labels_of
from fcn_keras.models.outputs import one_output

__all__ = ["fcn16s", "fcn2s", "fcn32s", "fcn4s", "fcn8s", "labels_of", "one_output"]
