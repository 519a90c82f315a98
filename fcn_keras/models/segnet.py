"""SegNet and SegNet-Basic: an encoder, and a decoder that puts values back where they were pooled.

image                                                                     logits
  |                                                                         ^
block 1 - pool 1 -- where the maxima were -------------- unpool 1 - block 1 (mirrored)
             |                                              ^
          block 2 - pool 2 -- where the maxima were --- unpool 2 - block 2 (mirrored)
                       |                                    ^
                      ...                                  ...
"""

import keras

from fcn_keras.layers import LocalResponseNormalization, MaxPooling2DWithIndices
from fcn_keras.models.arguments import checked_arguments
from fcn_keras.models.inputs import assembled, preprocessed, preprocessing_layer
from fcn_keras.models.outputs import scored, tasks_wanted
from fcn_keras.models.pooled_encoder import (
    Block,
    convolution_unit,
    load_pooled_encoder,
    unpooled,
)

L = keras.layers
RATE = 0.5  # of Bayesian SegNet's Dropout
FIRST = 3  # the first block that has it, in both nets
BASIC_BLOCKS, BASIC_FILTERS, BASIC_WINDOW = 4, 64, 7


def segnet(
    num_classes,
    classifier="vgg16",
    *,
    weights="imagenet",
    input_shape=(None, None, 3),
    preprocess=None,
    bayesian=False,
    batch_norm_momentum=0.9,
    labels=None,
    name="segnet",
):
    """Builds SegNet: a classifier's pooled blocks as encoder, and their mirror image as decoder.

    Each max pooling keeps where its maxima were. The decoder unpools a block's values to these
    places, at the size that the block had, and convolves as often as the encoder did there, with
    as many filters as the mirrored convolution has inputs. Every convolution is followed by
    BatchNormalization and ReLU, but for the last, a window of 3x3 for VGG, which gives the scores.
    Nothing but indices passes from encoder to decoder.

    Args:
        num_classes: Number of classes, a task, or {output: number or task}, as
            `fcn_keras.models.fcn`. Several outputs share all but the last convolution.
        classifier: A registered name or a functional Keras classifier of yours, whose map shrinks
            by max poolings of window 2x2 and stride 2 alone: "vgg16", "vgg19", "vgg_slim".
            Convolutions without BatchNormalization get one.
        weights: As `fcn_keras.models.fcn`.
        input_shape: (H, W, C); None leaves an axis open, so that any size from 1 works.
        preprocess: As `fcn_keras.models.fcn`. The paper's net gets BGR 0-255, without a mean
            subtracted: `fcn_keras.layers.Preprocess("caffe", mean=(0, 0, 0))`.
        bayesian: Whether there is a Dropout of 0.5 after the poolings from the third on and after
            the mirrored blocks of these, as in Bayesian SegNet. In a net of fewer poolings they
            are at its last. `fcn_keras.segment(model, image, samples=40)` leaves it on.
        batch_norm_momentum: Momentum of every BatchNormalization; None for those of the
            classifier, and Keras's 0.99 for the new ones.
        labels: A `LabelSet` that travels with the model, or {output: LabelSet}.
        name: Name of the model.

    Returns:
        A functional `keras.Model`: RGB 0-255 (batch, H, W, C), any H and W, to float32 logits
        (batch, H, W, num_classes). Layers of the encoder have the classifier's names, those of the
        decoder the names of the published net: "upsample5", "conv5_3_D", ..., "score_conv1_1_D".

    Raises:
        ValueError: for a classifier with other strides (the message names it and the layer), or
            arguments that do not fit.
        FileNotFoundError: for weights that are neither here nor reachable.

    Example:

    ```python
    model = fcn_keras.segnet(11, "vgg_slim", weights=None)
    model(keras.ops.zeros((1, 45, 60, 3))).shape        # (1, 45, 60, 11)
    ```

    Source: Badrinarayanan, Kendall, Cipolla (2017), "SegNet", section 3 and figure 2; Kendall,
    Badrinarayanan, Cipolla (2017), "Bayesian SegNet", section 3.
    """
    tasks = tasks_wanted(num_classes, labels)
    given = {"bayesian": bayesian, "batch_norm_momentum": batch_norm_momentum}
    _, stream, weights = checked_arguments("segnet", given, input_shape, preprocess, weights)
    encoder = load_pooled_encoder(
        stream,
        classifier,
        weights,
        net="segnet",
        momentum=batch_norm_momentum,
        drop=_drop_pooled if bayesian else None,
    )
    x = encoder.deepest
    count = sum(block.indices is not None for block in encoder.blocks)
    for block in reversed(encoder.blocks):
        x = unpooled(x, block, f"upsample{block.number}")
        for number, window, filters in block.mirrored:
            if block.number == number == 1:
                break  # the convolution of the scores
            unit = f"conv{block.number}_{number}_D"
            x = convolution_unit(x, filters, window, unit, momentum=batch_norm_momentum)
        if bayesian and block.number > 1 and _drops(block.number, count):
            x = L.Dropout(RATE, name=f"drop{block.number}_D")(x)
    logits = scored(x, window, "conv1_1_D", tasks, stream.image)
    return assembled([stream], logits, name)


def segnet_basic(
    num_classes,
    *,
    input_shape=(None, None, 3),
    preprocess=None,
    bayesian=False,
    batch_norm_momentum=0.9,
    labels=None,
    name="segnet_basic",
):
    """Builds SegNet-Basic: four convolutions of 7x7 on the way down and four on the way up.

    Each has 64 filters and BatchNormalization; those of the encoder have ReLU, those of the
    decoder have none. The image is normalized across its channels first. The net is trained from
    random weights.

    Args:
        num_classes, input_shape, preprocess, batch_norm_momentum, labels, name: As
            `fcn_keras.models.segnet`.
        bayesian: Whether there is a Dropout of 0.5 after the last two poolings and their mirrored
            convolutions, the "central four" units of Bayesian SegNet-Basic.

    Returns:
        A functional `keras.Model`: RGB 0-255 (batch, H, W, C), any H and W, to float32 logits
        (batch, H, W, num_classes). Layers have the names of the published net: "conv1", ...,
        "conv_decode1"; the last is "score_classifier".

    Raises:
        ValueError: for arguments that do not fit.

    Example:

    ```python
    model = fcn_keras.segnet_basic(11)
    model(keras.ops.zeros((1, 45, 60, 3))).shape        # (1, 45, 60, 11)
    ```

    Source: Badrinarayanan, Kendall, Cipolla (2017), "SegNet", section 3.2; the released
    segnet_basic_train.prototxt.
    """
    tasks = tasks_wanted(num_classes, labels)
    given = {"bayesian": bayesian, "batch_norm_momentum": batch_norm_momentum}
    _, stream, _ = checked_arguments("segnet_basic", given, input_shape, preprocess)
    x = preprocessed(stream, preprocessing_layer(stream.preprocess, stream.suffix), grey=False)
    x = LocalResponseNormalization(2, bias=1, alpha=2e-5, beta=0.75, name="norm")(x)
    blocks, momentum = [], batch_norm_momentum
    size = BASIC_FILTERS, BASIC_WINDOW
    for number in range(1, BASIC_BLOCKS + 1):
        given = x
        features = convolution_unit(x, *size, f"conv{number}", momentum=momentum)
        x, indices = MaxPooling2DWithIndices(name=f"pool{number}")(features)
        blocks.append(Block(number, given, (), features, indices))
        if bayesian:
            x = _drop_pooled(x, number, BASIC_BLOCKS)
    for block in reversed(blocks):
        x = unpooled(x, block, f"upsample{block.number}")
        unit = f"conv_decode{block.number}"
        x = convolution_unit(x, *size, unit, momentum=momentum, activation=None)
        if bayesian and _drops(block.number, BASIC_BLOCKS):
            x = L.Dropout(RATE, name=f"drop{block.number}_D")(x)
    return assembled([stream], scored(x, 1, "classifier", tasks, stream.image), name)


def _drops(number, count):
    """Whether Bayesian SegNet has Dropout in block `number` of a net of `count` poolings."""
    return number >= min(FIRST, count)


def _drop_pooled(x, number, count):
    return L.Dropout(RATE, name=f"drop{number}")(x) if _drops(number, count) else x
