"""The options of SegNet and SegNet-Basic."""

from typing import Annotated

from fcn_keras.models.options.shared import MOMENTUM, NetOptions
from fcn_keras.options import Option


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
