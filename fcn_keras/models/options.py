"""The options of each net, declared once: signatures, commands, docs and checks are made from it.

Needs no Keras.
"""

import os
from dataclasses import replace
from typing import Annotated, Any, TypedDict

from fcn_keras.checks import number, positive, whole_number
from fcn_keras.options import Option, declared

CLASSIFIER = Option(
    "Name of the classifier: any of keras.applications (vgg16, resnet50, ...), alexnet, googlenet, "
    "efficientnet_lite0 to 4, resnet50_v1_5, resnet101_v1_5, or resnet_slim and vgg_slim, which "
    "train from nothing.",
    metavar="NAME",
    flag="classifier",
    kind=str,
    default="vgg16",
)


DROPOUT = Option(
    "Dropout rate: after each hidden layer of the head, in a U-Net at the end of the way down, in "
    "other decoders of a segmenter at their end.",
    metavar="RATE",
    most=1,
    shown="the classifier's; 0.5 in a DeepLab and in a U-Net without a classifier; in a segmenter "
    "the decoder's",
)


HEAD_FILTERS = Option(
    "Number of filters of fc6 and fc7, of a DeconvNet, a DeepLab or an Eigen-Fergus net.",
    metavar="N",
    least=1,
    shown="the classifier's; of a DeepLab those of the paper",
)


def _weights(text):
    return None if text == "none" else text


def _momentum(name, value):
    return None if value is None else number(name, value, 0, 1)


MOMENTUM = Option(
    "Momentum of every BatchNormalization.", default=0.9, check=_momentum, python_only=True
)


def _numbers(text):
    return tuple(int(part) for part in text.split(","))


def _rates(name, value):
    """Checks the dilations of a pyramid."""
    if not isinstance(value, (tuple, list)) or not value:
        raise ValueError(
            f"`{name}` needs the dilation of each branch, such as (6, 12, 18), got {value!r}."
        )
    return tuple(whole_number(name, one) for one in value)


ASPP_RATES = Option(
    "Dilation of each 3x3 convolution of a DeepLab's pyramid, from v2 on.",
    metavar="N,N,...",
    parse=_numbers,
    takes="whole numbers with commas between, such as 6,12,18",
    shown="6,12,18,24 in v2; 6,12,18 at stride 16 in v3",
    check=_rates,
)


def _filters(name, value):
    """Checks the filters of U-Net's own levels."""
    counts = tuple(value) if isinstance(value, (tuple, list)) else ()
    if len(counts) < 2:
        raise ValueError(
            f"`{name}` needs the number of filters of each level, the finest first, of at least "
            f"two, such as (64, 128, 256, 512, 1024); got {value!r}."
        )
    return tuple(whole_number(name, count) for count in counts)


DECODER_FILTERS = Option(
    "Number of features of each level of the way up, coarsest first; an FCN then adds features of "
    "its skips in place of scores. Of a segmenter's other decoders one number, of fpn two.",
    metavar="N,N,...",
    parse=_numbers,
    takes="whole numbers with commas between, one for each skip, such as 128,96,64",
    shown="none; 256,128,64,32,16 in a U-Net; a segmenter's are the decoder's",
)


DECODERS = ("unet", "unet++", "linknet", "fpn", "pspnet", "pan", "upernet")
DECODER = Option(
    f"Decoder of a segmenter: {', '.join(DECODERS)}. Of a depth net one of these, or any net over "
    "a classifier.",
    metavar="NAME",
    flag="decoder",
    kind=str,
    default="fpn",
    shown="fpn; unet of a depth net",
    choices=DECODERS,
)


class NetOptions(TypedDict, total=False):
    """The options that every net over a classifier has; `fcn_keras.models.fcn` documents them."""

    weights: Annotated[
        str | os.PathLike | None,
        Option(
            "Weights of the classifier: imagenet, none (random), auto (imagenet where there are "
            "any), or a weights file.",
            metavar="auto|imagenet|none|FILE",
            parse=_weights,
            takes="auto, imagenet, none or a file",
            default="imagenet",
        ),
    ]
    input_shape: Annotated[
        tuple | dict,
        Option(
            "Shape of the images, (H, W, channels); None leaves H or W open.",
            default=(None, None, 3),
            python_only=True,
        ),
    ]
    preprocess: Annotated[
        Any, Option("Preprocessing of the images; None: the classifier's.", python_only=True)
    ]
    labels: Annotated[Any, Option("Class names that travel with the model.", python_only=True)]
    name: Annotated[str | None, Option("Name of the model.", python_only=True)]


class StartOptions(NetOptions, total=False):
    """The options of nets that can start from the weights of another net."""

    init_from: Annotated[
        Any,
        Option(
            "Net of the same kind, or a coarser FCN, whose weights the net starts from: a .keras "
            "file or a run folder.",
            metavar="MODEL",
            kind=str,
        ),
    ]
    new_classes: Annotated[
        bool,
        Option(
            "Begins the score layers anew, for other classes than those of init_from; everything "
            "else is taken from it.",
            default=False,
            choices=(False, True),
        ),
    ]


class FCNOptions(StartOptions, total=False):
    """The options of `fcn_keras.models.fcn` and of `fcn32s` to `fcn2s`; `fcn` documents them."""

    alignment: Annotated[
        str,
        Option(
            "Alignment of logits and pixels: same keeps them exactly on each other, caffe is that "
            "of the published nets, torch resizes by half pixels as the nets of PyTorch.",
            default="same",
            choices=("same", "caffe", "torch"),
        ),
    ]
    skip_scales: Annotated[
        tuple | None, Option("Factors on the skips, coarsest first.", python_only=True)
    ]
    output_stride: Annotated[
        int | None,
        Option(
            "Stride of the deepest scores in pixels: strides beyond it are removed from the "
            "classifier, and the later kernels dilated.",
            metavar="8|16",
            least=1,
            shown="the classifier's",
        ),
    ]
    learn_upsampling: Annotated[
        bool | str,
        Option(
            "Learns the inner upsamplings, starting from bilinear, as in the paper.",
            default=False,
            choices=(False, True, "all"),
        ),
    ]
    dropout: Annotated[float | None, DROPOUT]
    head_filters: Annotated[
        int | None,
        Option(
            "Filters of a new head in front of the scores; 0 for none.",
            shown="the classifier's own head",
            python_only=True,
        ),
    ]
    batch_norm_momentum: Annotated[
        float | None,
        Option(
            "Momentum of every BatchNormalization; None keeps the classifier's.",
            default=0.9,
            check=_momentum,
            python_only=True,
        ),
    ]
    score_initializer: Annotated[Any, Option("Initializer of the score layers.", python_only=True)]
    decoder_filters: Annotated[Any, DECODER_FILTERS]


class SegNetOptions(NetOptions, total=False):
    """The options of `fcn_keras.models.segnet`, which documents them."""

    bayesian: Annotated[
        bool,
        Option(
            "Dropout of 0.5 in the deeper blocks, as in Bayesian SegNet: several passes with it "
            "tell how certain the net is.",
            default=False,
        ),
    ]
    batch_norm_momentum: Annotated[float | None, MOMENTUM]


class DeconvNetOptions(StartOptions, total=False):
    """The options of `fcn_keras.models.deconvnet`, which documents them."""

    head_filters: Annotated[int | None, HEAD_FILTERS]
    head_padding: Annotated[
        str,
        Option(
            "Padding of fc6 and its mirror image: same keeps the size of their map; valid makes "
            "one cell of each window of 7x7, as in the paper.",
            default="same",
            choices=("same", "valid"),
        ),
    ]
    batch_norm_momentum: Annotated[float | None, MOMENTUM]


def _flownet_filters(name, value):
    """Checks the filters of a FlowNet's conv1 to conv6."""
    counts = tuple(value) if isinstance(value, (tuple, list)) else ()
    if len(counts) != 6:
        raise ValueError(
            f"`{name}` of a FlowNet needs the numbers of filters of conv1 to conv6, such as "
            f"(64, 128, 256, 512, 512, 1024); got {value!r}."
        )
    return tuple(whole_number(name, count) for count in counts)


def _displacement(name, value):
    value = whole_number(name, value, 2)
    if value % 2:
        raise ValueError(f"`{name}` must be even: every second cell is compared; got {value}.")
    return value


class UNetOptions(StartOptions, total=False):
    """The options of `fcn_keras.models.unet`, which documents them."""

    filters: Annotated[
        tuple,
        Option(
            "Filters of each level of a U-Net without a classifier, the finest first; of a FlowNet "
            "those of conv1 to conv6.",
            metavar="N,N,...",
            parse=_numbers,
            takes="whole numbers with commas between, one for each level, such as 16,32,64,128,256",
            default=(64, 128, 256, 512, 1024),
            shown="64,128,256,512,1024; 64,128,256,512,512,1024 in a FlowNet",
            check=_filters,
        ),
    ]
    padding: Annotated[
        str,
        Option(
            "Convolutions of a U-Net without a classifier: valid are unpadded, as in the paper, "
            "over an image with a mirrored margin; same are padded, which is faster.",
            default="valid",
            choices=("valid", "same"),
        ),
    ]
    context: Annotated[
        str | None,
        Option(
            "Whether the image gets a mirrored margin, so that the output has its size.",
            default="mirror",
            choices=("mirror", None),
            python_only=True,
        ),
    ]
    decoder_filters: Annotated[Any, DECODER_FILTERS]
    batch_norm: Annotated[
        bool | None,
        Option(
            "BatchNormalization after each convolution of a U-Net; over a classifier after those "
            "of the way up.",
            choices=(False, True),
            shown="no; over a classifier yes",
        ),
    ]
    dropout: Annotated[float | None, DROPOUT]
    batch_norm_momentum: Annotated[float | None, MOMENTUM]


class DeepLabOptions(StartOptions, total=False):
    """The options of `fcn_keras.models.deeplab_v1`, which documents them."""

    variant: Annotated[
        str,
        Option(
            "Net of DeepLab's paper: the window and the holes of fc6.",
            default="largefov",
            choices=("largefov", "7x7", "4x4", "plain"),
        ),
    ]
    multi_scale: Annotated[
        bool,
        Option("Scores the image and the first four pooled maps of DeepLab too.", default=False),
    ]
    average_pool: Annotated[
        bool,
        Option(
            "Whether the last map is averaged over 3x3 cells in front of fc6.",
            default=False,
            python_only=True,
        ),
    ]
    head_filters: Annotated[int | None, HEAD_FILTERS]
    dropout: Annotated[float | None, DROPOUT]
    batch_norm_momentum: Annotated[float | None, MOMENTUM]


class DeepLabV2Options(StartOptions, total=False):
    """The options of `fcn_keras.models.deeplab_v2`, which documents them."""

    aspp_rates: Annotated[tuple, replace(ASPP_RATES, default=(6, 12, 18, 24))]
    head_filters: Annotated[int | None, replace(HEAD_FILTERS, least=0)]
    dropout: Annotated[float | None, DROPOUT]
    batch_norm_momentum: Annotated[float | None, MOMENTUM]


class DeepLabV3Options(StartOptions, total=False):
    """The options of `fcn_keras.models.deeplab_v3` and `deeplab_v3_plus`, which document them."""

    alignment: Annotated[
        str,
        Option(
            "Alignment of logits and pixels: same, or torch, as the nets of PyTorch.",
            default="same",
            choices=("same", "torch"),
        ),
    ]
    output_stride: Annotated[
        int, Option("Stride of the deepest features in pixels.", default=16, least=1)
    ]
    aspp_rates: Annotated[tuple | None, ASPP_RATES]
    aspp_filters: Annotated[
        int,
        Option(
            "Number of filters of each convolution of DeepLabv3's pyramid and decoder.",
            default=256,
            least=1,
        ),
    ]
    separable: Annotated[
        bool,
        Option(
            "Whether the 3x3 convolutions of DeepLabv3's pyramid and decoder are depthwise "
            "separable.",
            default=False,
            python_only=True,
        ),
    ]
    dropout: Annotated[float | None, DROPOUT]
    batch_norm_momentum: Annotated[float | None, MOMENTUM]


class HEDOptions(NetOptions, total=False):
    """The options of `fcn_keras.models.hed`, which documents them."""

    alignment: Annotated[
        str,
        Option(
            "Alignment of HED's side outputs and the pixels: same keeps them exactly on each "
            "other, caffe is that of the published net.",
            default="same",
            choices=("same", "caffe"),
        ),
    ]
    merged: Annotated[
        bool,
        Option(
            "Answers the mean of HED's fusion and side outputs, as the paper's best result.",
            default=False,
        ),
    ]
    batch_norm_momentum: Annotated[float | None, MOMENTUM]


class SegmenterOptions(StartOptions, total=False):
    """The options of `fcn_keras.models.segmenter`, which documents them."""

    decoder: Annotated[str, DECODER]
    decoder_filters: Annotated[Any, DECODER_FILTERS]
    encoder_depth: Annotated[
        int | None,
        Option(
            "Strides of the classifier that a segmenter uses: 3 ends at stride 8, 5 at stride 32.",
            least=1,
            shown="all; 3 for the decoder pspnet",
        ),
    ]
    output_stride: Annotated[
        int | None,
        Option(
            "Stride of the deepest features in pixels: strides beyond it are removed from the "
            "classifier, and the later kernels dilated.",
            metavar="8|16",
            least=1,
            shown="the classifier's; 16 for the decoder pan",
        ),
    ]
    dropout: Annotated[float | None, DROPOUT]
    decoder_normalization: Annotated[
        str | None,
        Option(
            "Normalization behind each convolution of a segmenter's decoder; group is for steps of "
            "one or two images.",
            choices=("batch", "group", "none"),
            shown="batch; group for the decoder fpn",
        ),
    ]
    batch_norm_momentum: Annotated[float | None, MOMENTUM]


class EigenFergusOptions(StartOptions, total=False):
    """The options of `fcn_keras.models.eigen_fergus`, which documents them."""

    scales: Annotated[
        int,
        Option("Scales of Eigen and Fergus's net.", default=3, choices=(2, 3), flag="net-scales"),
    ]
    head_filters: Annotated[int | None, HEAD_FILTERS]
    dropout: Annotated[float | None, DROPOUT]
    batch_norm_momentum: Annotated[float | None, MOMENTUM]


UNET_ALONE = ("filters", "padding", "context")  # the options of a U-Net without a classifier


class FlowNetOptions(TypedDict, total=False):
    """The options of `fcn_keras.models.flownet_s`, which documents them."""

    filters: Annotated[
        tuple,
        replace(
            declared(UNetOptions)["filters"],
            default=(64, 128, 256, 512, 512, 1024),
            check=_flownet_filters,
        ),
    ]
    scale: Annotated[
        float,
        Option(
            "Pixels of flow that the predicting layers of a FlowNet give as 1; less for data that "
            "moves less.",
            metavar="PIXELS",
            flag="flow-scale",
            default=20.0,
            check=positive,
        ),
    ]
    input_shape: Annotated[
        tuple, replace(declared(NetOptions)["input_shape"], default=(None, None, 6))
    ]
    preprocess: Annotated[Any, declared(NetOptions)["preprocess"]]
    init_from: Annotated[Any, declared(StartOptions)["init_from"]]
    name: Annotated[str | None, declared(NetOptions)["name"]]


class FlowNetCOptions(FlowNetOptions, total=False):
    """The options of `fcn_keras.models.flownet_c`, which documents them."""

    displacement: Annotated[
        int,
        Option(
            "Largest displacement that FlowNetC compares, in cells of 8 pixels; even.",
            metavar="N",
            default=20,
            check=_displacement,
        ),
    ]


# For each net of `fcn_keras.models.NETS` its options, {name: Option}.
OPTIONS = {
    name: {"classifier": CLASSIFIER, **declared(FCNOptions)}
    for name in ("fcn32s", "fcn16s", "fcn8s", "fcn4s", "fcn2s")
}
OPTIONS["segnet"] = {"classifier": CLASSIFIER, **declared(SegNetOptions)}
OPTIONS["segnet_basic"] = {  # it has its own encoder, which nobody trained before
    name: one for name, one in declared(SegNetOptions).items() if name != "weights"
}
OPTIONS["deconvnet"] = {"classifier": CLASSIFIER, **declared(DeconvNetOptions)}
OPTIONS["deeplab_v1"] = {"classifier": CLASSIFIER, **declared(DeepLabOptions)}
OPTIONS["deeplab_v2"] = {"classifier": CLASSIFIER, **declared(DeepLabV2Options)}
for _net in ("deeplab_v3", "deeplab_v3_plus"):
    OPTIONS[_net] = {
        "classifier": replace(CLASSIFIER, default="resnet50"),
        **declared(DeepLabV3Options),
    }
OPTIONS["deeplab_v3_plus"]["separable"] = replace(
    OPTIONS["deeplab_v3"]["separable"],
    default=True,  # as in its paper
)
OPTIONS["segmenter"] = {
    "classifier": replace(CLASSIFIER, default="mobilenet_v2"),
    **declared(SegmenterOptions),
}
OPTIONS["unet"] = {"classifier": replace(CLASSIFIER, default=None), **declared(UNetOptions)}
OPTIONS["flownet_s"] = declared(FlowNetOptions)
OPTIONS["flownet_c"] = declared(FlowNetCOptions)
OPTIONS["eigen_fergus"] = {"classifier": CLASSIFIER, **declared(EigenFergusOptions)}

# The nets that are made for one task, by its kind; their builders take it as `task`.
MADE_FOR = {"depth": "depth", "flownet_s": "flow", "flownet_c": "flow", "hed": "boundaries"}

# What `fcn_keras.models.depth` puts over a classifier: a net, or a decoder of a segmenter.
_OVER_CLASSIFIERS = [
    net for net, one in OPTIONS.items() if "classifier" in one and net not in MADE_FOR
]
DEPTH_DECODERS = tuple(
    name for name in dict.fromkeys([*_OVER_CLASSIFIERS, *DECODERS]) if name != "segmenter"
)
OPTIONS["depth"] = {
    "classifier": CLASSIFIER,
    "decoder": replace(DECODER, default="unet", choices=DEPTH_DECODERS),
    "start_depth": Option(
        "About the depth that an untrained depth net answers, such as the mean of the data.",
        metavar="UNITS",
        flag="start-depth",
        kind=float,
        shown="1",
        check=lambda name, value: value if value is None else positive(name, value),
    ),
    **{
        name: one
        for net in _OVER_CLASSIFIERS
        for name, one in OPTIONS[net].items()
        if name not in ("classifier", "decoder", "labels", "new_classes", *UNET_ALONE)
    },
}

OPTIONS["hed"] = {"classifier": CLASSIFIER, **declared(HEDOptions)}

# Of a net that takes a classifier or has its own way down: the options that need the one, and
# those that need the other.
_WITH_CLASSIFIER = {"unet": ("weights", "decoder_filters")}
_WITHOUT_CLASSIFIER = {"unet": UNET_ALONE}


def check_options(net, options):
    """Returns the options of a net, each checked against its declaration.

    Args:
        net: A name of `OPTIONS`.
        options: {option: value}.

    Raises:
        ValueError: for an unknown net, an option that the net does not have, or a value that is
            not possible; the message lists the possible ones.
    """
    if net not in OPTIONS:
        raise ValueError(f"There is no net {net!r}. Known nets: {', '.join(OPTIONS)}.")
    unknown = [name for name in options if name not in OPTIONS[net]]
    if unknown:
        raise ValueError(
            f"The net {net!r} has no option {unknown[0]!r}. It has {', '.join(OPTIONS[net])}."
        )
    return {name: OPTIONS[net][name].checked(name, value) for name, value in options.items()}


def net_of_decoder(decoder):
    """Returns the net that one of `DEPTH_DECODERS` is, and its options: {} or {"decoder": name}."""
    return (decoder, {}) if decoder in OPTIONS else ("segmenter", {"decoder": decoder})


def task_made_for(net, task):
    """Returns a task, checked against the one that a net of `MADE_FOR` is made for.

    Raises:
        ValueError: for another task, or a number of classes.
    """
    wanted = MADE_FOR[net]
    if getattr(task, "kind", None) != wanted:
        what = f"{task} classes" if isinstance(task, int) else task
        raise ValueError(
            f"The net {net!r} is made for {wanted}, got {what}. Take data of {wanted}, or another "
            "net."
        )
    return task


def needs_classifier(net):
    """Returns whether a net is built over a classifier only; other nets have a way down too."""
    one = OPTIONS[net].get("classifier")
    return one is not None and one.default is not None


def unused(net, classifier):
    """Returns the options of a net that mean nothing with, or without, a classifier.

    Args:
        net: A name of `OPTIONS`.
        classifier: Its classifier, or None.
    """
    return (_WITH_CLASSIFIER if classifier is None else _WITHOUT_CLASSIFIER).get(net, ())


def check_use(net, classifier, names):
    """Raises ValueError for an option that means nothing with, or without, a classifier.

    Args:
        net: A name of `OPTIONS`.
        classifier: Its classifier, or None.
        names: The options that were given.
    """
    for name in unused(net, classifier):
        if name in names:
            others = [other for other in OPTIONS[net] if other not in unused(net, classifier)]
            wrong = (
                f"`{name}` goes with a classifier, such as classifier='mobilenet_v2'; without one "
                if classifier is None
                else f"`{name}` is for a {net} without a classifier; over {name_of(classifier)!r} "
            )
            raise ValueError(f"{wrong}it has {', '.join(others)}.")


def name_of(classifier):
    """Returns the name of a classifier that is given by it or as a Keras model."""
    return classifier if isinstance(classifier, str) else classifier.name
