"""AlexNet as Caffe trains it (CaffeNet): grouped convolutions, pooling before normalization."""

import keras

from fcn_keras.classifiers.own import classifier, image_shape
from fcn_keras.data_format import channels_last
from fcn_keras.layers import (
    CeilPooling2D,
    GroupedConv2D,
    LeanHeNormal,
    LocalResponseNormalization,
)

L = keras.layers

HEAD = (4096, 4096)


@channels_last()
def alexnet(
    include_top=True,
    weights=None,
    input_shape=None,
    classes=1000,
    classifier_activation="softmax",
    name="alexnet",
):
    """AlexNet in the form of the published FCN-AlexNet, `bvlc_reference_caffenet`.

    Five convolutions, three of them in two groups; overlapping 3x3 pooling of stride 2 that rounds
    up; local response normalization after the first two; fc6, fc7 and fc8 with dropout of 0.5.
    Layers have Caffe's names, `conv1` to `fc8`. 60,965,224 parameters with 1000 classes.

    Args:
        include_top: Whether Flatten, fc6, fc7 and the classifying layer fc8 are there.
        weights: None, or the path of a weights file saved from this net. A file with top also
            fills a net without.
        input_shape: (H, W, C). Default (227, 227, 3) with top, (None, None, 3) without. At
            least 39x39; with top H and W must be given.
        classes: Number of classes of the top.
        classifier_activation: Activation of the classifying layer; None for logits.
        name: Name of the model.

    Returns:
        A functional `keras.Model`: input (batch, H, W, C), BGR 0-255 less the means, as
        `Preprocess("caffe")` makes it; output (batch, classes), or pool5 (batch, h, w, 256)
        without top, 6x6 at the net's own size.

    Raises:
        ValueError: for weights="imagenet", which Keras does not have; for weights or an
            `input_shape` that do not fit.

    Example:

    ```python
    features = fcn_keras.classifiers.alexnet(include_top=False)
    features(keras.ops.zeros((1, 227, 227, 3))).shape       # (1, 6, 6, 256)
    ```

    Source: Krizhevsky, Sutskever, Hinton (2012); Long et al. (2015), section 4.1 and table 1.
    """
    shape = image_shape("alexnet", 227, include_top, weights, input_shape)
    image = keras.Input(shape, name="image")
    x = _convolution(image, 96, 11, "conv1", strides=4, padding="valid")
    x = _normalized(CeilPooling2D(3, 2, name="pool1")(x), "norm1")
    x = _convolution(x, 256, 5, "conv2", groups=2)
    x = _normalized(CeilPooling2D(3, 2, name="pool2")(x), "norm2")
    x = _convolution(x, 384, 3, "conv3")
    x = _convolution(x, 384, 3, "conv4", groups=2)
    x = _convolution(x, 256, 3, "conv5", groups=2)
    x = CeilPooling2D(3, 2, name="pool5")(x)
    if include_top:
        x = L.Flatten(name="flatten")(x)
        for number, units in enumerate(HEAD, start=6):
            dense = L.Dense(
                units, activation="relu", kernel_initializer=LeanHeNormal(), name=f"fc{number}"
            )
            x = L.Dropout(0.5, name=f"drop{number}")(dense(x))
        x = L.Dense(classes, activation=classifier_activation, name="fc8")(x)
    return classifier(image, x, weights, name)


def _convolution(x, filters, size, name, *, groups=1, **options):
    convolution = GroupedConv2D if groups > 1 else L.Conv2D
    options = {"padding": "same", **options, **({"groups": groups} if groups > 1 else {})}
    return convolution(
        filters, size, activation="relu", kernel_initializer=LeanHeNormal(), name=name, **options
    )(x)


def _normalized(x, name):
    return LocalResponseNormalization(2, alpha=2e-5, beta=0.75, name=name)(x)
