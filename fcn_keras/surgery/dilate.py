"""Filter rarefaction: strides of a net removed and later kernels dilated, with the same weights.

DeepLab calls the result an output stride. A map from which the factor k was removed has, k cells
apart, the cells that it had.
"""

import math
from dataclasses import dataclass, replace

import keras

from fcn_keras.geometry.field import trace
from fcn_keras.geometry.graph import functional, walk
from fcn_keras.geometry.protocol import described
from fcn_keras.geometry.rules import pads
from fcn_keras.layers import CeilPooling2D, DilatedPooling2D, PadToMultiple, WindowConv2D
from fcn_keras.surgery.copying import Copier, give_weights
from fcn_keras.surgery.window_axis import CONVOLUTIONS, POOLINGS, WindowAxis

L = keras.layers

IN_CELLS = (L.ZeroPadding2D, L.Cropping2D, PadToMultiple)
NONE = (1, 1)
MARGIN = 8


def dilate(model, to_stride):
    """Removes strides of a net and dilates the kernels after them (filter rarefaction, "à trous").

    The map of the result has stride `to_stride`, and every k-th cell of it, where k is the factor
    removed, equals the model's: to the border, for images that the model's stride divides (and of
    any size for a net without padding). The cells between are those of the model on shifted
    images, as `fcn_keras.inference.shift_and_stitch` computes them; they differ only where padding
    is within a cell's receptive field. Receptive fields stay as they are; the work grows with the
    number of cells.

    Where a "same" padding would no longer be the same, it becomes a ZeroPadding2D (for pooling,
    a part of `DilatedPooling2D`). The statistics of GroupNormalization and of
    squeeze-and-excitation are taken over the finer map, so that nets with them (EfficientNet,
    MobileNetV3) keep their weights but not exactly their numbers.

    Args:
        model: A functional Keras model (or built Sequential) with image input (batch, H, W, C)
            and maps for outputs, such as `convolutionalize` gives or a classifier without its
            top. It is not changed: layers and weights are copied.
        to_stride: Pixels from one cell of the deepest output to the next, a divisor of the
            model's stride. Outputs of a finer stride keep theirs.

    Returns:
        A functional `keras.Model` with the model's inputs and outputs. For a net whose padding
        preserves sizes, a deepest map of k h x k w cells for the model's h x w; for one without
        padding, as many as fit.

    Raises:
        ValueError: if `to_stride` is no divisor of the model's stride or cannot be reached; for
            Flatten and an output after global pooling (pass the convolutional part); for layers
            that cannot be dilated, such as a Conv2DTranspose after a removed stride. The message
            names the layer.

    Example:

    ```python
    trunk = fcn_keras.classifiers.vgg_slim(include_top=False)
    dense = fcn_keras.surgery.dilate(trunk, to_stride=8)
    trunk.compute_output_shape((1, 64, 96, 3))      # (1, 2, 3, 128)
    dense.compute_output_shape((1, 64, 96, 3))      # (1, 8, 12, 128)
    ```

    Source: Long et al. (2015), section 3.2; Chen et al., "DeepLab" (2018), section 3.1.
    """
    graph = functional(model)
    inputs = [
        keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=tensor.name)
        for tensor in graph.inputs
    ]
    outputs = rarefied(model, inputs, to_stride)
    return keras.Model(
        keras.tree.pack_sequence_as(graph.input, inputs),
        keras.tree.pack_sequence_as(graph.output, outputs),
        name=f"{model.name}_stride{to_stride}",
    )


def rarefied(model, inputs, to_stride, copier=None):
    """Returns the outputs of a model on `inputs`, the deepest at stride `to_stride`.

    Args:
        model: As for `dilate`.
        inputs: KerasTensors, one for each input of the model. Open sizes are taken for multiples
            of the model's stride.
        to_stride: As for `dilate`.
        copier: A `Copier`; a new one by default. It changes layers that work cell by cell, not
            convolutions, pooling, padding and cropping.

    Returns:
        The list of output tensors.

    Raises:
        ValueError: as `dilate`.
    """
    found, outputs = trace(model)
    _check(model, outputs, to_stride)
    found, outputs = trace(model, _size(found, outputs, inputs[0]))
    copier = copier or Copier(taken=[x.name for x in inputs])
    rarefier = _Rarefier(found, inputs, to_stride, copier)
    results = walk(model, inputs, rarefier)
    for traced, result in zip(outputs, results, strict=True):
        _reached(traced, rarefier.strides(traced, result), to_stride)
    return results


def _check(model, outputs, to_stride):
    for traced in outputs:
        if traced.grids[0].collapsed:
            raise ValueError(
                f"The output {traced.operation.name!r} of {model.name!r} is one vector for the "
                "whole image, not a map. Pass the convolutional part: a classifier built with "
                "include_top=False, or fcn_keras.convolutionalize(classifier)."
            )
    strides = {grid.stride for traced in outputs for grid in traced.grids}
    deepest = max(strides)
    if not isinstance(to_stride, int) or to_stride < 1 or (deepest / to_stride).denominator != 1:
        divisors = [n for n in range(1, math.floor(deepest) + 1) if not deepest % n]
        raise ValueError(
            f"to_stride={to_stride!r} is no divisor of the stride of {model.name!r}, {deepest}: "
            f"one of {divisors or 'none'} is."
        )


def _size(found, outputs, image):
    """(H, W) of an image with room for every cell, its open sides multiples of the stride."""
    grids = [grid for traced in found for grid in traced.grids if not grid.collapsed]
    stride = math.ceil(max(grid.stride for traced in outputs for grid in traced.grids))
    field = max(last - first + 1 for grid in grids for first, last in grid.spans)
    side = stride * (MARGIN + math.ceil(field / stride))
    return tuple(n or side for n in image.shape[1:3])


def _reached(traced, strides, to_stride):
    for grid, stride in zip(traced.grids, strides, strict=True):
        if stride != min(grid.stride, to_stride):
            raise ValueError(
                f"The stride {to_stride} cannot be reached: the output {traced.operation.name!r} "
                f"of stride {grid.stride} would have {stride}. Choose a product of the strides "
                "of the first layers."
            )


class _Rarefier:
    """The `call` of a walk that puts each layer into the finer net.

    Args:
        found: All tensors that `geometry.field.trace` found in the model, inputs first.
        inputs: The tensors that the walk begins with.
        to_stride: Strides that lead beyond it are removed.
        copier: A `Copier`.
    """

    def __init__(self, found, inputs, to_stride, copier):
        self._steps = iter(found[len(inputs) :])
        self._to_stride = to_stride
        self._copier = copier
        self._removed = {id(x): (x, NONE) for x in inputs}
        self._copies = {}
        self._zeros = []
        self._padded = any(pads(traced.operation) for traced in found)

    def strides(self, traced, tensor):
        """Returns the pixels from one cell of `tensor` to the next, (rows, columns)."""
        removed = self._removed[id(tensor)][1]
        return tuple(g.stride / k for g, k in zip(traced.grids, removed, strict=True))

    def __call__(self, node, args, kwargs):
        traced = [next(self._steps) for _ in node.outputs][0]
        layer = node.operation
        removed = self._common(layer, (args, kwargs))
        if traced.grids[0].collapsed:
            if isinstance(layer, L.Flatten):
                raise _cannot(layer, "its weights are bound to the cells of the coarse map")
            result, removed = self._copier.call(layer, args, kwargs), None
        elif isinstance(layer, CONVOLUTIONS + POOLINGS):
            result, removed = self._window(layer, traced, removed, args, kwargs)
        elif isinstance(layer, IN_CELLS):
            config = {**layer.get_config(), **_rescaled(layer, removed)}
            result = self._made(layer, type(layer), config)(*args, **kwargs)
        elif removed == NONE:
            self._check_stride(layer, traced)
            result = self._copier.call(layer, args, kwargs)
        elif _stays(layer, traced):
            result = self._copier.call(layer, args, kwargs)
        else:
            raise _cannot(layer, "it moves or resamples cells, and strides before it were removed")
        for tensor in keras.tree.flatten(result):
            self._removed[id(tensor)] = (tensor, removed)
        return result

    def _check_stride(self, layer, traced):
        """Raises ValueError for a layer whose own stride would have to be removed."""
        for axis in (0, 1):
            before = [parent.grids[axis].stride for parent in traced.parents]
            stride = traced.grids[axis].stride
            if stride > self._to_stride and all(n is not None and n < stride for n in before):
                raise _cannot(
                    layer,
                    f"it leads to stride {stride}, and only strides of convolutions and poolings "
                    "can be removed",
                )

    def _common(self, layer, given):
        """The factor removed from the layer's inputs; None for inputs without a map."""
        known = [self._removed.get(id(value), (None, None)) for value in keras.tree.flatten(given)]
        factors = {removed for _, removed in known if removed is not None}
        if len(factors) > 1:
            raise _cannot(
                layer,
                f"strides of {' and '.join(map(str, sorted(factors)))} (rows, columns) were "
                "removed from the branches that meet in it",
            )
        return factors.pop() if factors else None

    def _window(self, layer, traced, removed, args, kwargs):
        """A convolution or pooling: its stride removed as far as needed, its window dilated."""
        room = (self._to_stride, self._padded)
        axes = [WindowAxis(layer, traced, axis, removed[axis], *room) for axis in (0, 1)]
        left = tuple(axis.left for axis in axes)
        if removed == NONE and left == tuple(layer.strides):
            return self._called(layer, type(layer), layer.get_config(), args, kwargs), removed
        dilation = tuple(axis.dilation for axis in axes)
        zeros, ignored = zip(*(axis.padding() for axis in axes), strict=True)
        if isinstance(layer, CONVOLUTIONS):
            zeros = tuple(_sum(pair, more) for pair, more in zip(zeros, ignored, strict=True))
            result = self._convolved(layer, args[0], axes, zeros, kwargs)
        else:
            pooling = {
                "pool_size": layer.pool_size,
                "strides": left,
                "dilation_rate": dilation,
                "padding": ignored,
                "mode": "average" if _averages(layer) else "max",
            }
            x = self._zero_padded(layer, args[0], zeros)
            result = self._made(layer, DilatedPooling2D, _named(layer, pooling))(x)
        gained = (s // n for s, n in zip(layer.strides, left, strict=True))
        return result, tuple(k * more for k, more in zip(removed, gained, strict=True))

    def _convolved(self, layer, x, axes, zeros, kwargs):
        left, dilation = tuple(a.left for a in axes), tuple(a.dilation for a in axes)
        if any(s > 1 and d > 1 for s, d in zip(left, dilation, strict=True)):
            raise _cannot(
                layer,
                f"strides of {left} stay where strides before it were removed, and a "
                "convolution has either strides or dilation; choose another to_stride",
            )
        reaches = [(axis.size - 1) * axis.dilation for axis in axes]
        same = left == NONE and all(
            pair == (reach // 2, reach - reach // 2)
            for pair, reach in zip(zeros, reaches, strict=True)
        )
        changes = {
            "strides": left,
            "dilation_rate": dilation,
            "padding": "same" if same else "valid",
        }
        if not same:
            x = self._zero_padded(layer, x, zeros)
        kind = L.Conv2D if isinstance(layer, WindowConv2D) else type(layer)
        return self._called(layer, kind, {**layer.get_config(), **changes}, (x,), kwargs)

    def _called(self, layer, kind, config, args, kwargs):
        copy = self._made(layer, kind, config)
        fresh = not copy.built
        result = copy(*args, **kwargs)
        if fresh and layer.weights:
            give_weights(copy, layer.get_weights())
        return result

    def _zero_padded(self, layer, x, zeros):
        if not any(map(any, zeros)):
            return x
        config = {"padding": zeros, "dtype": layer.dtype_policy}
        key = _Copy(L.ZeroPadding2D, config)
        self._zeros.append(key)
        return self._copier.new(
            f"{layer.name}_zeros", lambda free: L.ZeroPadding2D(**config, name=free), key
        )(x)

    def _made(self, layer, kind, config):
        """The layer of class `kind` in place of `layer`; the same one for all equal calls."""
        return self._copier.new(
            layer.name,
            lambda free: kind.from_config({**config, "name": free}),
            self._key(layer, kind, config),
        )

    def _key(self, layer, kind, config):
        """The key of a copy of `layer`; there are several copies of a layer without weights that
        is called on maps of different strides.
        """
        copies = self._copies.setdefault(id(layer), [])
        for key in copies:
            if key.kind is kind and key.config == config:
                return key
        if copies and layer.weights:
            raise _cannot(
                layer,
                "it is called on maps of different strides or sizes, and would need different "
                "dilations or paddings with the same weights",
            )
        copies.append(_Copy(kind, config))
        return copies[-1]


@dataclass(eq=False)
class _Copy:
    """The class and the configuration of a layer of the finer net."""

    kind: type
    config: dict


def _averages(layer):
    if isinstance(layer, (CeilPooling2D, DilatedPooling2D)):
        return layer.mode == "average"
    return isinstance(layer, L.AveragePooling2D)


def _named(layer, config):
    return {**config, "dtype": layer.dtype_policy, "trainable": layer.trainable}


def _stays(layer, traced):
    """Whether the layer works cell by cell."""
    if isinstance(layer, L.Reshape):
        raise _cannot(layer, f"it reshapes the map to {layer.target_shape}, a fixed size")
    for axis in (0, 1):
        first, *others = (parent.grids[axis] for parent in traced.parents)
        merged = first.union(*others)
        bounded = (replace(grid, unbounded=False) for grid in (merged, traced.grids[axis]))
        if len(set(bounded)) > 1:
            return False
    return not described(layer).pads


def _rescaled(layer, removed):
    """The settings of a layer that are numbers of cells, in cells of the finer map."""
    if not isinstance(layer, PadToMultiple):
        zeros = isinstance(layer, L.ZeroPadding2D)
        pairs = zip(layer.padding if zeros else layer.cropping, removed, strict=True)
        scaled = tuple(tuple(n * k for n in pair) for pair, k in pairs)
        return {"padding" if zeros else "cropping": scaled}
    if removed[0] != removed[1]:
        raise _cannot(layer, f"it pads both axes alike and {removed} were removed from them")
    return {"multiple": layer.multiple * removed[0], "minimum": layer.minimum * removed[0]}


def _sum(pair, other):
    return tuple(a + b for a, b in zip(pair, other, strict=True))


def _cannot(layer, reason):
    return ValueError(
        f"The layer {layer.name!r} ({type(layer).__name__}) cannot be dilated: {reason}."
    )
