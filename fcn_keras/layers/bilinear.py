"""Bilinear upsampling at any phase: an initializer of transposed convolutions, and a fixed layer.

Output p of an upsampling by f with offset d reads the map at (p - d) / f.
"""

import math

import keras
import numpy as np
from keras import ops

from fcn_keras.checks import one_of, whole_number
from fcn_keras.geometry.protocol import SpatialLayer
from fcn_keras.geometry.rules import interpolated


def bilinear_placement(factor, offset=None):
    """Returns how a transposed convolution is padded and cropped to upsample at a given phase.

    Args:
        factor: Upsampling factor f, an int of at least 1.
        offset: The output position d that lies on the map's first cell, in output pixels; any
            real number. Default (f - 1) / 2, which keeps the map centred (half-pixel centres).

    Returns:
        `(pad, kernel_size, crop)`: cells of edge padding (before, after), the kernel's size, and
        output pixels to crop (before, after), so that pad, `Conv2DTranspose(strides=factor,
        padding="valid")` and crop turn n cells into exactly n * f pixels.

    Example:

    ```python
    from fcn_keras.layers.bilinear import bilinear_placement

    bilinear_placement(2)        # ((1, 1), 4, (3, 3))
    bilinear_placement(32, 31)   # ((1, 0), 63, (32, 31))
    ```
    """
    offset = _default_offset(factor) if offset is None else offset
    centre = _kernel_centre(factor, offset)
    size = math.floor(centre + factor - 1e-9) + 1
    before = max(0, math.ceil(offset / factor))
    after = max(0, 1 + math.ceil((-1 - offset) / factor))
    first = round(factor * before + centre - offset)
    last = factor * (before + after - 1) + size - first
    return (before, after), size, (first, last)


@keras.saving.register_keras_serializable("fcn_keras")
class BilinearInitializer(keras.initializers.Initializer):
    """Initializes a `Conv2DTranspose` as bilinear interpolation, class by class.

    The kernel (height, width, filters out, filters in) is a separable triangle on the diagonal
    of the class x class matrix and zero elsewhere.

    Args:
        factor: Upsampling factor, the layer's stride: an int, or (rows, columns).
        offset: Phase in output pixels, or (rows, columns); see `bilinear_placement`. Default
            (factor - 1) / 2.

    Raises:
        ValueError: when called for a kernel with unequal numbers of input and output filters.

    Example:

    ```python
    keras.layers.Conv2DTranspose(
        21, 4, strides=2, use_bias=False,
        kernel_initializer=fcn_keras.layers.BilinearInitializer(2),
    )
    ```

    Source: Long et al. (2015), section 4.3: "initialized to bilinear interpolation".
    """

    def __init__(self, factor, offset=None):
        self.factor = factor
        self.offset = offset

    def __call__(self, shape, dtype=None):
        height, width, filters_out, filters_in = shape
        if filters_out != filters_in:
            raise ValueError(
                "Bilinear upsampling keeps the number of channels; got a kernel from "
                f"{filters_in} to {filters_out} channels. Set `filters` to the input's channels."
            )
        factors, offsets = _pair(self.factor), _pair(self.offset)
        rows = _triangle(factors[0], offsets[0], height)
        columns = _triangle(factors[1], offsets[1], width)
        kernel = np.zeros(shape, "float32")
        diagonal = np.arange(filters_in)
        kernel[:, :, diagonal, diagonal] = np.outer(rows, columns)[:, :, None]
        return ops.cast(kernel, dtype or keras.config.floatx())

    def get_config(self):
        return {"factor": self.factor, "offset": self.offset}


@keras.saving.register_keras_serializable("fcn_keras")
class BilinearUpsampling2D(SpatialLayer, keras.layers.Layer):
    """Upsamples a map bilinearly, with one fixed filter for all channels, at any phase.

    The result is that of `Conv2DTranspose` with a frozen `BilinearInitializer` kernel, without the
    class x class kernel. It is computed as two matrix products, one along each axis, which is
    faster on every backend than a transposed convolution with the classes folded into the batch.

    Args:
        factor: Upsampling factor, an int of at least 1.
        offset: Phase (rows, columns) or one number, in output pixels: output p reads the map at
            (p - offset) / factor. Default (factor - 1) / 2, which agrees with
            `keras.ops.image.resize(..., "bilinear")`.
        edge: "replicate": n cells become n * factor pixels and a constant map stays constant to
            the border. "zero": the published nets' transposed convolution without padding, whose
            pixels fade to zero at the border. Its `offset` is the centre of the kernel:
            factor - 0.5 (the default; a kernel of 2 * factor, n cells become (n + 1) * factor
            pixels) or factor - 1 (2 * factor - 1, one pixel fewer).

    Input shape: (batch, H, W, channels). Output: (batch, H * factor, W * factor, channels),
    or (batch, (H + 1) * factor, (W + 1) * factor, channels) for "zero". Called on
    `[map, reference]` the output has the reference's height and width instead: for nets whose
    unpadded convolutions make the grids of the strides not nest.

    Raises:
        ValueError: for a factor below 1, an unknown edge, or an offset that "zero" does not have.

    Example:

    ```python
    fcn_keras.layers.BilinearUpsampling2D(8)(keras.ops.ones((1, 4, 5, 21))).shape  # (1, 32, 40, 21)
    ```

    Source: Long et al. (2015), sections 3.3 and 4.3 (final upsampling fixed to bilinear).
    """

    def __init__(self, factor, offset=None, edge="replicate", **kwargs):
        super().__init__(**kwargs)
        one_of("edge", edge, ("replicate", "zero"))
        factor = whole_number("factor", factor)
        if edge == "zero" and not {*_pair(offset)} <= {None, factor - 0.5, factor - 1}:
            raise ValueError(
                f"edge='zero' has the offset {factor - 0.5} or {factor - 1} at factor {factor}, "
                f"got {offset!r}."
            )
        self.factor = factor
        self.offset = offset
        self.edge = edge

    def call(self, inputs):
        # Columns first, while the map is small.
        x, *reference = inputs if isinstance(inputs, (list, tuple)) else (inputs,)
        batch, rows, columns = ops.shape(x)[:3]
        channels = x.shape[3]
        tall, wide = (
            ops.shape(reference[0])[1:3]
            if reference
            else (self._upsampled(rows, 0), self._upsampled(columns, 1))
        )
        row_offset, column_offset = self._offsets()
        right = self._matrix(columns, wide, column_offset, x.dtype)
        left = self._matrix(rows, tall, row_offset, x.dtype)
        x = ops.matmul(right, ops.reshape(x, (batch * rows, columns, channels)))
        wide = ops.shape(right)[0]
        x = ops.matmul(left, ops.reshape(x, (batch, rows, wide * channels)))
        return ops.reshape(x, (batch, ops.shape(left)[0], wide, channels))

    def _upsampled(self, cells, axis):
        if self.edge == "replicate":
            return cells * self.factor
        return (cells - 1) * self.factor + self._kernel_size(axis)

    def _kernel_size(self, axis):
        """The kernel size of the transposed convolution that edge="zero" stands for."""
        return int(2 * self._offsets()[axis] + 1)

    def _matrix(self, cells, outputs, offset, dtype):
        """The weight of each cell in each output: (outputs, cells), triangles of height 1."""
        places = (ops.arange(outputs, dtype="float32") - offset) / self.factor
        if self.edge == "replicate":
            places = ops.clip(places, 0, ops.cast(cells - 1, "float32"))
        cells = ops.arange(cells, dtype="float32")
        return ops.cast(ops.relu(1 - ops.abs(places[:, None] - cells)), dtype)

    def _offsets(self):
        default = self.factor - 0.5 if self.edge == "zero" else _default_offset(self.factor)
        return tuple(default if d is None else d for d in _pair(self.offset))

    def compute_output_shape(self, input_shape):
        if isinstance(input_shape[0], (list, tuple)):
            shape, reference = input_shape
            return (shape[0], *reference[1:3], shape[3])
        rows, columns = (
            None if n is None else self._upsampled(n, axis)
            for axis, n in enumerate(input_shape[1:3])
        )
        return (input_shape[0], rows, columns, input_shape[3])

    def multiply_adds(self, input_shape):
        """Returns the multiply-adds of the two matrix products for one image."""
        _, rows, columns, channels = input_shape
        _, tall, wide, _ = self.compute_output_shape(input_shape)
        return channels * wide * rows * (columns + tall)

    def sampling_rule(self, grids, axis):
        if self.edge == "zero":
            return grids[0].transposed(self._kernel_size(axis), self.factor)
        return interpolated(grids[0], self.factor, self._offsets()[axis])

    def get_config(self):
        return {
            **super().get_config(),
            "factor": self.factor,
            "offset": self.offset,
            "edge": self.edge,
        }


def _pair(value):
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)


def _default_offset(factor):
    return (factor - 1) / 2


def _kernel_centre(factor, offset):
    fraction = offset - math.floor(offset)
    return factor - 1 + (fraction if fraction > 1e-9 else 0.0)


def _triangle(factor, offset, size):
    centre = _kernel_centre(factor, _default_offset(factor) if offset is None else offset)
    return np.maximum(0, 1 - np.abs(np.arange(size) - centre) / factor)
