"""Nets that the authors of the paper published, with the weights of their Caffe files.

Every shape is checked against the net before any weight is copied.
"""

from fcn_keras.published.building import build
from fcn_keras.published.caffemodel import read_caffemodel
from fcn_keras.published.classifiers import load_classifier
from fcn_keras.published.nets import Net, get, names
from fcn_keras.published.wire import CaffeModelError

__all__ = ["CaffeModelError", "Net", "build", "get", "load_classifier", "names", "read_caffemodel"]
