"""The options of the DeepLabs."""

from dataclasses import replace
from typing import Annotated

from fcn_keras.checks import whole_number
from fcn_keras.models.options.shared import (
    DROPOUT,
    HEAD_FILTERS,
    MOMENTUM,
    StartOptions,
    parse_numbers,
)
from fcn_keras.options import Option


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
    parse=parse_numbers,
    takes="whole numbers with commas between, such as 6,12,18",
    shown="6,12,18,24 in v2; 6,12,18 at stride 16 in v3",
    check=_rates,
)


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
