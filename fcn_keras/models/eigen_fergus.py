"""Eigen and Fergus's net: a coarse answer from the whole image, refined twice beside the image.

image - classifier - fc6 - fc7 - 64 maps, 8 times larger --- concatenated - four 5x5 - scale 2
  |                                                           |   stride 4               |
  +---- 9x9 stride 2 - pooling ------------------------------+                          | twice
  |                                                                                     | larger
  +---- 9x9 stride 2 ------------------------------------------- concatenated - three 5x5 - scale 3
                                                                       stride 2
"""

import keras

from fcn_keras.data_format import channels_last
from fcn_keras.layers import LeanHeNormal
from fcn_keras.models.alignment import SameAlignment, on_pixels
from fcn_keras.models.backbone import load_backbone, tap_of
from fcn_keras.models.init_from import begin_from, classifier_weights
from fcn_keras.models.inputs import assembled, one_stream
from fcn_keras.models.options import check_options
from fcn_keras.models.outputs import suffix_of, tasks_wanted

L = keras.layers
FILTERS = 64  # of all convolutions but the last of each scale
BESIDE = {2: 96, 3: 64}  # filters of the 9x9 convolution of a scale
BETWEEN = {2: 3, 3: 2}  # convolutions of 5x5 in front of the last of a scale


@channels_last()
def eigen_fergus(
    num_classes,
    classifier="vgg16",
    *,
    scales=3,
    weights="imagenet",
    input_shape=(None, None, 3),
    preprocess=None,
    init_from=None,
    new_classes=False,
    head_filters=None,
    dropout=None,
    batch_norm_momentum=0.9,
    labels=None,
    name="eigen_fergus",
):
    """Builds the three-scale net for depth, surface normals or classes.

    Scale 1 is the classifier with its fully connected layers, which tells the layout of the scene
    in 64 maps. Scale 2 makes a first answer of these and of features of the image at stride 4,
    scale 3 a finer one at stride 2, which is upsampled to the image. In the paper scales 1 and 2
    are trained together, then scale 3 alone: `scales=2` builds the first, and `init_from` brings
    it into the net of three, whose layers "scale3*" are new.

    The paper's fully connected layers look at an image of one size. Here they are convolutions with
    the window of the classifier, as in FCN, so that any size can be used.

    Args:
        num_classes: Number of classes, a task such as `fcn_keras.tasks.Depth()`, or
            {output: number or task}: outputs share scale 1 and have scales 2 and 3 of their own.
        classifier: As `fcn_keras.models.fcn`; the paper's are alexnet and vgg16.
        scales: 2 or 3.
        weights, input_shape, preprocess, new_classes: As `fcn_keras.models.fcn`.
        init_from: A net of the same kind, of two or three scales, whose weights it starts from.
        head_filters, dropout, batch_norm_momentum: As `fcn_keras.models.fcn`.
        labels: A `LabelSet` that travels with the model, or {output: LabelSet}.
        name: Name of the model.

    Returns:
        A functional `keras.Model`: pixels 0-255 (batch, H, W, C), any H and W, to float32 outputs
        (batch, H, W, channels). Layers are named "scale1", "scale2_image", "scale2_1", ...,
        "score_scale2", "scale3_image", ..., "score_scale3".

    Raises:
        ValueError: for arguments that do not fit, or a classifier with unpadded convolutions.
        FileNotFoundError: for weights that are neither here nor reachable.

    Example:

    ```python
    model = fcn_keras.eigen_fergus(fcn_keras.tasks.Depth(), "vgg_slim", weights=None)
    model(keras.ops.zeros((1, 97, 131, 3))).shape       # (1, 97, 131, 1)
    ```

    Source: Eigen, Fergus (2015), "Predicting Depth, Surface Normals and Semantic Labels with a
    Common Multi-Scale Convolutional Architecture", section 3 and figure 2.
    """
    tasks = tasks_wanted(num_classes, labels)
    check_options("eigen_fergus", {"scales": scales, "new_classes": new_classes})
    weights = classifier_weights(weights, init_from, new_classes)
    stream = one_stream(input_shape, preprocess, "eigen_fergus")
    backbone = load_backbone(
        stream,
        classifier,
        weights,
        SameAlignment,
        head_filters=head_filters,
        dropout=dropout,
        batch_norm_momentum=batch_norm_momentum,
    )
    if not backbone.nested:
        raise ValueError(
            "eigen_fergus needs a classifier with padded convolutions, such as vgg16 or alexnet; "
            f"those of {classifier if isinstance(classifier, str) else classifier.name!r} cost "
            "cells."
        )
    image, align = stream.image, SameAlignment([stream.image], True)
    layout = _convolved(backbone.deepest, FILTERS, 1, "scale1", "relu")
    outputs = {}
    for output, task in tasks.items():
        suffix = suffix_of(output)
        x = _refined(2, layout, image, task.channels, align, suffix)
        if scales == 3:
            x = _refined(3, x, image, task.channels, align, suffix)
        outputs[output] = on_pixels(align, x, image, task, suffix=suffix)
    model = assembled([stream], outputs, name)
    if init_from is not None:
        begin_from(model, init_from, new_classes)
    return model


def _refined(scale, coarse, image, channels, align, suffix):
    """The answer of a scale, a `Tap`, made of the coarser scale and the image."""
    padded = keras.Model(image, coarse.tensor).get_layer("pad").output
    x = _strided(padded, BESIDE[scale], f"scale{scale}_image{suffix}")
    if scale == 2:
        x = L.MaxPooling2D(2, name=f"scale2_pool{suffix}")(x)
    beside = tap_of(image, x)
    fine = align.upsampled(coarse, beside, False, f"upsample{scale}{suffix}")
    x = L.Concatenate(name=f"scale{scale}_concat{suffix}")([fine.tensor, beside.tensor])
    x = beside.with_tensor(x)
    for number in range(1, BETWEEN[scale] + 1):
        x = _convolved(x, FILTERS, 5, f"scale{scale}_{number}{suffix}", "relu")
    return _convolved(x, channels, 5, f"score_scale{scale}{suffix}")


def _strided(x, filters, name):
    """Features of the image at stride 2."""
    return L.Conv2D(
        filters,
        9,
        strides=2,
        padding="same",
        activation="relu",
        kernel_initializer=LeanHeNormal(),
        name=name,
    )(x)


def _convolved(tap, filters, window, name, activation=None):
    """A `Tap` after a convolution."""
    layer = L.Conv2D(
        filters,
        window,
        padding="same",
        activation=activation,
        kernel_initializer=LeanHeNormal() if activation else "glorot_uniform",
        name=name,
    )
    return tap.with_tensor(layer(tap.tensor))
