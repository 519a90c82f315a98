"""The options of HED."""

from typing import Annotated

from fcn_keras.models.options.shared import MOMENTUM, NetOptions
from fcn_keras.options import Option


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
