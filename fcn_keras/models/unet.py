"""U-Net: maps of the way down are concatenated with those of the way up, level by level.

image                                                                       logits
  |                                                                           ^
two convolutions --------------------- concatenated - two convolutions - convolution
  | pooled                                    ^ up-convolved
two convolutions ------- concatenated - two convolutions
  | pooled                     ^ up-convolved
 ...  ------------------------ ...
"""

from functools import partial

import keras

from fcn_keras.data_format import channels_last
from fcn_keras.geometry import crop_offset, receptive_field
from fcn_keras.geometry.grid import Grid
from fcn_keras.layers import (
    CropToReference,
    MirrorPadding2D,
    PadToMultiple,
)
from fcn_keras.models.alignment import SameAlignment
from fcn_keras.models.arguments import checked_arguments
from fcn_keras.models.backbone import load_backbone
from fcn_keras.models.convolutions import convolved_twice
from fcn_keras.models.decoders import UNet, decoded
from fcn_keras.models.init_from import begin_from
from fcn_keras.models.inputs import assembled, preprocessed, preprocessing_layer
from fcn_keras.models.options import OPTIONS, check_use
from fcn_keras.models.outputs import scored, tasks_wanted

L = keras.layers
RATE = 0.5  # of the paper's Dropout
DROPPED = 2  # levels that have it, the deepest
LOST = 4  # cells of a map that two unpadded convolutions of 3x3 cost


@channels_last()
def unet(
    num_classes,
    classifier=None,
    *,
    filters=(64, 128, 256, 512, 1024),
    padding="valid",
    context="mirror",
    decoder_filters=None,
    batch_norm=None,
    dropout=None,
    batch_norm_momentum=0.9,
    weights="imagenet",
    input_shape=(None, None, 3),
    preprocess=None,
    init_from=None,
    new_classes=False,
    labels=None,
    name="unet",
):
    """Builds U-Net: that of the paper, trained from nothing, or one over a pretrained classifier.

    On the way down each level has two 3x3 convolutions and a pooling. On the way up a map is
    upsampled, concatenated with the map that the way down had at this size, and convolved twice.

    With a `classifier` that one is the way down. The maps before its strides are concatenated, the
    upsampling is bilinear and exactly aligned, and the way up goes on to the image's own pixels.

    Args:
        num_classes: Number of classes, a task, or {output: number or task}, as
            `fcn_keras.models.fcn`. Several outputs share all but the last convolution.
        classifier: None for the paper's net. Else a registered name or a functional Keras
            classifier of yours, as `fcn_keras.models.fcn`, whose weights are kept.
        filters: Filters of each level, the finest first, at least two. Not over a classifier.
        padding: "valid": unpadded convolutions and cropped skips, as in the paper. "same": padded
            convolutions, which compute less and have no crops. Not over a classifier.
        context: "mirror": with padding="valid" the image is continued by its mirror image, so that
            the output has its size ("overlap-tile"). None: the bare net, whose output is smaller
            than the image: 572x572 pixels give 388x388. Not over a classifier.
        decoder_filters: Filters of each level of the way up over a classifier, the coarsest first.
            Default: 16 for each pixel of stride, which are 256, 128, 64, 32, 16.
        batch_norm: Whether BatchNormalization follows each convolution of the way down and up, or,
            over a classifier, of the way up. Default: False, over a classifier True.
        dropout: Rate of the Dropout at the end of the two deepest levels of the way down. Default:
            0.5, over a classifier 0.
        batch_norm_momentum: Momentum of every BatchNormalization; None for those of the
            classifier, and Keras's 0.99 for the others.
        weights: Those of the classifier, as `fcn_keras.models.fcn`.
        input_shape: (H, W, C); None leaves an axis open, so that any size from 1 works. Any number
            of channels, such as 1 for grey microscopy.
        preprocess: As `fcn_keras.models.fcn`; without a classifier the default is "tf", which
            scales to -1..1.
        init_from: A U-Net (model or .keras path) whose weights it starts from. "imagenet" weights
            are not loaded then.
        new_classes: Whether the classes are others than those of `init_from`: the last
            convolution begins anew.
        labels: A `LabelSet` that travels with the model, or {output: LabelSet}.
        name: Name of the model.

    Returns:
        A functional `keras.Model`: pixels 0-255 (batch, H, W, C), any H and W, to float32 logits
        (batch, H, W, num_classes). The levels are numbered from 1, the finest: layers "conv1_1",
        "conv1_2", "pool1", ... on the way down, "upconv4", "concat4", "up4_1", "up4_2", ... on the
        way up, and "score_conv"; over a classifier by their stride: "upsample16", "up16_1", ...

    Raises:
        ValueError: for arguments that do not fit, or that only one of the two kinds has.
        FileNotFoundError: for weights that are neither here nor reachable.

    Example:

    ```python
    cells = fcn_keras.unet(2, input_shape=(None, None, 1), filters=(16, 32, 64))
    cells(keras.ops.zeros((1, 97, 131, 1))).shape       # (1, 97, 131, 2)
    street = fcn_keras.unet(11, "vgg_slim", weights=None)
    street(keras.ops.zeros((1, 97, 131, 3))).shape      # (1, 97, 131, 11)
    ```

    Source: Ronneberger, Fischer, Brox (2015), "U-Net: Convolutional Networks for Biomedical Image
    Segmentation", section 2 and figure 1.
    """
    tasks = tasks_wanted(num_classes, labels)
    given = {
        "filters": filters,
        "padding": padding,
        "context": context,
        "decoder_filters": decoder_filters,
        "batch_norm": batch_norm,
        "dropout": dropout,
        "batch_norm_momentum": batch_norm_momentum,
        "weights": weights or "imagenet",
    }
    options, stream, weights = checked_arguments(
        "unet", given, input_shape, preprocess, weights, init_from, new_classes
    )
    _check_kind(classifier, options)
    if classifier is None:
        normalization = "batch" if batch_norm else "none"
        given = {"padding": padding, "normalization": normalization}
        unit = partial(convolved_twice, momentum=batch_norm_momentum, **given)
        x = _padded(stream, padding, context, len(options["filters"]))
        x = _down_and_up(x, stream.image, options["filters"], unit, padding, dropout)
        logits = scored(x, 1, "conv", tasks, stream.image if context else x)
    else:
        logits = _over(stream, classifier, weights, options, tasks)
    model = assembled([stream], logits, name)
    if init_from is not None:
        begin_from(model, init_from, new_classes)
    return model


def _check_kind(classifier, options):
    """Refuses options that mean nothing with, or without, a classifier."""
    given = {name for name, value in options.items() if value != OPTIONS["unet"][name].default}
    check_use("unet", classifier, given)


def _over(stream, classifier, weights, options, tasks):
    """{output: logits} over a classifier."""
    momentum = options["batch_norm_momentum"]
    backbone = load_backbone(
        stream,
        classifier,
        weights,
        SameAlignment,
        head_filters=0,
        batch_norm_momentum=momentum,
        before_pooling=True,
    )
    decoder = partial(
        UNet,
        filters=options["decoder_filters"],
        dropout=options["dropout"],
        normalization="none" if options["batch_norm"] is False else "batch",
        momentum=momentum,
    )
    return decoded(backbone, stream.image, decoder, tasks)


def _down_and_up(x, image, filters, unit, padding, dropout):
    """The paper's figure 1, from the padded image to the last features."""
    rate = RATE if dropout is None else dropout
    skips = []
    for level, count in enumerate(filters, start=1):
        if skips:
            x = L.MaxPooling2D(2, name=f"pool{level - 1}")(x)
        x = unit(x, count, f"conv{level}")
        if rate and level > len(filters) - DROPPED:
            x = L.Dropout(rate, name=f"drop{level}")(x)
        skips.append(x)
    x = skips.pop()
    while skips:
        level, skip = len(skips), skips.pop()
        x = _up_convolved(x, filters[level - 1], f"upconv{level}")
        if padding == "valid":
            skip = _cropped(skip, x, image, f"crop{level}")
        x = L.Concatenate(name=f"concat{level}")([x, skip])
        x = unit(x, filters[level - 1], f"up{level}")
    return x


def _padded(stream, padding, context, levels):
    """The preprocessed image, continued so that the output covers it."""
    how = "tf" if stream.preprocess is None else stream.preprocess
    x = preprocessed(stream, preprocessing_layer(how, stream.suffix), grey=False)
    step = 2 ** (levels - 1)
    if padding == "same":
        return PadToMultiple(step, name="pad")(x)
    if context is None:
        return x
    return MirrorPadding2D(_margin(levels), step, smallest=LOST, name="mirror")(x)


def _margin(levels):
    """The pixels in front of the first output of the net without context."""
    grid = Grid(1, ((0, 0),)).window(3).window(3)
    for _ in range(levels - 1):
        grid = grid.window(2, stride=2).window(3).window(3)
    for _ in range(levels - 1):
        grid = grid.transposed(2, stride=2).window(3).window(3)
    return int(grid.offset)


def _up_convolved(x, filters, name):
    """A map of twice the size, in which each cell is made of one cell of the coarser map."""
    deviation = (2 / x.shape[-1]) ** 0.5
    return L.Conv2DTranspose(
        filters,
        2,
        strides=2,
        activation="relu",
        kernel_initializer=keras.initializers.RandomNormal(stddev=deviation),
        name=name,
    )(x)


def _cropped(skip, x, image, name):
    """The part of a skip that lies on an upsampled map."""
    fields = (receptive_field(keras.Model(image, tensor)) for tensor in (skip, x))
    return CropToReference(crop_offset(*fields), name=name)([skip, x])
