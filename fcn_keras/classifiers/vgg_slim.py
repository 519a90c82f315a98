"""vgg_slim: VGG's five pooled blocks made thin, to train from nothing on a CPU in minutes."""

import keras

from fcn_keras.classifiers.own import classifier, image_shape
from fcn_keras.data_format import channels_last

L = keras.layers

BLOCKS = ((24,), (48, 48), (96, 96, 96), (128, 128), (128, 128))
HEAD = (64, 128)
POOLED_FIRST = 2  # blocks that pool before BatchNormalization, which then costs a quarter


@channels_last()
def vgg_slim(
    include_top=True,
    weights=None,
    input_shape=None,
    classes=1000,
    classifier_activation="softmax",
    name="vgg_slim",
):
    """A compact VGG with BatchNormalization: about 1.2M parameters as an FCN.

    Five blocks of 3x3 convolutions (24, 48, 96, 128, 128 filters) with 2x2 max pooling, then a
    thin 7x7 `fc6` and `fc7`. It is made for CPUs: one convolution at full size, and the first two
    blocks pool before they normalize. It has no pretrained weights and is meant to be trained
    from nothing.

    Args:
        include_top: Whether Flatten, fc6, fc7 and the classifying layer are there.
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
    classifier = fcn_keras.classifiers.vgg_slim(classes=10, input_shape=(64, 64, 3))
    ```

    Source: the layout is VGG's (Simonyan and Zisserman 2015), thinned.
    """
    shape = image_shape("vgg_slim", 224, include_top, weights, input_shape)
    image = keras.Input(shape, name="image")
    x = image
    for block, filters in enumerate(BLOCKS, start=1):
        for number, count in enumerate(filters, start=1):
            x = _convolution(x, count, f"conv{block}_{number}")
            if number == len(filters) and block <= POOLED_FIRST:
                x = L.MaxPooling2D(2, name=f"pool{block}")(x)
            x = L.BatchNormalization(name=f"conv{block}_{number}_bn")(x)
            x = L.ReLU(name=f"conv{block}_{number}_relu")(x)
        if block > POOLED_FIRST:
            x = L.MaxPooling2D(2, name=f"pool{block}")(x)
    if include_top:
        x = L.Flatten(name="flatten")(x)
        for name_, units in zip(("fc6", "fc7"), HEAD, strict=True):
            x = L.Dense(units, activation="relu", kernel_initializer="he_normal", name=name_)(x)
        x = L.Dense(classes, activation=classifier_activation, name="predictions")(x)
    return classifier(image, x, weights, name)


def _convolution(x, filters, name):
    return L.Conv2D(
        filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal", name=name
    )(x)
