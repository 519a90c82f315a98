"""Nets that others published, with the weights of their Caffe and PyTorch files.

Every shape is checked against the net before any weight is copied.
"""

from fcn_keras.published.boundaries import load_hed
from fcn_keras.published.building import build
from fcn_keras.published.caffemodel import read_caffemodel
from fcn_keras.published.classifiers import load_classifier
from fcn_keras.published.deeplabs import deeplab_names, load_deeplab
from fcn_keras.published.nets import Net, get, names
from fcn_keras.published.segnets import load_segnet, segnet_names
from fcn_keras.published.torch_nets import load_torch, torch_names
from fcn_keras.published.wire import CaffeModelError

__all__ = [
    "CaffeModelError",
    "Net",
    "build",
    "deeplab_names",
    "get",
    "load_classifier",
    "load_deeplab",
    "load_hed",
    "load_segnet",
    "load_torch",
    "names",
    "read_caffemodel",
    "segnet_names",
    "torch_names",
]
