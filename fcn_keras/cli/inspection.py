"""The command `fcn-keras summary`: geometry, parameters, operations and memory of a net."""

from pathlib import Path
from typing import Annotated

import typer

from fcn_keras.cli.options import parse_size
from fcn_keras.cli.recipe_options import (
    NET,
    make_net,
    named_on_the_command_line,
    net_options,
    with_options,
)
from fcn_keras.cli.sources import load_library
from fcn_keras.models.options import MADE_FOR, OPTIONS
from fcn_keras.training.net import Net

UNUSED = ("weights", "init_from", "new_classes")
VGG16 = Net(classifier="vgg16", weights=None)


@with_options(
    {**NET, "classifier": OPTIONS["fcn8s"]["classifier"]}, net_options(), leave_out=UNUSED
)
def summary(
    context: typer.Context,
    path: Annotated[
        Path | None,
        typer.Argument(
            metavar="MODEL",
            help="A .keras file, a run folder or an archive of pack, in place of a new net.",
            show_default=False,
        ),
    ] = None,
    num_classes: Annotated[int, typer.Option(help="Number of classes.")] = 21,
    size: Annotated[
        str, typer.Option(metavar="HxW", help="Height and width of the image in pixels.")
    ] = "500x500",
    every: Annotated[
        bool, typer.Option("--every", help="Show every layer, not only those that matter most.")
    ] = False,
    **declared,
):
    """Show the geometry of a net, its parameters, GFLOPs and memory.

    For each layer: stride, receptive field and offset in pixels of the image, the map at the given
    size, parameters and operations. The net needs no weights.

    [bold]Examples[/bold]

    fcn-keras summary --model fcn32s --classifier vgg16 --size 500x500

    fcn-keras summary runs/camvid --size 360x480
    """
    pixels = parse_size(size, "--size")
    named = named_on_the_command_line(context)
    described = make_net(context.params, named, VGG16)
    if described.model in MADE_FOR and "num_classes" not in named:
        num_classes = None
    load_library()
    from fcn_keras import geometry
    from fcn_keras.export.loading import load_model

    net = load_model(path) if path else described(num_classes)
    print(geometry.table(net, pixels).text(every))
