"""Atrous spatial pyramid pooling: a map convolved with holes of several sizes, and pooled whole."""

from functools import partial

import keras

from fcn_keras.layers import RepeatToReference
from fcn_keras.models.convolutions import convolved

L = keras.layers
EPSILON = 1e-5  # of BatchNormalization, in the authors' nets and in those of PyTorch


def atrous_pyramid(x, filters, rates, *, separable=False, momentum=None):
    """Returns a map that joins context of several sizes, up to the whole image.

    A 1x1 convolution, a 3x3 convolution with holes of each rate, and the mean of the whole map
    behind a 1x1 convolution are concatenated and mixed by a 1x1 convolution. Each convolution has
    BatchNormalization and ReLU.

    Args:
        x: KerasTensor (batch, H, W, channels).
        filters: Filters of each convolution.
        rates: Dilation of each 3x3 convolution.
        separable: Whether the 3x3 convolutions are depthwise separable.
        momentum: Momentum of the BatchNormalization; None for Keras's.

    Source: Chen, Papandreou, Schroff, Adam (2017), "Rethinking Atrous Convolution", section 3.3.
    """
    unit = partial(convolved, momentum=momentum, epsilon=EPSILON)
    parts = [unit(x, filters, 1, "aspp_1x1")]
    for rate in rates:
        parts.append(unit(x, filters, 3, f"aspp_rate{rate}", rate=rate, separable=separable))
    whole = L.GlobalAveragePooling2D(keepdims=True, name="aspp_mean")(x)
    whole = unit(whole, filters, 1, "aspp_image")
    parts.append(RepeatToReference(name="aspp_repeat")([whole, x]))
    return unit(L.Concatenate(name="aspp_concat")(parts), filters, 1, "aspp_project")
