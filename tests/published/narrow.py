"""Classifiers of the published nets' layers with a few filters each, all weights zero."""

import caffe_nets
import keras

from fcn_keras.layers import CeilPooling2D, GroupedConv2D, LocalResponseNormalization

L = keras.layers
RELU = {"activation": "relu", "kernel_initializer": "zeros"}  # random ones are slow to make on JAX


def vgg16(channels=3, size=(224, 224), classes=5):
    """VGG16's layers under Keras's names."""
    x = image = keras.Input((*size, channels))
    blocks = zip(caffe_nets.BLOCKS, caffe_nets.WIDTHS, strict=True)
    for block, (count, width) in enumerate(blocks, start=1):
        for n in range(1, count + 1):
            name = f"block{block}_conv{n}"
            x = L.Conv2D(width, 3, padding="same", name=name, **RELU)(x)
        x = L.MaxPooling2D(2, name=f"block{block}_pool")(x)
    return keras.Model(image, _top(x, caffe_nets.HEAD, classes), name="narrow_vgg16")


ALEXNET = (8, 12, 10, 6, 4)


def alexnet(classes=5):
    """AlexNet's layers: groups, normalization across channels, overlapping pooling."""
    x = image = keras.Input((227, 227, 3))
    one, two, three, four, five = ALEXNET
    x = L.Conv2D(one, 11, strides=4, name="conv1", **RELU)(x)
    x = LocalResponseNormalization(2, alpha=2e-5, beta=0.75)(CeilPooling2D(3, 2)(x))
    grouped = {"padding": "same", "groups": 2, **RELU}
    x = GroupedConv2D(two, 5, name="conv2", **grouped)(x)
    x = LocalResponseNormalization(2, alpha=2e-5, beta=0.75)(CeilPooling2D(3, 2)(x))
    x = L.Conv2D(three, 3, padding="same", name="conv3", **RELU)(x)
    x = GroupedConv2D(four, 3, name="conv4", **grouped)(x)
    x = GroupedConv2D(five, 3, name="conv5", **grouped)(x)
    x = CeilPooling2D(3, 2)(x)
    return keras.Model(image, _top(x, caffe_nets.HEAD, classes), name="narrow_alexnet")


def _top(x, head, classes):
    x = L.Flatten()(x)
    for name, units in zip(("fc1", "fc2"), head, strict=True):
        x = L.Dense(units, name=name, **RELU)(x)
    return L.Dense(classes, kernel_initializer="zeros", name="predictions")(x)
