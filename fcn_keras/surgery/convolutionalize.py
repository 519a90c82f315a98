"""Convolutionalization: a classifier becomes a fully convolutional net.

The numbers are the same at its own size; at any other the output is a heat map.
"""

import keras

from fcn_keras.geometry.graph import walk
from fcn_keras.surgery.casting import cast, gather
from fcn_keras.surgery.copying import Copier, with_batch_norm_momentum
from fcn_keras.surgery.top import find_top


def convolutionalize(classifier, *, window=None, logits=False, batch_norm_momentum=None):
    """Casts a classifier into a fully convolutional net with input of any size.

    Flatten followed by Dense becomes a convolution with the window's shape; global pooling
    followed by Dense becomes a pooling window of stride 1 and a 1x1 convolution; Dropout,
    BatchNormalization and activations between them stay.

    At the classifier's own size the 1x1 output equals the classifier's. At a larger size the
    output is the heat map of the classifier slid over the image at its stride. For a net without
    padding each cell equals the classifier applied to its crop; for a padded net (VGG, ResNet)
    it differs, because the crop is padded with zeros where the dense net has the image around it.

    Args:
        classifier: A functional Keras classifier (or built Sequential) with its top, nested
            models allowed. It is not changed: layers and weights are copied.
        window: (rows, columns) of the last map that one decision covers. Known from a classifier
            of fixed size; needed for one of open size, whose global pooling has none.
        logits: True drops a softmax or sigmoid at the end.
        batch_norm_momentum: Momentum for the BatchNormalization layers of the copy; None keeps
            theirs.

    Returns:
        A functional `keras.Model`: input (batch, H, W, C) with H and W open, output
        (batch, h, w, classes).

    Raises:
        ValueError: naming the layer and the reason, where the graph cannot be cast, or if
            `window` is missing or contradicts a Flatten.

    Example:

    ```python
    net = fcn_keras.convolutionalize(keras.applications.VGG16(weights=None))
    net(keras.ops.zeros((1, 384, 384, 3))).shape        # (1, 6, 6, 1000)
    ```

    Source: Long et al. (2015), section 3.1 and figure 2.
    """
    top = find_top(classifier)
    window = _window(classifier, top, window)
    copier = Copier(with_batch_norm_momentum(batch_norm_momentum))
    after = {id(layer) for layer in top.layers}
    final = top.layers[-1] if logits and top.layers else None

    def call(node, args, kwargs):
        layer = node.operation
        if layer is top.gathering:
            return gather(layer, args[0], window)
        if id(layer) in after:
            return cast(layer, args, kwargs, copier, linear=layer is final)
        return copy_open(copier, layer, args, kwargs)

    image = keras.Input(
        (None, None, classifier.inputs[0].shape[-1]), dtype=classifier.inputs[0].dtype, name="image"
    )
    (output,) = walk(classifier, [image], call)
    return keras.Model(image, output, name=f"{classifier.name}_convolutional")


def copy_open(copier, layer, args, kwargs):
    """Calls the copy of a trunk's layer on a map of open size.

    Raises:
        ValueError: naming the layer, if it needs a fixed size.
    """
    try:
        return copier.call(layer, args, kwargs)
    except Exception as error:
        raise ValueError(
            f"The layer {layer.name!r} ({type(layer).__name__}) does not work on a map of open "
            f"size, so the classifier cannot be cast: {error}"
        ) from error


def _window(classifier, top, window):
    if window is None and top.window is None:
        raise ValueError(
            f"{classifier.name!r} takes images of any size, so the window of one decision is not "
            f"known. Pass window=(rows, columns) in cells of {top.features.name!r}: (7, 7) for a "
            "224x224 net of stride 32."
        )
    if window is None:
        return top.window
    window = (window, window) if isinstance(window, int) else tuple(window)
    if top.flattens and top.window is not None and window != top.window:
        raise ValueError(
            f"The layer {top.gathering.name!r} flattens a map of {top.window} cells; "
            f"window={window} does not fit its weights. Leave `window` out."
        )
    return window
