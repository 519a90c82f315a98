"""Options that several nets have."""

import os
from typing import Annotated, Any, TypedDict

from fcn_keras.checks import number, whole_number
from fcn_keras.options import Option

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


def checked_momentum(name, value):
    """Returns the momentum of BatchNormalization: None, or a number from 0 to 1."""
    return None if value is None else number(name, value, 0, 1)


MOMENTUM = Option(
    "Momentum of every BatchNormalization.", default=0.9, check=checked_momentum, python_only=True
)


def parse_numbers(text):
    """Returns the whole numbers in text such as "16,32,64", a tuple."""
    return tuple(int(part) for part in text.split(","))


def checked_filters(name, value):
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
    parse=parse_numbers,
    takes="whole numbers with commas between, one for each skip, such as 128,96,64",
    shown="none; 256,128,64,32,16 in a U-Net; a segmenter's are the decoder's",
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
