"""What becomes of each layer when strides are removed: paddings and kernels in finer cells.

A map from which the factor k was removed has, k cells apart, the cells it had.
"""

import math
from dataclasses import dataclass, replace

import keras

from fcn_keras.geometry.rules import same_padding
from fcn_keras.layers import CeilPooling2D, DilatedPooling2D, PadToMultiple, WindowConv2D
from fcn_keras.surgery.copying import give_weights

L = keras.layers

CONVOLUTIONS = (L.Conv2D, L.DepthwiseConv2D, L.SeparableConv2D)
POOLINGS = (L.MaxPooling2D, L.AveragePooling2D, CeilPooling2D, DilatedPooling2D)
IN_CELLS = (L.ZeroPadding2D, L.Cropping2D, PadToMultiple)
NONE = (1, 1)


class Rarefier:
    """The `call` of a walk that gives each layer its place in the finer net.

    Args:
        found: What `geometry.field.trace` found in the model, inputs first.
        inputs: The tensors that the walk begins with.
        to_stride: Strides that lead beyond it are removed.
        copier: Makes the copies.
    """

    def __init__(self, found, inputs, to_stride, copier):
        self._steps = iter(found[len(inputs) :])
        self._to_stride = to_stride
        self._copier = copier
        self._removed = {id(x): (x, NONE) for x in inputs}
        self._copies = {}
        self._zeros = []
        self._padded = pads(found)

    def strides(self, traced, tensor):
        """Pixels from one cell of `tensor` to the next, (rows, columns)."""
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
        elif removed == NONE or _stays(layer, traced):
            result = self._copier.call(layer, args, kwargs)
        else:
            raise _cannot(layer, "it moves or resamples cells, and strides in front were removed")
        for tensor in keras.tree.flatten(result):
            self._removed[id(tensor)] = (tensor, removed)
        return result

    def _common(self, layer, given):
        """The factor removed from the maps that the layer is given; None where there is none."""
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
        axes = [_Axis(layer, traced, axis, removed, *room) for axis in (0, 1)]
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
        left, dilation = (tuple(getattr(a, name) for a in axes) for name in ("left", "dilation"))
        if any(s > 1 and d > 1 for s, d in zip(left, dilation, strict=True)):
            raise _cannot(
                layer,
                f"strides of {left} stay where strides in front of it were removed, and a "
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
        """The `kind` that stands for `layer`, the same one wherever the graph calls it alike."""
        return self._copier.new(
            layer.name,
            lambda free: kind.from_config({**config, "name": free}),
            self._key(layer, kind, config),
        )

    def _key(self, layer, kind, config):
        """What the copier knows this copy of `layer` by; there are several where it is called
        on maps of different strides and has no weights to share.
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
    """A layer of the finer net, by what it is made from."""

    kind: type
    config: dict


class _Axis:
    """One axis of a convolution or pooling in the finer net.

    Attributes:
        size: Taps of its window.
        left: The stride that it keeps.
        dilation: Its new dilation.
    """

    def __init__(self, layer, traced, axis, removed, to_stride, padded):
        parent = traced.parents[0]
        self.layer, self.axis, self.removed = layer, axis, removed[axis]
        self.cells, self.cells_after = parent.shape[1 + axis], traced.shape[1 + axis]
        self.padded_by = None
        if isinstance(parent.operation, L.ZeroPadding2D):
            self.padded_by = sum(parent.operation.padding[axis])
        self.size, self.stride = _window(layer)[axis], layer.strides[axis]
        self.reach = (self.size - 1) * _dilation(layer)[axis]
        self.dilation = _dilation(layer)[axis] * self.removed
        room = to_stride / (parent.grids[axis].stride / self.removed)
        self.left = math.gcd(self.stride, int(room)) if room.denominator == 1 else 1
        side_by_side = self.reach < self.stride and self.cells % self.stride == 0
        self.same = layer.padding == "same" or (padded and side_by_side)

    def padding(self):
        """Cells of zeros before and after, and of padding that pooling ignores."""
        if isinstance(self.layer, CeilPooling2D):
            return self._ceil()
        if isinstance(self.layer, DilatedPooling2D):
            return (0, 0), tuple(n * self.removed for n in self.layer.padding[self.axis])
        if self.same:
            before = same_padding(self.cells, self.reach + 1, self.stride) * self.removed
            return (0, 0), (before, self._lacking(before))
        return (0, self._beyond()), (0, 0)

    def _lacking(self, padded):
        """Cells of padding that are missing for as many windows as the map has cells."""
        return max(self.reach * self.removed + 1 - self.left - padded, 0)

    def _beyond(self):
        """Zeros to add to a ZeroPadding2D in front, which is the layer's "same" padding.

        It is just enough for the windows at the old stride; the last new ones look further.
        """
        if self.padded_by is None or self.padded_by < self.reach + 1 - self.stride:
            return 0
        return self._lacking(self.padded_by * self.removed)

    def _ceil(self):
        pad = self.layer.padding[self.axis]
        end = self.cells + pad
        after = min(self.stride * self.cells_after, end) - end + self.reach
        before, after = pad * self.removed, after * self.removed
        if self.layer.mode == "max":
            return (0, 0), (before, after)
        return (before, min(before, after)), (0, max(after - before, 0))


def _dilation(layer):
    return getattr(layer, "dilation_rate", NONE)


def pads(found):
    """Whether the net that `geometry.field.trace` walked pads its maps anywhere."""
    return any(_pads(traced.operation) for traced in found)


def _pads(operation):
    """Whether a layer adds cells at the border; a "same" window of one cell adds none."""
    if not isinstance(operation, CONVOLUTIONS + POOLINGS):
        return isinstance(operation, L.ZeroPadding2D) or getattr(operation, "pads", False)
    if isinstance(operation.padding, str):
        return operation.padding == "same" and max(_window(operation)) > 1
    return any(keras.tree.flatten(operation.padding))


def _window(layer):
    return layer.kernel_size if isinstance(layer, CONVOLUTIONS) else layer.pool_size


def _averages(layer):
    return isinstance(layer, L.AveragePooling2D) or getattr(layer, "mode", None) == "average"


def _named(layer, config):
    return {**config, "dtype": layer.dtype_policy, "trainable": layer.trainable}


def _stays(layer, traced):
    """Whether the layer works cell by cell: each cell sees what it is given, and no more."""
    if isinstance(layer, L.Reshape):
        raise _cannot(layer, f"it reshapes the map to {layer.target_shape}, a fixed size")
    for axis in (0, 1):
        first, *others = (parent.grids[axis] for parent in traced.parents)
        merged = first.union(*others)
        bounded = (replace(grid, unbounded=False) for grid in (merged, traced.grids[axis]))
        if len(set(bounded)) > 1:
            return False
    return not getattr(layer, "pads", False)


def _rescaled(layer, removed):
    """What a layer counts in cells, in those of the finer map."""
    if not isinstance(layer, PadToMultiple):
        name = "padding" if isinstance(layer, L.ZeroPadding2D) else "cropping"
        pairs = zip(getattr(layer, name), removed, strict=True)
        return {name: tuple(tuple(n * k for n in pair) for pair, k in pairs)}
    if removed[0] != removed[1]:
        raise _cannot(layer, f"it pads both axes alike and {removed} were removed from them")
    return {"multiple": layer.multiple * removed[0], "minimum": layer.minimum * removed[0]}


def _sum(pair, other):
    return tuple(a + b for a, b in zip(pair, other, strict=True))


def _cannot(layer, reason):
    return ValueError(
        f"The layer {layer.name!r} ({type(layer).__name__}) cannot be dilated: {reason}."
    )
