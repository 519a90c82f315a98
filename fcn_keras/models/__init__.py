"""Builders of segmentation nets, one file a family."""

from fcn_keras.models.crf_rnn import crf_rnn
from fcn_keras.models.fcn import fcn2s, fcn4s, fcn8s, fcn16s, fcn32s
from fcn_keras.models.files import load_model
from fcn_keras.models.outputs import labels_of, one_output, task_of

__all__ = [
    "crf_rnn",
    "fcn16s",
    "fcn2s",
    "fcn32s",
    "fcn4s",
    "fcn8s",
    "labels_of",
    "load_model",
    "one_output",
    "task_of",
]
