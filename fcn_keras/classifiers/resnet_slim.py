"""resnet_slim: a residual net of stride 16 with dilated blocks, to train from nothing on a CPU."""

import keras

from fcn_keras.classifiers.own import classifier, image_shape
from fcn_keras.data_format import channels_last

L = keras.layers

STEM, STAGES, DEEP = 32, (64, 128, 160), 80
BASIC = (1, 2)  # blocks at stride 4 and at stride 8
DILATIONS = (1, 2, 4, 1, 2, 4)  # of the blocks at stride 16
DROPPED = 0.1


@channels_last()
def resnet_slim(
    include_top=True,
    weights=None,
    input_shape=None,
    classes=1000,
    classifier_activation="softmax",
    name="resnet_slim",
):
    """A compact residual net: 1.45M parameters, most of its arithmetic at strides 4 to 16.

    Two convolutions of stride 2 (32 and 64 filters), a basic block at stride 4, two of 128 filters
    at stride 8, and at stride 16 six bottlenecks of 160 filters, dilated by 1, 2, 4, 1, 2, 4, so
    that the field grows without another loss of detail. Everything is normalized, and whole
    channels are dropped in the blocks of strides 8 and 16. It is made for CPUs: nothing runs at
    the image's own size. It has no pretrained weights and is meant to be trained from nothing.

    Args:
        include_top: Whether average pooling and the classifying layer are there.
        weights: None, or the path of a weights file saved from this net.
        input_shape: (H, W, C), RGB 0-255. Default (224, 224, 3) with top, (None, None, 3) without.
        classes: Number of classes of the top.
        classifier_activation: Activation of the classifying layer; None for logits.
        name: Name of the model.

    Returns:
        A functional `keras.Model`: input (batch, H, W, C), scaled by `Preprocess("tf")` before,
        as for Keras's classifiers; output (batch, classes), or the last map without top.

    Raises:
        ValueError: for weights="imagenet", which do not exist.

    Example:

    ```python
    model = fcn_keras.fcn4s(11, "resnet_slim", weights=None, decoder_filters=(96, 64))
    ```

    Source: residual blocks of He et al. (2016); dilation in place of stride as in Yu, Koltun and
    Funkhouser (2017), "Dilated Residual Networks".
    """
    shape = image_shape("resnet_slim", 224, include_top, weights, input_shape)
    image = keras.Input(shape, name="image")
    x = _convolved(image, STEM, "conv1", strides=2)
    for stage, (filters, blocks) in enumerate(zip(STAGES[:2], BASIC, strict=True), start=2):
        x = _convolved(x, filters, f"conv{stage}", strides=2)
        for block in range(1, blocks + 1):
            x = _basic(x, filters, f"block{stage}_{block}", dropped=DROPPED * (stage > 2))
    x = _convolved(x, STAGES[2], "conv4", strides=2)
    for block, dilation in enumerate(DILATIONS, start=1):
        x = _bottleneck(x, STAGES[2], dilation, f"block4_{block}")
    if include_top:
        x = L.GlobalAveragePooling2D(name="average")(x)
        x = L.Dense(classes, activation=classifier_activation, name="predictions")(x)
    return classifier(image, x, weights, name)


def _basic(x, filters, name, dropped):
    branch = _convolved(x, filters, f"{name}_a")
    branch = _convolved(branch, filters, f"{name}_b", rectified=False)
    return _added(x, branch, name, dropped)


def _bottleneck(x, filters, dilation, name):
    branch = _convolved(x, DEEP, f"{name}_a", window=1)
    branch = _convolved(branch, DEEP, f"{name}_b", dilation=dilation)
    branch = _convolved(branch, filters, f"{name}_c", window=1, rectified=False)
    return _added(x, branch, name, DROPPED)


def _added(x, branch, name, dropped):
    if dropped:
        branch = L.SpatialDropout2D(dropped, name=f"{name}_drop")(branch)
    return L.ReLU(name=f"{name}_out")(L.Add(name=f"{name}_add")([x, branch]))


def _convolved(x, filters, name, window=3, strides=1, dilation=1, rectified=True):
    x = L.Conv2D(
        filters,
        window,
        strides,
        padding="same",
        dilation_rate=dilation,
        use_bias=False,
        kernel_initializer="he_normal",
        name=name,
    )(x)
    x = L.BatchNormalization(momentum=0.9, name=f"{name}_bn")(x)
    return L.ReLU(name=f"{name}_relu")(x) if rectified else x
