"""The classifiers that nets are built over: a table of names, and those that Keras lacks."""

from fcn_keras.classifiers.alexnet import alexnet
from fcn_keras.classifiers.googlenet import googlenet
from fcn_keras.classifiers.registry import get, names
from fcn_keras.classifiers.resnet_slim import resnet_slim
from fcn_keras.classifiers.vgg_slim import vgg_slim

__all__ = ["alexnet", "get", "googlenet", "names", "resnet_slim", "vgg_slim"]
