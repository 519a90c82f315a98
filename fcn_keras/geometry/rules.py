"""The sampling rules: for each kind of layer, the grid of its output from those of its inputs.

A layer of your own describes itself (`SpatialLayer`); one of another package has its rule
registered (`register_rule`).
"""

import math
from dataclasses import replace
from fractions import Fraction

import keras

from fcn_keras.geometry.protocol import SpatialLayer, described

L = keras.layers

_RULES = {}
_WINDOWS = {
    (L.Conv2D, L.DepthwiseConv2D, L.SeparableConv2D): lambda layer: layer.kernel_size,
    (L.MaxPooling2D, L.AveragePooling2D): lambda layer: layer.pool_size,
}


def register_rule(layer_class, rule=None):
    """Registers the sampling rule of a layer of another package.

    A layer of your own can derive from `SpatialLayer` instead.

    Args:
        layer_class: The layer's class; its subclasses inherit the rule.
        rule: `rule(layer, grids, axis, shapes) -> Grid` for one axis (0: rows, 1: columns), where
            `grids` holds the `Grid` of each input on that axis and `shapes` their symbolic
            shapes. None: the layer works point by point and merges its inputs cell by cell.

    Example:

    ```python
    fcn_keras.geometry.register_rule(MyLayerScale)           # point by point
    fcn_keras.geometry.register_rule(                        # a 3x3 window, zero-padded
        MyConv, lambda layer, grids, axis, shapes: grids[0].window(3, before=1)
    )
    ```
    """
    _RULES[layer_class] = rule or _pointwise


def apply(operation, grids, axis, shapes):
    """Returns the grid of an operation's outputs on one axis.

    Args:
        operation: A layer, or an operation of keras.ops.
        grids: The `Grid` of each input on this axis.
        axis: 0 for rows, 1 for columns.
        shapes: The shape of each input.

    Raises:
        ValueError: naming the layer, where no rule is known, or where branches of different
            strides meet.
    """
    if isinstance(operation, SpatialLayer):
        return operation.sampling_rule(grids, axis)
    for kind in type(operation).__mro__:
        if kind in _RULES:
            return _RULES[kind](operation, grids, axis, shapes)
    name, of_keras = type(operation).__name__, type(operation).__module__.startswith("keras.")
    if of_keras and name in _APPLICATIONS:
        return _pointwise(operation, grids, axis, shapes)
    if not isinstance(operation, L.Layer) and name in _POINTWISE_OPS:
        return _pointwise(operation, grids, axis, shapes)
    raise ValueError(
        f"The geometry of layer {operation.name!r} ({type(operation).__name__}) is not known. "
        "If it works point by point, call "
        f"fcn_keras.geometry.register_rule({type(operation).__name__}); else pass its rule too, "
        "or derive the layer from fcn_keras.geometry.SpatialLayer."
    )


def same_padding(size, window, stride):
    """Returns the cells that SAME padding adds before the first, by TensorFlow's rule.

    An open size is taken as a multiple of the stride, which the builders of this package ensure.
    """
    rest = stride if size is None or size % stride == 0 else size % stride
    return max(window - rest, 0) // 2


def pads(operation):
    """Returns whether an operation adds cells at the border of its map.

    A "same" window of one cell adds none.
    """
    if isinstance(operation, L.ZeroPadding2D):
        return True
    for kinds, size in _WINDOWS.items():
        if isinstance(operation, kinds):
            return operation.padding == "same" and max(size(operation)) > 1
    return described(operation).pads


def _window(layer, grids, axis, shapes, size, stride, dilation=1):
    _channels_last(layer)
    before = 0
    if layer.padding == "same":
        before = same_padding(shapes[0][1 + axis], (size - 1) * dilation + 1, stride)
    return grids[0].window(size, stride, dilation, before)


def _conv(layer, grids, axis, shapes):
    return _window(
        layer,
        grids,
        axis,
        shapes,
        layer.kernel_size[axis],
        layer.strides[axis],
        layer.dilation_rate[axis],
    )


def _pool(layer, grids, axis, shapes):
    return _window(layer, grids, axis, shapes, layer.pool_size[axis], layer.strides[axis])


def _conv_transpose(layer, grids, axis, shapes):
    _channels_last(layer)
    size, stride = layer.kernel_size[axis], layer.strides[axis]
    if size < stride or layer.dilation_rate[axis] != 1 or layer.output_padding is not None:
        raise ValueError(
            f"The geometry of the transposed convolution {layer.name!r} is not defined: kernel "
            f"{size}, stride {stride}, dilation {layer.dilation_rate[axis]}, output_padding "
            f"{layer.output_padding}. The kernel must cover the stride, without dilation and "
            "output_padding."
        )
    before = (size - stride) // 2 if layer.padding == "same" else 0
    return grids[0].transposed(size, stride, before)


def _zero_padding(layer, grids, axis, shapes):
    _channels_last(layer)
    return grids[0].shifted(-layer.padding[axis][0])


def _cropping(layer, grids, axis, shapes):
    _channels_last(layer)
    return grids[0].shifted(layer.cropping[axis][0])


def _upsampling(layer, grids, axis, shapes):
    _channels_last(layer)
    factor = layer.size[axis]
    if layer.interpolation == "nearest":
        return grids[0].resample(factor, 1, lambda r: [r // factor])
    if layer.interpolation != "bilinear":
        raise ValueError(
            f"The geometry of {layer.name!r} is not known for interpolation "
            f"{layer.interpolation!r}; 'nearest' and 'bilinear' are."
        )
    return interpolated(grids[0], factor, Fraction(factor - 1, 2))


def interpolated(grid, factor, offset):
    """Returns the grid after linear interpolation.

    Output p reads the map at (p - offset) / factor.
    """

    def cells(r):
        place = (r - Fraction(offset)) / factor
        return range(math.floor(place), math.ceil(place) + 1)

    return grid.resample(factor, 1, cells)


def _global(layer, grids, axis, shapes):
    return grids[0].gone()


def _reshape(layer, grids, axis, shapes):
    if grids[0].collapsed:
        return grids[0]
    if len(shapes[0]) == 4 and tuple(layer.target_shape[:2]) == tuple(shapes[0][1:3]):
        return grids[0]
    raise ValueError(
        f"The layer {layer.name!r} reshapes a map of shape {shapes[0]} to {layer.target_shape}: "
        "its cells no longer have a place in the image."
    )


def _concatenate(layer, grids, axis, shapes):
    rank = len(shapes[0])
    if rank == 4 and layer.axis % rank != rank - 1:
        raise ValueError(
            f"The layer {layer.name!r} concatenates along axis {layer.axis}: only the channel "
            "axis (-1) keeps the cells in place."
        )
    return _pointwise(layer, grids, axis, shapes)


def _pointwise(layer, grids, axis, shapes):
    merged = grids[0].union(*grids[1:])
    if merged is None:
        strides = sorted({grid.stride for grid in grids if not grid.collapsed})
        raise ValueError(
            f"Branches of different strides meet in layer {layer.name!r}: "
            f"{' and '.join(map(str, strides))} input pixels a cell."
        )
    return merged


def _normalized(layer, grids, axis, shapes):
    """Point by point, unless the statistics are taken over the image."""
    merged = _pointwise(layer, grids, axis, shapes)
    rank = len(shapes[0])
    if isinstance(layer, L.GroupNormalization):
        over_image = rank == 4
    else:
        axes = keras.tree.flatten(layer.axis)
        over_image = rank == 4 and any(a % rank in (1, 2) for a in axes)
    return replace(merged, unbounded=True) if over_image else merged


def _channels_last(layer):
    if layer.data_format != "channels_last":
        raise ValueError(
            f"The layer {layer.name!r} is channels_first; fcn_keras works channels_last. "
            "Build the model with keras.config.set_image_data_format('channels_last')."
        )


# Layers of keras.applications that have no public name; all work point by point.
_APPLICATIONS = frozenset({"CustomScaleLayer", "LayerScale", "StochasticDepth"})

for _class in (L.Conv2D, L.DepthwiseConv2D, L.SeparableConv2D):
    register_rule(_class, _conv)
for _class in (L.MaxPooling2D, L.AveragePooling2D):
    register_rule(_class, _pool)
for _class in (L.GlobalAveragePooling2D, L.GlobalMaxPooling2D, L.Flatten):
    register_rule(_class, _global)
register_rule(L.Conv2DTranspose, _conv_transpose)
register_rule(L.ZeroPadding2D, _zero_padding)
register_rule(L.Cropping2D, _cropping)
register_rule(L.UpSampling2D, _upsampling)
register_rule(L.Reshape, _reshape)
register_rule(L.Concatenate, _concatenate)
for _class in (L.GroupNormalization, L.LayerNormalization, L.UnitNormalization, L.Softmax):
    register_rule(_class, _normalized)
for _class in (
    L.Activation, L.ReLU, L.LeakyReLU, L.PReLU, L.ELU, L.BatchNormalization, L.Normalization,
    L.Rescaling, L.Dropout, L.SpatialDropout2D, L.GaussianNoise, L.GaussianDropout, L.AlphaDropout,
    L.ActivityRegularization, L.Identity, L.Dense, L.EinsumDense,
    L.Add, L.Subtract, L.Multiply, L.Average, L.Maximum, L.Minimum,
):  # fmt: skip
    register_rule(_class)

_POINTWISE_OPS = frozenset(
    "Abs Absolute Add Cast Clip Divide Elu Exp Gelu HardSigmoid HardSwish HardSilu LeakyRelu Log "
    "Maximum Minimum Multiply Negative Power Relu Relu6 Rsqrt Selu Sigmoid Silu Softplus Sqrt "
    "Square Subtract Swish Tanh TrueDivide".split()
)
