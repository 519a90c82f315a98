"""Receptive fields, strides and offsets of the tensors of a net.

Exact for any functional graph of convolutions, pooling, upsampling and merges.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

import keras

from fcn_keras.geometry import rules
from fcn_keras.geometry.graph import functional, walk
from fcn_keras.geometry.grid import Grid
from fcn_keras.keras_internals import operation_of


@dataclass(frozen=True)
class Field:
    """One axis of a tensor's sampling grid, in input pixels.

    Attributes:
        size: Receptive field: the number of pixels that a cell depends on; `math.inf` after global
            pooling.
        stride: Pixels from one cell to the next; None once the axis is gone.
        offset: The pixel on which cell 0 is centred, counted from the centre of the image's first
            pixel (0 is that pixel, 15.5 lies between two); None once the axis is gone. Negative
            where padding moves the first cell outside the image.

    Example:

    ```python
    rows = fcn_keras.geometry.receptive_field(model, "fc7").y
    rows.size, rows.stride, rows.offset
    ```
    """

    size: int | float
    stride: int | Fraction | None
    offset: int | float | None


class Fields(NamedTuple):
    """A tensor's `Field` along its rows (`y`) and columns (`x`).

    `size`, `stride` and `offset` read both at once, as (rows, columns).

    Example:

    ```python
    fields = fcn_keras.geometry.receptive_field(model, "fc7")
    assert fields.stride == (fields.y.stride, fields.x.stride)
    ```
    """

    y: Field
    x: Field

    @property
    def size(self):
        """Receptive field as (rows, columns), in pixels."""
        return self.y.size, self.x.size

    @property
    def stride(self):
        """Stride as (rows, columns), in pixels."""
        return self.y.stride, self.x.stride

    @property
    def offset(self):
        """Centre of cell (0, 0) as (row, column), in pixels."""
        return self.y.offset, self.x.offset


@dataclass(eq=False)
class Traced:
    """A tensor that the walk met.

    Attributes:
        tensor: The KerasTensor.
        operation: The layer that made it.
        parents: The `Traced` inputs of that call.
        grids: Its `Grid` along rows and along columns.
        shape: Its shape.
        place: Its place among the outputs of that call; 0 for a layer with one output.
        children: The `Traced` that were made from it.
    """

    tensor: keras.KerasTensor
    operation: object
    parents: list
    grids: tuple[Grid, Grid]
    shape: tuple
    place: int = 0
    children: list = field(default_factory=list)

    @property
    def fields(self):
        """Its `Fields`."""
        return Fields(*(_as_field(grid) for grid in self.grids))


def trace(model, size=None):
    """Returns every tensor of a model in topological order, inputs first, nested models entered.

    Args:
        model: A functional Keras model.
        size: (H, W) of the image. SAME padding depends on the size that a map has; without it an
            open size is taken for a multiple of the stride.

    Returns:
        `(traced, outputs)`: the list of all `Traced`, and those of the model's outputs.
    """
    graph = functional(model)
    start = Grid(1, ((0, 0),))
    found = []

    def remember(tensor, operation, parents, grids, shape, place=0):
        traced = Traced(tensor, operation, parents, grids, shape, place)
        for parent in parents:
            parent.children.append(traced)
        found.append(traced)
        return traced

    def call(node, args, kwargs):
        parents = [v for v in keras.tree.flatten((args, kwargs)) if isinstance(v, Traced)]
        shapes = [parent.shape for parent in parents]
        grids = tuple(
            rules.apply(node.operation, [p.grids[axis] for p in parents], axis, shapes)
            for axis in (0, 1)
        )
        if size:
            found_shapes = _shapes(node, args, kwargs, size)
        else:
            found_shapes = [tensor.shape for tensor in node.outputs]
        return [
            remember(tensor, node.operation, parents, grids, shape, place)
            for place, (tensor, shape) in enumerate(zip(node.outputs, found_shapes, strict=True))
        ]

    inputs = []
    for tensor in graph.inputs:
        if len(tensor.shape) != 4:
            raise ValueError(
                f"The input {tensor.name!r} of {model.name!r} has shape {tensor.shape}; "
                "images (batch, H, W, channels) are expected."
            )
        shape = (1, *size, tensor.shape[-1]) if size else tensor.shape
        inputs.append(remember(tensor, operation_of(tensor), [], (start, start), shape))
    outputs = walk(graph, inputs, call)
    return found, outputs


def _shapes(node, args, kwargs, size):
    """The shapes of a node's outputs, from those that its inputs have."""

    def concrete(value):
        is_traced = isinstance(value, Traced)
        return keras.KerasTensor(value.shape, value.tensor.dtype) if is_traced else value

    args, kwargs = keras.tree.map_structure(concrete, (args, kwargs))
    try:
        outputs = node.operation.compute_output_spec(*args, **kwargs)
    except ValueError as error:
        height, width = size
        raise ValueError(
            f"The layer {node.operation.name!r} does not take images of {height}x{width}: {error}"
        ) from error
    return [output.shape for output in keras.tree.flatten(outputs)]


def receptive_fields(model):
    """Returns the `Fields` of each layer's output, {layer name: Fields}, in topological order.

    A layer called more than once appears with its last call.

    Example:

    ```python
    fields = fcn_keras.geometry.receptive_fields(model)
    fields["pool3"].stride      # (8, 8)
    ```
    """
    return {traced.operation.name: traced.fields for traced in trace(model)[0]}


def receptive_field(model, layer_name=None, size=None):
    """Returns receptive field, stride and offset of a tensor of a functional Keras graph.

    Args:
        model: A functional Keras model, or a built Sequential, with image input (batch, H, W, C);
            nested models are entered. Where H and W are open, SAME padding is taken as for sizes
            that are multiples of the stride.
        layer_name: The layer whose output is meant, also inside a nested model. Default: the
            model's (first) output.
        size: (H, W) of the image. Needed only where H and W are open and an unpadded layer gives
            later ones a map of a size that their stride does not divide (Xception).

    Returns:
        `Fields`: a `Field(size, stride, offset)` for rows (`.y`, `[0]`) and columns (`.x`, `[1]`).
        Where branches merge, the field is their union. After an upsampling, whose cells
        depend on windows that differ in place, `size` is the largest and `offset` the mean.

    Raises:
        ValueError: for an unknown layer name, a layer whose geometry is not known, or a merge of
            branches that differ in stride; the message names the layer.

    Example:

    ```python
    field = fcn_keras.geometry.receptive_field(fcn_keras.fcn32s(21, weights=None), "fc7")
    field.size, field.stride, field.offset      # (404, 404), (32, 32), (15.5, 15.5)
    ```

    Source: Long, Shelhamer, Darrell, "Fully Convolutional Networks for Semantic Segmentation"
    (2015), section 3 and table 1.
    """
    return _find(model, layer_name, size).fields


def window(model, cell, layer_name=None):
    """Returns the input pixels that one cell depends on, not clipped to the image.

    Args:
        model: As in `receptive_field`.
        cell: `(row, column)` of the cell in the layer's output.
        layer_name: As in `receptive_field`.

    Returns:
        `((first row, last row), (first column, last column))`, inclusive.

    Example:

    ```python
    rows, columns = fcn_keras.geometry.window(model, (3, 4), "pool3")
    ```
    """
    traced = _find(model, layer_name)
    if any(grid.unbounded for grid in traced.grids):
        raise ValueError(f"The layer {traced.operation.name!r} depends on the whole image.")
    return tuple(grid.span(index) for grid, index in zip(traced.grids, cell, strict=True))


def _find(model, layer_name, size=None):
    found, outputs = trace(model, size)
    if layer_name is None:
        return outputs[0]
    for traced in reversed(found):
        if traced.operation.name == layer_name:
            return traced
    names = list(dict.fromkeys(traced.operation.name for traced in found))
    raise ValueError(
        f"The model {model.name!r} has no layer {layer_name!r}. Its layers: {', '.join(names)}."
    )


def _as_field(grid):
    size = grid.size
    if grid.collapsed:
        return Field(size, None, None)
    return Field(
        size, _plain(grid.stride), float(grid.offset) if grid.offset % 1 else int(grid.offset)
    )


def _plain(number):
    return int(number) if number.denominator == 1 else number
