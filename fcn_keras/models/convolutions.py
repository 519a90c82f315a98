"""The two 3x3 convolutions that U-Net has at each level, on both sides."""

import keras

from fcn_keras.layers import LeanHeNormal

L = keras.layers


def convolved_twice(x, filters, name, *, padding="same", batch_norm=False, momentum=None):
    """Returns a map after two convolutions of 3x3, each with ReLU.

    Weights start from a normal distribution of deviation sqrt(2 / N), with N inputs of a cell.

    Args:
        x: KerasTensor (batch, H, W, channels).
        filters: Number of filters of both.
        name: The convolutions are called `name_1` and `name_2`; other names begin with these.
        padding: "same" or "valid", where each convolution takes one cell from each side.
        batch_norm: Whether BatchNormalization takes the place of the biases.
        momentum: Momentum of the BatchNormalization; None for Keras's.
    """
    options = {} if momentum is None else {"momentum": momentum}
    for number in (1, 2):
        unit = f"{name}_{number}"
        x = L.Conv2D(
            filters,
            3,
            padding=padding,
            activation=None if batch_norm else "relu",
            use_bias=not batch_norm,
            kernel_initializer=LeanHeNormal(),
            name=unit,
        )(x)
        if batch_norm:
            x = L.BatchNormalization(name=f"{unit}_bn", **options)(x)
            x = L.ReLU(name=f"{unit}_relu")(x)
    return x
