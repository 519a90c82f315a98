"""The options of Eigen and Fergus's net."""

from typing import Annotated

from fcn_keras.models.options.shared import DROPOUT, HEAD_FILTERS, MOMENTUM, StartOptions
from fcn_keras.options import Option


class EigenFergusOptions(StartOptions, total=False):
    """The options of `fcn_keras.models.eigen_fergus`, which documents them."""

    scales: Annotated[
        int,
        Option("Scales of Eigen and Fergus's net.", default=3, choices=(2, 3), flag="net-scales"),
    ]
    head_filters: Annotated[int | None, HEAD_FILTERS]
    dropout: Annotated[float | None, DROPOUT]
    batch_norm_momentum: Annotated[float | None, MOMENTUM]
