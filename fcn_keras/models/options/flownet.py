"""The options of the FlowNets."""

from dataclasses import replace
from typing import Annotated, Any, TypedDict

from fcn_keras.checks import positive, whole_number
from fcn_keras.models.options.shared import NetOptions, StartOptions
from fcn_keras.models.options.unet import UNetOptions
from fcn_keras.options import Option, declared


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
