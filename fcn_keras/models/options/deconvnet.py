"""The options of DeconvNet."""

from typing import Annotated

from fcn_keras.models.options.shared import HEAD_FILTERS, MOMENTUM, StartOptions
from fcn_keras.options import Option


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
