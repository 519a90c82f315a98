"""The classifiers that nets are built over: a table of names, and those that Keras lacks."""

from fcn_keras.classifiers.alexnet import alexnet
from fcn_keras.classifiers.efficientnet_lite import (
    efficientnet_lite0,
    efficientnet_lite1,
    efficientnet_lite2,
    efficientnet_lite3,
    efficientnet_lite4,
)
from fcn_keras.classifiers.googlenet import googlenet
from fcn_keras.classifiers.registry import get, names
from fcn_keras.classifiers.resnet_slim import resnet_slim
from fcn_keras.classifiers.resnet_v1_5 import resnet50_v1_5, resnet101_v1_5
from fcn_keras.classifiers.vgg_slim import vgg_slim

__all__ = [
    "alexnet",
    "efficientnet_lite0",
    "efficientnet_lite1",
    "efficientnet_lite2",
    "efficientnet_lite3",
    "efficientnet_lite4",
    "get",
    "googlenet",
    "names",
    "resnet50_v1_5",
    "resnet101_v1_5",
    "resnet_slim",
    "vgg_slim",
]
