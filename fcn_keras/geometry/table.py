"""The table that `fcn-keras summary` prints: geometry, parameters, operations, memory per layer."""

import math
from dataclasses import dataclass

import keras

from fcn_keras.geometry.field import Fields, trace
from fcn_keras.geometry.protocol import SpatialLayer

L = keras.layers
_CONVOLVING = (L.Conv2D, L.DepthwiseConv2D, L.SeparableConv2D, L.Dense)


@dataclass(frozen=True)
class Row:
    """One layer of a net at a given image size.

    Attributes:
        name: Layer name; further outputs of a layer have rows of their own, "pool:1".
        kind: Layer class.
        fields: Its `Fields`.
        shape: Its output's shape for one image: (H, W, channels), or (channels,).
        parameters: Number of its weights.
        flops: Floating-point operations, two for each multiply-add; element-wise work not counted.
        bytes: Size of its output as float32.
    """

    name: str
    kind: str
    fields: Fields
    shape: tuple[int, ...]
    parameters: int
    flops: int
    bytes: int


@dataclass(frozen=True)
class Table:
    """A net layer by layer; `str(table)` is the short form, `text(every=True)` the long one.

    Attributes:
        name: The model's name.
        size: (H, W) of the image.
        rows: One `Row` for each layer's output, in topological order.
        conv_layers: Layers with a kernel (convolutions, Dense) on the longest path from the image
            to an output; neither upsampling nor normalization counts.
        parameters_without_upsampling: Number of weights without those of transposed convolutions.
        deepest: The `Row` of the last map of the largest stride, which an FCN scores first; None
            for a net without a map.

    Example:

    ```python
    table = fcn_keras.geometry.table(model, (360, 480))
    print(table)
    print(table.flops / 1e9, "GFLOPs")
    table.conv_layers, table.deepest.fields.stride      # 16, (32, 32) for FCN-VGG16
    ```

    Source: `conv_layers`, `parameters_without_upsampling` and the field and stride of `deepest`
    are the columns of Long et al. (2015), table 1.
    """

    name: str
    size: tuple[int, int]
    rows: tuple[Row, ...]
    conv_layers: int
    parameters_without_upsampling: int

    @property
    def deepest(self):
        """The `Row` of the last map of the largest stride, or None."""
        maps = [row for row in self.rows if row.fields.y.stride is not None]
        return max(reversed(maps), key=lambda row: row.fields.y.stride, default=None)

    @property
    def parameters(self):
        """Number of weights of the net."""
        return sum(row.parameters for row in self.rows)

    @property
    def flops(self):
        """Floating-point operations of one forward pass of one image."""
        return sum(row.flops for row in self.rows)

    @property
    def bytes(self):
        """Bytes of all layers' outputs for one image, which a training step keeps."""
        return sum(row.bytes for row in self.rows)

    def text(self, every=False):
        """Returns the table as text.

        Args:
            every: True for all layers; False for those where the stride changes, the layers with
                weights behind the last change, and the scores.
        """
        rows = self.rows if every else self._milestones()
        lines = [("layer", "output", "stride", "field", "offset", "parameters", "GFLOPs")]
        lines += [_line(row) for row in rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
        text = [
            "  ".join(
                cell.ljust(width) if i < 2 else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        ]
        text.insert(1, "  ".join("-" * width for width in widths))
        height, width = self.size
        text += [
            "",
            f"{self.name} at {height}x{width}: {self.parameters:,} parameters, "
            f"{self.flops / 1e9:,.1f} GFLOPs per image, {self.bytes / 2**20:,.0f} MiB of "
            "activations per image (float32)",
            self._as_in_the_paper(),
        ]
        return "\n".join(text)

    def __str__(self):
        return self.text()

    def _as_in_the_paper(self):
        millions = self.parameters_without_upsampling / 1e6
        words = [
            f"{self.conv_layers} conv layers",
            f"{millions:.1f}M parameters without upsampling filters",
        ]
        if self.deepest is not None:
            field = self.deepest.fields.y
            size = "the whole image" if field.size == math.inf else str(field.size)
            words += [f"receptive field {size}", f"max stride {field.stride}"]
        return ", ".join(words)

    def _milestones(self):
        strides = [row.fields.y.stride for row in self.rows]
        deepest = max((s for s in strides if s is not None), default=1)
        reached = strides.index(deepest) if deepest in strides else 0
        shown = []
        for index, row in enumerate(self.rows):
            changed = index and strides[index] != strides[index - 1]
            tail = index >= reached and row.parameters and row.shape != ()
            named = row.name.startswith(("fc", "score", "upscore"))
            last = index + 1 < len(strides) and strides[index + 1] != strides[index]
            if named or changed or last or (tail and len(self.rows) < 60):
                shown.append(row)
        return shown


def table(model, size):
    """Returns geometry, parameters, operations and memory of each layer at an image size.

    Args:
        model: A functional Keras model with one image input.
        size: (H, W) in pixels.

    Returns:
        A `Table`. Operations are counted at the size that the net pads the image to.

    Raises:
        ValueError: for a size that the net does not take.

    Example:

    ```python
    print(fcn_keras.geometry.table(fcn_keras.fcn8s(21, weights=None), (500, 500)))
    ```
    """
    rows, counted, depths, upsampling = [], set(), {}, 0
    for traced in trace(model, size)[0]:
        operation, shape = traced.operation, tuple(traced.shape[1:])
        above = max((depths[id(parent)] for parent in traced.parents), default=0)
        depths[id(traced)] = above + isinstance(operation, _CONVOLVING)
        if not traced.parents:  # the image itself
            continue
        fresh, (given, *_) = id(operation) not in counted, (p.shape for p in traced.parents)
        counted.add(id(operation))
        if fresh and isinstance(operation, L.Conv2DTranspose):
            upsampling += operation.count_params()
        rows.append(
            Row(
                f"{operation.name}:{traced.place}" if traced.place else operation.name,
                type(operation).__name__,
                traced.fields,
                shape,
                _parameters(operation) if fresh else 0,
                0 if traced.place else 2 * _multiply_adds(operation, given, shape),
                4 * math.prod(shape),
            )
        )
    parameters = sum(row.parameters for row in rows) - upsampling
    return Table(model.name, tuple(size), tuple(rows), max(depths.values()), parameters)


def _parameters(operation):
    return operation.count_params() if isinstance(operation, L.Layer) else 0


def _multiply_adds(operation, given, shape):
    """Multiply-adds of one call for one image; given and shape are input and output shapes."""
    if isinstance(operation, SpatialLayer):
        return operation.multiply_adds(given)
    if isinstance(operation, L.SeparableConv2D):
        kernels = operation.depthwise_kernel, operation.pointwise_kernel
        return math.prod(shape[:-1]) * sum(math.prod(kernel.shape) for kernel in kernels)
    if isinstance(operation, L.Conv2DTranspose):
        return math.prod(given[1:-1]) * math.prod(operation.kernel.shape)
    if isinstance(operation, (L.Conv2D, L.DepthwiseConv2D, L.Dense)):
        return math.prod(shape[:-1]) * math.prod(operation.kernel.shape)
    return 0


def _line(row):
    field = row.fields.y
    size = "all" if field.size == math.inf else str(field.size)
    stride = "" if field.stride is None else str(field.stride)
    offset = "" if field.offset is None else f"{field.offset:g}"
    flops = f"{row.flops / 1e9:.2f}" if row.flops else ""
    parameters = f"{row.parameters:,}" if row.parameters else ""
    return (row.name, "x".join(map(str, row.shape)), stride, size, offset, parameters, flops)
