"""Shift-and-stitch: a finer heat map of an unchanged net, from shifted images.

`fcn_keras.surgery.dilate` gives the same map in one pass of a changed net.
"""

import itertools

import numpy as np
from keras import ops

from fcn_keras.geometry.field import trace
from fcn_keras.geometry.rules import pads
from fcn_keras.inference.compiled import Compiled
from fcn_keras.progress import ProgressBar


def shift_and_stitch(model, images, factor, *, batch_size=4, progress=True):
    """Returns the map of a net at `factor` times its resolution, from factor x factor passes.

    Cell (i * factor + a, j * factor + b) is cell (i, j) of the net applied to the image without
    its first a * stride / factor rows and b * stride / factor columns. In every pass the images
    have the same size: zeros fill the bottom and the right. Of a net with padding every cell is
    kept; of one without padding, cells that depend on these zeros are dropped.

    The map of `fcn_keras.surgery.dilate(model, stride // factor)` is the same except for cells
    that depend on padding. It takes one pass instead of factor x factor, and the layers before the
    removed strides run once.

    Args:
        model: A functional Keras model with one input, images (batch, H, W, C), and one output, a
            map (batch, h, w, channels) of stride `factor` or a multiple of it.
        images: Array (batch, H, W, C), of any number type, in the value range of the model.
        factor: Factor by which the map becomes finer on each axis; a divisor of the stride.
        batch_size: Number of images in a pass, at most.
        progress: Whether a bar is shown, on a terminal.

    Returns:
        float32 (batch, rows, columns, channels). Rows are factor * h where the net's padding
        preserves sizes and its stride divides H; without padding, as many as fit into the image.

    Raises:
        ValueError: if `factor` does not divide the stride, the images are no such array or too
            small, or the model does not have one image input and one map.

    Example:

    ```python
    trunk = fcn_keras.classifiers.vgg_slim(include_top=False)     # stride 32
    images = np.zeros((1, 64, 96, 3), "float32")
    fcn_keras.inference.shift_and_stitch(trunk, images, 4).shape  # (1, 8, 12, 128), stride 8
    ```

    Source: Long et al. (2015), section 3.2; Sermanet et al., "OverFeat" (2014), section 3.3.
    """
    strides = _strides(model)
    steps = _steps(model, strides, factor)
    images = _checked(model, images)
    counts = [_counts(model, images.shape[1:3], axis, steps[axis], factor) for axis in (0, 1)]
    rows, columns = (sum(cells) for cells in counts)
    result = np.empty((len(images), rows, columns, model.output_shape[-1]), "float32")
    net = _Net(model, "shifted")
    chunks = range(0, len(images), batch_size)
    with ProgressBar(len(chunks) * factor**2, "pass", progress) as bar:
        for start, (a, b) in itertools.product(
            chunks, itertools.product(range(factor), range(factor))
        ):
            chunk = slice(start, start + batch_size)
            shifted = _shifted(images[chunk], a * steps[0], b * steps[1])
            cells = net.predict_on_batch(shifted)[:, : counts[0][a], : counts[1][b]]
            result[chunk, a::factor, b::factor] = cells
            bar.step()
    return result


class _Net(Compiled):
    """Returns the model's map as float32."""

    def call(self, images):
        images = ops.cast(images, self.model.inputs[0].dtype)
        return ops.cast(self.outputs_for(images), "float32")


def _strides(model):
    outputs = trace(model)[1]
    if len(model.inputs) != 1 or len(outputs) != 1 or outputs[0].grids[0].collapsed:
        raise ValueError(
            f"{model.name!r} has {len(model.inputs)} input(s) and the output shape "
            f"{model.output_shape}; one image and one map (batch, h, w, channels) are needed. "
            "fcn_keras.convolutionalize makes such a net from a classifier."
        )
    return [grid.stride for grid in outputs[0].grids]


def _steps(model, strides, factor):
    if not isinstance(factor, int) or factor < 1 or any(s % factor for s in strides):
        shown = " x ".join(str(stride) for stride in dict.fromkeys(strides))
        raise ValueError(
            f"factor={factor!r} does not divide the stride of {model.name!r}, {shown} pixels: "
            "the image can only be shifted by whole pixels."
        )
    return [int(stride / factor) for stride in strides]


def _checked(model, images):
    images = np.asarray(images)
    expected = tuple(model.input_shape[1:])
    fits = images.ndim == 4 and all(
        n is None or n == given for n, given in zip(expected, images.shape[1:], strict=True)
    )
    if not fits or not len(images) or images.dtype.kind not in "biuf":
        sizes = ", ".join("any" if n is None else str(n) for n in expected)
        raise ValueError(
            f"{model.name!r} takes images of numbers, (batch, {sizes}); got an array of shape "
            f"{images.shape} and type {images.dtype}."
        )
    return images


def _counts(model, size, axis, step, factor):
    """Number of cells to keep for each shift along one axis.

    Of a net with padding all are kept, of another those that do not depend on the added zeros.
    """
    if any(pads(traced.operation) for traced in trace(model)[0]):
        return [_cells(model, size, axis, size)] * factor
    counts = []
    for shift in range(factor):
        left = [n - shift * step if i == axis else n for i, n in enumerate(size)]
        counts.append(_cells(model, left, axis, size) if min(left) > 0 else 0)
    return counts


def _cells(model, left, axis, size):
    try:
        return max(trace(model, left)[1][0].shape[1 + axis], 0)
    except ValueError:
        if tuple(left) == tuple(size):
            raise
        return 0


def _shifted(images, rows, columns):
    if not rows and not columns:
        return images
    shifted = np.zeros_like(images)
    height, width = images.shape[1:3]
    shifted[:, : height - rows, : width - columns] = images[:, rows:, columns:]
    return shifted
