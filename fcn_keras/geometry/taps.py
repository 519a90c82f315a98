"""Taps: the tensors of a classifier that stand for the strides 2, 4, 8, 16 and 32.

They are found from the graph, not by layer names, so that a user's classifier works as VGG does.
"""

import keras

from fcn_keras.geometry.field import trace
from fcn_keras.geometry.protocol import described

STRIDES = (2, 4, 8, 16, 32)
_CONVOLUTIONS = (
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
)
_POOLING = (keras.layers.MaxPooling2D, keras.layers.AveragePooling2D)


def taps(model):
    """Returns one tensor for each stride 2, 4, 8, 16, 32 of a classifier or trunk.

    On a plain chain whose stride comes from pooling (VGG, AlexNet) it is the pooling's output, as
    in the paper. Elsewhere it is the last tensor of that stride which every path from input to
    output passes (ResNet50 at 8: `conv3_block4_out`); where there is none (NASNet), the last merge
    of that stride. It is never the output of a padding layer.

    Args:
        model: A functional Keras model with image input. With a nested model the tensors may
            belong to the nested graph.

    Returns:
        {stride: KerasTensor}, strides ascending; a stride the model does not have is absent.

    Example:

    ```python
    taps = fcn_keras.geometry.taps(keras.applications.VGG16(weights=None))
    taps[8].shape       # (None, 28, 28, 256): pool3
    ```

    Source: Long et al. (2015), section 4.2 and figure 3, generalised from VGG to any graph.
    """
    return {stride: traced.tensor for stride, traced in traced_taps(model).items()}


def traced_taps(model, before_pooling=False, strides=STRIDES):
    """Returns `taps` as the `Traced` tensors, which also have their geometry.

    Args:
        model: As `taps`.
        before_pooling: Whether of a plain chain too the last tensor of each stride is taken, which
            the next pooling pools, as in U-Net: of VGG at 8 the last convolution of block 4.
        strides: The strides that are looked for; 1 is the size of the image.
    """
    found, outputs = trace(model)
    through = on_every_path(found, outputs[-1])
    chain = all(len({*map(id, t.parents)}) <= 1 >= len(_used(t)) for t in found)
    chosen = {}
    for stride in strides:
        level = [t for t in found if _stride(t) == stride and not _is_padding(t)]
        if not level:
            continue
        if chain and not before_pooling and _pools(level[0].operation):
            chosen[stride] = level[0]
            continue
        candidates = [t for t in level if t in through]
        candidates = candidates or [t for t in level if len(t.parents) > 1] or level
        chosen[stride] = candidates[-1]
    return chosen


def convolved_strides(model):
    """Returns the set of strides at which a model has convolutions."""
    return {_stride(t) for t in trace(model)[0] if isinstance(t.operation, _CONVOLUTIONS)}


def _pools(operation):
    return isinstance(operation, _POOLING) or described(operation).pools


def _used(traced):
    """The tensors made from one, without further outputs of a layer that nothing uses."""
    return {id(child) for child in traced.children if child.children or not child.place}


def _stride(traced):
    strides = {grid.stride for grid in traced.grids}
    return strides.pop() if len(strides) == 1 else None


def _is_padding(traced):
    operation, own = traced.operation, described(traced.operation)
    return isinstance(operation, keras.layers.ZeroPadding2D) or (own.pads and not own.pools)


def on_every_path(found, output):
    """Returns the set of tensors that every path from an input to `output` passes.

    Args:
        found: All `Traced` of a model, in topological order.
        output: The `Traced` in which the paths end.
    """
    before, after = {}, {id(output): 1}
    for traced in found:
        before[id(traced)] = sum(before[id(p)] for p in traced.parents) if traced.parents else 1
    for traced in reversed(found):
        if traced is not output:
            after[id(traced)] = sum(after[id(child)] for child in traced.children)
    total = before[id(output)]
    return {t for t in found if before[id(t)] * after[id(t)] == total}
