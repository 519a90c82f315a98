"""The options of U-Net."""

from typing import Annotated, Any

from fcn_keras.models.options.shared import (
    DECODER_FILTERS,
    DROPOUT,
    MOMENTUM,
    StartOptions,
    checked_filters,
    parse_numbers,
)
from fcn_keras.options import Option


class UNetOptions(StartOptions, total=False):
    """The options of `fcn_keras.models.unet`, which documents them."""

    filters: Annotated[
        tuple,
        Option(
            "Filters of each level of a U-Net without a classifier, the finest first; of a FlowNet "
            "those of conv1 to conv6.",
            metavar="N,N,...",
            parse=parse_numbers,
            takes="whole numbers with commas between, one for each level, such as 16,32,64,128,256",
            default=(64, 128, 256, 512, 1024),
            shown="64,128,256,512,1024; 64,128,256,512,512,1024 in a FlowNet",
            check=checked_filters,
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


UNET_ALONE = ("filters", "padding", "context")  # the options of a U-Net without a classifier
