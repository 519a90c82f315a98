"""DeepLabv3 and v3+: a dilated classifier, an atrous pyramid with the whole image, a short decoder.

image - classifier, stride 4 - ... - stride 16 or 8, with holes - pyramid: 1x1, three rates, image
                |                                                                  |
    v3+:       1x1, 48 --------------------------------- concatenated --- upsampled
                                                              |
                                                    two 3x3 - scores - logits
"""

import keras

from fcn_keras.data_format import channels_last
from fcn_keras.models.alignment import ALIGNMENTS, on_pixels
from fcn_keras.models.arguments import checked_arguments
from fcn_keras.models.backbone import load_backbone
from fcn_keras.models.convolutions import convolved
from fcn_keras.models.init_from import begin_from
from fcn_keras.models.inputs import assembled
from fcn_keras.models.outputs import suffix_of, tasks_wanted
from fcn_keras.models.pyramid import EPSILON, atrous_pyramid

L = keras.layers
RATE = 0.5  # of the Dropout
HOLES, AT = (6, 12, 18), 16  # the dilations of the paper, and the stride they are for
LOW_LEVEL, LOW_STRIDE = 48, 4


@channels_last()
def deeplab_v3(
    num_classes,
    classifier="resnet50",
    *,
    output_stride=16,
    aspp_rates=None,
    aspp_filters=256,
    separable=False,
    dropout=None,
    batch_norm_momentum=0.9,
    alignment="same",
    weights="imagenet",
    input_shape=(None, None, 3),
    preprocess=None,
    init_from=None,
    new_classes=False,
    labels=None,
    name="deeplab_v3",
):
    """Builds DeepLabv3: an atrous pyramid with image features over a dilated classifier.

    Another 3x3 convolution follows, as in the nets of PyTorch. The scores have the stride of the
    classifier and are upsampled to the image.

    Args:
        num_classes: Number of classes, a task, or {output: number or task}, as
            `fcn_keras.models.fcn`. Several outputs share all but the scores.
        classifier: A registered name or a functional Keras classifier of yours, as
            `fcn_keras.models.fcn`.
        output_stride: Stride of the deepest features in pixels, 16 or 8 in the paper; strides
            beyond it are removed from the classifier and the later kernels dilated.
        aspp_rates: Dilation of each 3x3 convolution of the pyramid. Default: (6, 12, 18) at stride
            16, twice that at stride 8.
        aspp_filters: Filters of each convolution of the pyramid and the decoder.
        separable: Whether the 3x3 convolutions of pyramid and decoder are depthwise separable.
        dropout: Dropout rate behind the pyramid. Default: 0.5.
        batch_norm_momentum: Momentum of every BatchNormalization; None for those of the
            classifier, and Keras's 0.99 for the new ones.
        alignment: "same": logits lie exactly on the pixels. "torch": maps are resized by half
            pixels, as in the nets of PyTorch. As `fcn_keras.models.fcn`.
        weights: As `fcn_keras.models.fcn`.
        input_shape: (H, W, C); None leaves an axis open, so that any size from 1 works.
        preprocess: As `fcn_keras.models.fcn`.
        init_from: A DeepLabv3 (model or .keras path) whose weights it starts from. "imagenet"
            weights are not loaded then.
        new_classes: Whether the classes are others than those of `init_from`.
        labels: A `LabelSet` that travels with the model, or {output: LabelSet}.
        name: Name of the model.

    Returns:
        A functional `keras.Model`: RGB 0-255 (batch, H, W, C), any H and W, to float32 logits
        (batch, H, W, num_classes). The pyramid pools the whole image, so that no exact tiles
        exist: `segment_tiled(..., halo="blend")`.

    Raises:
        ValueError: for arguments that do not fit; the message quotes the value.
        FileNotFoundError: for weights that are neither here nor reachable.

    Example:

    ```python
    model = fcn_keras.deeplab_v3(11, "resnet_slim", weights=None, aspp_filters=32)
    model(keras.ops.zeros((1, 97, 131, 3))).shape       # (1, 97, 131, 11)
    ```

    Source: Chen, Papandreou, Schroff, Adam (2017), "Rethinking Atrous Convolution for Semantic
    Image Segmentation", section 3.
    """
    tasks = tasks_wanted(num_classes, labels)
    options = {
        "output_stride": output_stride,
        "aspp_rates": aspp_rates,
        "aspp_filters": aspp_filters,
        "separable": separable,
        "dropout": dropout,
        "batch_norm_momentum": batch_norm_momentum,
        "alignment": alignment,
    }
    shared = input_shape, preprocess, weights, init_from, new_classes
    return _built("deeplab_v3", _headed, classifier, tasks, options, shared, name)


@channels_last()
def deeplab_v3_plus(
    num_classes,
    classifier="resnet50",
    *,
    output_stride=16,
    aspp_rates=None,
    aspp_filters=256,
    separable=True,
    dropout=None,
    batch_norm_momentum=0.9,
    alignment="same",
    weights="imagenet",
    input_shape=(None, None, 3),
    preprocess=None,
    init_from=None,
    new_classes=False,
    labels=None,
    name="deeplab_v3_plus",
):
    """Builds DeepLabv3+: DeepLabv3 with a decoder that joins a map of stride 4.

    The pyramid's features are upsampled onto the classifier's map of stride 4, which a 1x1
    convolution makes 48 features of; two 3x3 convolutions mix them, and their scores are
    upsampled four times.

    Args:
        num_classes, classifier, output_stride, aspp_rates, aspp_filters, separable, dropout,
        batch_norm_momentum, alignment, weights, input_shape, preprocess, init_from, new_classes,
        labels, name: As `fcn_keras.models.deeplab_v3`.

    Returns:
        A functional `keras.Model`; as `fcn_keras.models.deeplab_v3`.

    Raises:
        ValueError: as `fcn_keras.models.deeplab_v3`, and for a classifier without a map of
            stride 4.
        FileNotFoundError: for weights that are neither here nor reachable.

    Example:

    ```python
    model = fcn_keras.deeplab_v3_plus(11, "resnet_slim", weights=None, aspp_filters=32)
    model(keras.ops.zeros((1, 97, 131, 3))).shape       # (1, 97, 131, 11)
    ```

    Source: Chen, Zhu, Papandreou, Schroff, Adam (2018), "Encoder-Decoder with Atrous Separable
    Convolution for Semantic Image Segmentation", section 3.
    """
    tasks = tasks_wanted(num_classes, labels)
    options = {
        "output_stride": output_stride,
        "aspp_rates": aspp_rates,
        "aspp_filters": aspp_filters,
        "separable": separable,
        "dropout": dropout,
        "batch_norm_momentum": batch_norm_momentum,
        "alignment": alignment,
    }
    shared = input_shape, preprocess, weights, init_from, new_classes
    return _built("deeplab_v3_plus", _decoded, classifier, tasks, options, shared, name)


def _built(net, decode, classifier, tasks, options, shared, name):
    """The model: a dilated classifier, the pyramid, what `decode` makes of it, the scores."""
    options, stream, weights = checked_arguments(net, options, *shared)
    backbone, align = _dilated(stream, classifier, weights, options)
    features = decode(_pyramid(backbone.deepest, options), backbone, align, options)
    model = _scored(features, stream, align, tasks, name)
    *_, init_from, new_classes = shared
    if init_from is not None:
        begin_from(model, init_from, new_classes)
    return model


def _dilated(stream, classifier, weights, options):
    """The `Backbone` at the stride of the options, and what aligns its maps."""
    align = ALIGNMENTS[options["alignment"]]
    backbone = load_backbone(
        stream,
        classifier,
        weights,
        align,
        head_filters=0,
        batch_norm_momentum=options["batch_norm_momentum"],
        output_stride=options["output_stride"],
    )
    return backbone, align([stream.image], backbone.nested)


def _pyramid(deepest, options):
    """The `Tap` behind the pyramid and its Dropout."""
    rates = options["aspp_rates"]
    if rates is None:
        rates = [max(1, rate * AT // deepest.stride) for rate in HOLES]
    x = atrous_pyramid(
        deepest.tensor,
        options["aspp_filters"],
        rates,
        separable=options["separable"],
        momentum=options["batch_norm_momentum"],
    )
    rate = RATE if options["dropout"] is None else options["dropout"]
    return deepest.with_tensor(L.Dropout(rate, name="drop")(x) if rate else x)


def _headed(deep, backbone, align, options):
    """The `Tap` behind the one 3x3 convolution of v3."""
    return deep.with_tensor(_mixed(deep.tensor, "head_1", options))


def _decoded(deep, backbone, align, options):
    """The `Tap` of stride 4 in which v3+ joins its map of this stride and the pyramid's."""
    low = next((tap for tap in backbone.finer if tap.stride == LOW_STRIDE), None)
    if low is None:
        raise ValueError(
            f"deeplab_v3_plus joins a map of stride {LOW_STRIDE}, and the maps of the classifier "
            f"have strides {backbone.strides}. Use deeplab_v3."
        )
    given = {"momentum": options["batch_norm_momentum"], "epsilon": EPSILON}
    skip = convolved(low.tensor, LOW_LEVEL, 1, "low_level", **given)
    fine = align.upsampled(deep, low.with_tensor(skip), False, "upsample_low_level")
    x = L.Concatenate(name="concat_low_level")([fine.tensor, skip])
    for number in (1, 2):
        x = _mixed(x, f"head_{number}", options)
    return low.with_tensor(x)


def _mixed(x, name, options):
    """A map behind a 3x3 convolution of the options."""
    given = {"separable": options["separable"], "momentum": options["batch_norm_momentum"]}
    return convolved(x, options["aspp_filters"], 3, name, epsilon=EPSILON, **given)


def _scored(features, stream, align, tasks, name):
    """The model whose last convolution scores the features, upsampled to the image."""
    logits = {}
    for output, task in tasks.items():
        suffix = suffix_of(output)
        score = L.Conv2D(task.channels, 1, name=f"score_conv{suffix}")
        scores = features.with_tensor(score(features.tensor))
        logits[output] = on_pixels(align, scores, stream.image, task, suffix=suffix)
    return assembled([stream], logits, name)
