"""The command `fcn-keras find-lr`: a short training with a growing learning rate."""

from pathlib import Path
from typing import Annotated

import typer

from fcn_keras.cli import options as o
from fcn_keras.cli.recipe_options import (
    AUGMENTATION,
    NET,
    RECIPE,
    make_recipe,
    named_on_the_command_line,
    net_options,
    with_models,
    with_options,
)
from fcn_keras.cli.sources import load_dataset, load_library, print_picture
from fcn_keras.training.net import PANEL as MODEL

SWEEP = "Sweep"
UNUSED = (
    "epochs",
    "steps",
    "learning_rate",
    "schedule",
    "drops",
    "warmup",
    "ema",
    "half_size",
    "refresh_batches",
    "validate_every",
)


@with_options(NET, net_options(), before="recipe", panel=MODEL)
@with_options(RECIPE, AUGMENTATION, leave_out=UNUSED, before="lowest", panel=o.RECIPE)
def find_lr(
    context: typer.Context,
    *,
    data: o.Data = "digits",
    split: o.Split = "train",
    only: o.Only = None,
    exclude: o.Exclude = None,
    recipe: o.RecipeName = None,
    lowest: Annotated[
        float, typer.Option(help="First learning rate.", rich_help_panel=SWEEP)
    ] = 1e-6,
    highest: Annotated[
        float, typer.Option(help="Last learning rate.", rich_help_panel=SWEEP)
    ] = 1.0,
    steps: Annotated[int, typer.Option(help="Number of batches.", rich_help_panel=SWEEP)] = 100,
    out: Annotated[
        Path, typer.Option(metavar="PICTURE", help="File of the picture.", rich_help_panel=SWEEP)
    ] = Path("lr.png"),
    **declared,
):
    """Sweep the learning rate over a few steps, draw the loss, and suggest a rate.

    The suggestion is a tenth of the rate at which the smoothed loss is lowest. It is meant for
    --learning-rate of a training with otherwise equal options. The net is not kept.

    [bold]Examples[/bold]

    fcn-keras find-lr --out lr.png

    fcn-keras find-lr --data camvid:CamVid --optimizer sgd --out lr.png

    fcn-keras find-lr --recipe heavy-32s --data voc:VOCdevkit --lowest 1e-14 --highest 1e-7
    """
    chosen = make_recipe(context.params, named_on_the_command_line(context), UNUSED)
    o.check_picture(out, o.CHARTS)
    load_library()
    from fcn_keras import training

    dataset = load_dataset(data, split, only, exclude)
    chosen = with_models(chosen)
    print(f"{chosen.net.model}: {steps} steps from {lowest:g} to {highest:g}, {chosen.optimizer}")
    found = training.find_lr(None, dataset, chosen, lowest=lowest, highest=highest, steps=steps)
    print(f"suggested learning rate: {found.suggested:.2g}")
    if not found.bounded:
        print(f"the loss did not rise again up to {found.rates[-1]:g}: try a higher --highest")
    print_picture("picture", lambda: found.draw(out))
