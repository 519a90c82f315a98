"""The nets that the paper's authors published, filled from their Caffe files.

Every weight is checked against the net before any is taken over.
"""

from fcn_keras.published.building import build
from fcn_keras.published.caffemodel import read_caffemodel
from fcn_keras.published.classifiers import load_classifier
from fcn_keras.published.nets import Net, get, names
from fcn_keras.published.wire import CaffeModelError

__all__ = ["CaffeModelError", "Net", "build", "get", "load_classifier", "names", "read_caffemodel"]
