"""Casting: the layers after a classifier's Flatten or global pooling become convolutions."""

from dataclasses import dataclass

import keras
import numpy as np

from fcn_keras.layers import WindowConv2D

L = keras.layers

_PER_CELL = (
    L.Activation, L.ReLU, L.LeakyReLU, L.ELU, L.Dropout, L.GaussianDropout, L.GaussianNoise,
    L.AlphaDropout, L.Identity, L.Rescaling, L.ActivityRegularization,
    L.Add, L.Subtract, L.Multiply, L.Average, L.Maximum, L.Minimum,
)  # fmt: skip
_ON_CHANNELS = (L.BatchNormalization, L.LayerNormalization, L.Softmax, L.Concatenate)
_FINAL = ("softmax", "sigmoid", "log_softmax")


@dataclass
class FlatMap:
    """A map in place of its flattened vector, until a Dense gives each cell its weights.

    `scale` and `shift`, of the vector's length, are a BatchNormalization met on the way.
    """

    tensor: keras.KerasTensor
    window: tuple
    scale: np.ndarray | None = None
    shift: np.ndarray | None = None


def gather(layer, features, window):
    """Returns the map in place of a Flatten or a global pooling: a `FlatMap`, or a pooled map."""
    if isinstance(layer, L.Flatten):
        return FlatMap(features, window)
    average = isinstance(layer, L.GlobalAveragePooling2D)
    pooling = L.AveragePooling2D if average else L.MaxPooling2D
    return pooling(window, strides=1, dtype=layer.dtype_policy, name=layer.name)(features)


def cast(layer, args, kwargs, copier, *, linear=False, padding="valid", name=None):
    """Calls on maps the convolutional form of a layer that worked on vectors.

    Args:
        layer: A layer after the gathering one.
        args: Its arguments: maps, or a `FlatMap`.
        kwargs: Its keyword arguments.
        copier: A `Copier`.
        linear: Whether a final softmax or sigmoid is left out.
        padding: For the convolution that a Dense after Flatten becomes.
        name: Name of the convolution that a Dense becomes; its own by default.

    Returns:
        The resulting map, or `FlatMap`.

    Raises:
        ValueError: naming the layer and why it cannot be cast.
    """
    flat = args[0] if isinstance(args[0], FlatMap) else None
    if isinstance(layer, L.Dense):
        return _cast_dense(layer, args[0], copier, linear, padding, name or layer.name)
    if flat is not None:
        return _cast_flat(layer, flat, kwargs, copier)
    if isinstance(layer, (L.Flatten, L.Reshape)):
        return _same_place(layer, args[0])
    if linear and _is_final(layer):
        return args[0]
    if isinstance(layer, L.Conv2D) and set(layer.kernel_size) == {1}:
        return copier.call(layer, args, kwargs)
    if isinstance(layer, _PER_CELL):
        return copier.call(layer, args, kwargs)
    if isinstance(layer, _ON_CHANNELS):
        return copier.call(layer, args, kwargs, axis=-1)
    raise _cannot(layer, "it is none of the layers whose convolutional form is known")


def _cast_dense(layer, value, copier, linear, padding, name):
    kernel = keras.ops.convert_to_numpy(layer.kernel)
    bias = keras.ops.convert_to_numpy(layer.bias) if layer.use_bias else None
    size, x = (1, 1), value
    if isinstance(value, FlatMap):
        size, x = value.window, value.tensor
        if value.scale is not None:
            bias = (0 if bias is None else bias) + value.shift @ kernel
            kernel = value.scale[:, None] * kernel
    final = linear and keras.activations.serialize(layer.activation) in _FINAL
    convolution = copier.new(
        name,
        lambda free: WindowConv2D(
            layer.units,
            size,
            padding=padding,
            activation="linear" if final else layer.activation,
            use_bias=bias is not None,
            kernel_regularizer=layer.kernel_regularizer,
            bias_regularizer=layer.bias_regularizer,
            dtype=layer.dtype_policy,
            trainable=layer.trainable,
            kernel_initializer="zeros",
            name=free,
        ),
        key=layer,
    )
    result = convolution(x)
    channels = kernel.shape[0] // (size[0] * size[1])
    kernel = kernel.reshape(*size, channels, layer.units)
    convolution.set_weights([kernel] if bias is None else [kernel, bias])
    return result


def _cast_flat(layer, flat, kwargs, copier):
    if isinstance(layer, L.BatchNormalization) and flat.scale is None:
        mean, variance = (
            keras.ops.convert_to_numpy(w) for w in (layer.moving_mean, layer.moving_variance)
        )
        gamma = keras.ops.convert_to_numpy(layer.gamma) if layer.scale else 1.0
        beta = keras.ops.convert_to_numpy(layer.beta) if layer.center else 0.0
        scale = gamma / np.sqrt(variance + layer.epsilon)
        return FlatMap(flat.tensor, flat.window, scale, beta - mean * scale)
    if isinstance(layer, L.Dropout):
        return FlatMap(
            copier.call(layer, (flat.tensor,), kwargs), flat.window, flat.scale, flat.shift
        )
    if isinstance(layer, _PER_CELL) and flat.scale is None:
        return FlatMap(copier.call(layer, (flat.tensor,), kwargs), flat.window)
    raise _cannot(
        layer, "it works on the flattened vector, where every cell of the map has its own weights"
    )


def _same_place(layer, x):
    target = layer.target_shape if isinstance(layer, L.Reshape) else (-1,)
    if all(n == 1 for n in target[:-1]):
        return x
    raise _cannot(layer, f"it reshapes the vector to {target}")


def _is_final(layer):
    if not isinstance(layer, L.Activation):
        return isinstance(layer, L.Softmax)
    return keras.activations.serialize(layer.activation) in _FINAL


def _cannot(layer, reason):
    return ValueError(
        f"The layer {layer.name!r} ({type(layer).__name__}) cannot be made convolutional: {reason}."
    )
