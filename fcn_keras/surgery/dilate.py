"""A net at a finer stride with the weights it has: strides removed, later kernels dilated.

Also what DeepLab calls an output stride. The rules for single layers are in `rarefaction`.
"""

import math

import keras

from fcn_keras.geometry.field import trace
from fcn_keras.geometry.graph import functional, walk
from fcn_keras.surgery.copying import Copier
from fcn_keras.surgery.rarefaction import Rarefier

MARGIN = 8


def dilate(model, to_stride):
    """Removes strides and dilates the kernels behind them (filter rarefaction, "à trous").

    The map of the result has stride `to_stride`, and every k-th cell of it, where k is the factor
    removed, equals the model's: to the border, for images that the model's stride divides (and of
    any size for a net without padding). The cells between are those of the model on shifted
    images, as `fcn_keras.inference.shift_and_stitch` computes them; they differ only where a cell
    sees padding. Receptive fields stay as they are; the work grows with the cells.

    Where a "same" padding no longer does what it did, it becomes a ZeroPadding2D (for pooling,
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
            Flatten and an output behind global pooling (pass the convolutional part); for layers
            that cannot be dilated, such as a Conv2DTranspose behind a removed stride. The message
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
    """The outputs of a model on `inputs`, the deepest at stride `to_stride`.

    Args:
        model: As for `dilate`.
        inputs: KerasTensors, one for each input of the model. Open sizes are taken for multiples
            of the model's stride.
        to_stride: As for `dilate`.
        copier: A `Copier` to make the copies with; a new one by default. Its changes are made to
            layers that work cell by cell, not to convolutions, pooling, padding and cropping.

    Returns:
        The list of output tensors.

    Raises:
        ValueError: as `dilate`.
    """
    found, outputs = trace(model)
    _check(model, outputs, to_stride)
    found, outputs = trace(model, _size(found, outputs, inputs[0]))
    copier = copier or Copier(taken=[x.name for x in inputs])
    rarefier = Rarefier(found, inputs, to_stride, copier)
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
