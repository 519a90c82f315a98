"""The conversion of Caffe's arrays to Keras's: the shapes that fit, and the order of their axes.

Filters are (out, in / groups, rows, columns) in Caffe and (rows, columns, in, out) in Keras.
"""

import math
from dataclasses import dataclass

import keras
import numpy as np

from fcn_keras.published.caffemodel import Blob
from fcn_keras.published.wire import CaffeModelError

L = keras.layers


@dataclass(frozen=True)
class Form:
    """The shapes that an array of a layer may have, and its conversion to the layer's weight.

    Attributes:
        weight: The Keras variable.
        shapes: Caffe's shapes that fit, the usual one first.
        arranged: A function from an array of one of these shapes to one of the weight's shape.
    """

    weight: object
    shapes: tuple
    arranged: object


def forms(layer, window=None):
    """Returns the `Form`s of the weights of a layer: its kernel, and its bias if it has one.

    Args:
        layer: Conv2D and its subclasses, Conv2DTranspose, or Dense.
        window: (rows, columns) of the map before the Flatten of a Dense, or None.
    """
    if isinstance(layer, L.Conv2DTranspose):
        kernel = _deconvolution(layer.kernel)
    elif isinstance(layer, L.Dense):
        kernel = _inner_product(layer.kernel, window)
    else:
        kernel = _convolution(layer.kernel)
    return [kernel] if layer.bias is None else [kernel, _bias(layer.bias)]


def normalization(layer):
    """Returns the `Form`s of caffe-segnet's BN layer, scale and shift, of a BatchNormalization."""
    return [_bias(layer.gamma), _bias(layer.beta)]


def _convolution(kernel):
    rows, columns, channels, filters = kernel.shape
    ordered = (filters, channels, rows, columns)
    flat = channels * rows * columns
    return Form(
        kernel,
        (ordered, (filters, flat), (1, 1, filters, flat)),
        lambda array: array.reshape(ordered).transpose(2, 3, 1, 0),
    )


def _inner_product(kernel, window):
    length, units = kernel.shape
    rows, columns = window or (1, 1)
    ordered = (units, length // (rows * columns), rows, columns)
    return Form(
        kernel,
        ((units, length), (1, 1, units, length), ordered),
        lambda array: array.reshape(ordered).transpose(2, 3, 1, 0).reshape(length, units),
    )


def _deconvolution(kernel):
    rows, columns, filters, channels = kernel.shape
    grouped = (n for n in range(filters - 1, 0, -1) if filters % n == 0)
    return Form(
        kernel,
        tuple((channels, n, rows, columns) for n in (filters, *grouped)),
        lambda array: ungrouped(array, filters).transpose(2, 3, 1, 0),
    )


def _bias(bias):
    (units,) = bias.shape
    shapes = ((units,), (1, 1, 1, units), (1, units), (1, 1, units), (1, units, 1, 1))
    return Form(bias, shapes, lambda array: array.reshape(units))


def ungrouped(array, filters):
    """Returns grouped deconvolution filters as filters (in, out, rows, columns) of one group."""
    channels, part, *size = array.shape
    if part == filters:
        return array
    groups = filters // part
    full = np.zeros((channels, filters, *size), array.dtype)
    for group in range(groups):
        inside = slice(group * channels // groups, (group + 1) * channels // groups)
        full[inside, group * part : (group + 1) * part] = array[inside]
    return full


def bilinear(size, factor):
    """Returns Caffe's bilinear filter of `size` rows and columns: triangles of height 1."""
    centre = factor - 1 if size % 2 else factor - 0.5
    triangle = 1 - np.abs(np.arange(size) - centre) / factor
    return np.outer(triangle, triangle)


def is_bilinear(array, factor):
    """Returns whether deconvolution filters only interpolate, each class by itself."""
    channels, part, rows, columns = array.shape
    if rows != columns or part not in (1, channels):
        return False
    wanted = np.zeros_like(array)
    wanted[np.arange(channels), np.arange(channels) % part] = bilinear(rows, factor)
    return bool(np.allclose(array, wanted, rtol=0, atol=1e-6))


def check(name, wanted, blobs, needs):
    """Raises CaffeModelError unless the arrays of Caffe's layer `name` have the wanted forms.

    Args:
        name: Caffe's layer.
        wanted: Its `Form`s.
        blobs: Its `Blob`s.
        needs: The name of the net, for the message.
    """
    fits = len(wanted) == len(blobs) and all(
        blob.shape in form.shapes for form, blob in zip(wanted, blobs, strict=True)
    )
    if not fits:
        raise CaffeModelError(
            f"layer {name!r}: {needs} needs {shown([f.shapes[0] for f in wanted])}, the file has "
            f"{shown([blob.shape for blob in blobs])}."
        )


def fill(form, blob: Blob):
    """Reads an array and assigns it to the weight, with at most one more copy in memory."""
    form.weight.assign(np.ascontiguousarray(form.arranged(blob.read())))


def shown(shapes):
    """Returns shapes in words: "64x3x3x3 and 64"."""
    return " and ".join("x".join(map(str, shape)) for shape in shapes) or "nothing"


def filters(blob):
    """Returns the number of filters of a convolution, or of units of an inner product."""
    shape = blob.shape
    return shape[2] if len(shape) == 4 and shape[:2] == (1, 1) else math.prod(shape[:1])


def squeezed(shape):
    """Returns the length of a vector with any axes of length 1, or None for another array."""
    return math.prod(shape) if sum(n > 1 for n in shape) <= 1 else None
