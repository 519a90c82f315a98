"""DeconvNet: a whole classifier, and its mirror image from the fully connected layers on.

image                                                                              logits
  |                                                                                  ^
block 1 - pool 1 ---- where the maxima were ---------------- unpool 1 - block 1 (mirrored)
             |                                                  ^
            ...                                                ...
             |                                                  ^
          block 5 - pool 5 -- where the maxima were -- unpool 5 - block 5 (mirrored)
                       |                                  ^
                      fc6 -------- fc7 -------------- fc6_deconv
"""

import keras

from fcn_keras.layers import CropToReference, LeanHeNormal, PadToMultiple, WindowConv2D
from fcn_keras.models.arguments import checked_arguments
from fcn_keras.models.init_from import begin_from
from fcn_keras.models.inputs import assembled
from fcn_keras.models.options import name_of
from fcn_keras.models.outputs import scored, tasks_wanted
from fcn_keras.models.pooled_encoder import (
    Hidden,
    convolution_unit,
    load_pooled_encoder,
    normalized,
    unpooled,
)

L = keras.layers
WINDOW = (7, 7)


def deconvnet(
    num_classes,
    classifier="vgg16",
    *,
    weights="imagenet",
    input_shape=(None, None, 3),
    preprocess=None,
    init_from=None,
    new_classes=False,
    head_filters=None,
    head_padding="same",
    batch_norm_momentum=0.9,
    labels=None,
    name="deconvnet",
):
    """Builds DeconvNet: a classifier with its fc6 and fc7, and their mirror image up to the pixels.

    The decoder begins with the transposed convolution `fc6_deconv`, which has fc6's window and
    the channels of the classifier's last map. Each max pooling keeps where its maxima were; the
    decoder unpools a block's values to these places, at the size that the block had, and convolves
    as often as the encoder did there, with as many filters as the mirrored convolution has inputs.
    Every convolution is followed by BatchNormalization and ReLU, but for the last, a window of
    1x1, which gives the scores. Nothing but indices passes from encoder to decoder.

    Args:
        num_classes: Number of classes, a task, or {output: number or task}, as
            `fcn_keras.models.fcn`. Several outputs share all but the last convolution.
        classifier: A registered name or a functional Keras classifier of yours, whose map shrinks
            by max poolings of window 2x2 and stride 2 alone: "vgg16", "vgg19", "vgg_slim".
            Convolutions without BatchNormalization get one.
        weights: As `fcn_keras.models.fcn`.
        input_shape: (H, W, C); None leaves an axis open, so that any size from 1 works.
        preprocess: As `fcn_keras.models.fcn`.
        init_from: A DeconvNet (model or .keras path) whose weights it starts from, such as that of
            the first stage of the paper's training. "imagenet" weights are not loaded then.
        new_classes: Whether the classes are others than those of `init_from`.
        head_filters: None: as many filters as the classifier's own fc6 and fc7 (4096 for VGG16),
            whose weights are kept where the classifier is pretrained. An int: so many in both;
            they begin anew where the classifier has another number.
        head_padding: "same": fc6 and `fc6_deconv` pad their map with zeros and keep its size, as
            in the FCNs here. "valid": as in the paper, where the map of 7x7 cells of a 224x224
            image becomes one cell and then 7x7 again. In images of other sizes the windows
            overlap; with "valid" a cell then gets more values the farther it is from the border.
        batch_norm_momentum: Momentum of every BatchNormalization; None for those of the
            classifier, and Keras's 0.99 for the new ones.
        labels: A `LabelSet` that travels with the model, or {output: LabelSet}.
        name: Name of the model.

    Returns:
        A functional `keras.Model`: RGB 0-255 (batch, H, W, C), any H and W, to float32 logits
        (batch, H, W, num_classes). Layers of the encoder have the classifier's names, the others
        nearly the names of the published net: "fc6", "fc7", "fc6_deconv", "unpool5",
        "deconv5_1", ..., "score_seg".

    Raises:
        ValueError: for a classifier with other strides (the message names it and the layer) or,
            without `head_filters`, without fully connected layers; for arguments that do not fit.
        FileNotFoundError: for weights that are neither here nor reachable.

    Example:

    ```python
    model = fcn_keras.deconvnet(11, "vgg_slim", weights=None)
    model(keras.ops.zeros((1, 45, 60, 3))).shape        # (1, 45, 60, 11)
    ```

    Source: Noh, Hong, Han (2015), "Learning Deconvolution Network for Semantic Segmentation",
    section 3 and figure 2.
    """
    tasks = tasks_wanted(num_classes, labels)
    momentum = batch_norm_momentum
    given = {
        "head_filters": head_filters,
        "head_padding": head_padding,
        "batch_norm_momentum": momentum,
    }
    _, stream, weights = checked_arguments(
        "deconvnet", given, input_shape, preprocess, weights, init_from, new_classes
    )
    encoder = load_pooled_encoder(
        stream, classifier, weights, net="deconvnet", momentum=momentum, keep_head=True
    )
    head = _head(encoder.head, head_filters, classifier)
    x = _through_head(encoder.deepest, head, head_padding, momentum)
    for block in reversed(encoder.blocks):
        x = unpooled(x, block, f"unpool{block.number}")
        for number, (_, window, filters) in enumerate(block.mirrored, start=1):
            if block.number == 1 and number == len(block.mirrored):
                filters = block.features.shape[-1]  # instead of the image's channels
            unit = f"deconv{block.number}_{number}"
            x = convolution_unit(x, filters, window, unit, momentum=momentum)
    model = assembled([stream], scored(x, 1, "seg", tasks, stream.image), name)
    if init_from is not None:
        begin_from(model, init_from, new_classes)
    return model


def _head(own, filters, classifier):
    """The `Hidden` layers of the net: the classifier's own, or new ones of so many filters."""
    if own and (filters is None or {hidden.filters for hidden in own} == {filters}):
        return own
    if filters is None:
        raise ValueError(
            f"The classifier {name_of(classifier)!r} has no fully connected layers, as VGG's fc6 "
            "and fc7, to begin deconvnet's decoder with. Pass head_filters, such as 512, for new "
            "ones."
        )
    return Hidden(filters, own[0].window if own else WINDOW), Hidden(filters, (1, 1))


def _through_head(features, head, padding, momentum):
    """The map after fc6, fc7 and the mirror image of fc6, of the size and channels of `features`.

    The mirrored fc7 would have a window of 1x1; the net has none.
    """
    x, window = features, head[0].window
    if padding == "valid":
        x = PadToMultiple(1, max(window), name="fc6_pad")(x)
    for number, hidden in enumerate(head, start=6):
        convolve = WindowConv2D(
            hidden.filters,
            hidden.window,
            padding=padding,
            kernel_initializer="zeros" if hidden.weights else LeanHeNormal(),
            name=f"fc{number}",
        )
        x = normalized(convolve, x, momentum=momentum)
        if hidden.weights:
            convolve.set_weights(hidden.weights)
    mirrored = L.Conv2DTranspose(
        features.shape[-1],
        window,
        padding=padding,
        kernel_initializer=LeanHeNormal(),
        name="fc6_deconv",
    )
    x = normalized(mirrored, x, momentum=momentum)
    return CropToReference(name="fc6_crop")([x, features]) if padding == "valid" else x
