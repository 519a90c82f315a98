"""Convolutions with what follows them: a normalization and ReLU."""

import math

import keras

from fcn_keras.layers import LeanHeNormal

L = keras.layers
NORMALIZATIONS = ("batch", "group", "none")
GROUPS = 32
EPSILON = 1e-3  # Keras's, of BatchNormalization


def convolved(
    x,
    filters,
    window,
    name,
    *,
    padding="same",
    normalization="batch",
    use_bias=False,
    relu=True,
    rate=1,
    separable=False,
    momentum=None,
    epsilon=EPSILON,
):
    """Returns a map after a convolution, a normalization and ReLU.

    Weights start from a normal distribution of deviation sqrt(2 / N), with N inputs of a cell; of
    a separable convolution from Glorot's.

    Args:
        x: KerasTensor (batch, H, W, channels).
        filters: Number of filters.
        window: Rows and columns of a filter.
        name: Name of the convolution; the names of the other layers begin with it.
        padding: "same" or "valid".
        normalization: "batch", "group" (32 groups) or "none", where the convolution has biases.
        use_bias: Whether it has biases with a normalization too.
        relu: Whether ReLU follows.
        rate: Dilation of the filters.
        separable: Whether the convolution is depthwise separable.
        momentum, epsilon: Those of the BatchNormalization; a momentum of None is Keras's.
    """
    plain = normalization == "none"
    given = {
        "padding": padding,
        "dilation_rate": rate,
        "activation": "relu" if plain and relu else None,
        "use_bias": plain or use_bias,
        "name": name,
    }
    if separable:
        x = L.SeparableConv2D(filters, window, **given)(x)
    else:
        x = L.Conv2D(filters, window, kernel_initializer=LeanHeNormal(), **given)(x)
    if plain:
        return x
    x = normalized(x, name, normalization, momentum, epsilon)
    return L.ReLU(name=f"{name}_relu")(x) if relu else x


def normalized(x, name, normalization, momentum=None, epsilon=EPSILON):
    """Returns a map after a BatchNormalization or a GroupNormalization.

    Args:
        x, normalization, momentum, epsilon: As `convolved`; with "none" the map is returned as
            it is.
        name: Name of the convolution in front of it.
    """
    if normalization == "group":
        groups = math.gcd(GROUPS, x.shape[-1])
        return L.GroupNormalization(groups, epsilon=1e-5, name=f"{name}_gn")(x)
    if normalization == "batch":
        options = {} if momentum is None else {"momentum": momentum}
        return L.BatchNormalization(epsilon=epsilon, name=f"{name}_bn", **options)(x)
    return x


def convolved_twice(x, filters, name, **options):
    """Returns a map after two convolutions of 3x3, as U-Net has them at each level.

    Args:
        x, filters: As `convolved`.
        name: The convolutions are called `name_1` and `name_2`.
        **options: Those of `convolved`.
    """
    for number in (1, 2):
        x = convolved(x, filters, 3, f"{name}_{number}", **{"normalization": "none", **options})
    return x
