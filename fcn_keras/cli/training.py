"""The command `fcn-keras train`: from a dataset to a run folder, and its resumption."""

import json
import shlex
import sys
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
    opened_teacher,
    parameter_name,
    with_models,
    with_options,
)
from fcn_keras.cli.sources import load_dataset, load_library
from fcn_keras.training.net import PANEL as MODEL
from fcn_keras.training.recipe import RUN
from fcn_keras.training.weak.methods import METHODS, method_of

CHANGEABLE = ("epochs", "data", "val_data", "devices")
NOT_KEPT = ("out", "resume", "overwrite", "on_error", "cache")

ValData = Annotated[
    str | None,
    typer.Option(
        metavar="NAME[:DIR]",
        help="Validation data; none trains without validation. Default: --data.",
        rich_help_panel=o.DATA,
    ),
]
ValSplit = Annotated[
    str, typer.Option(help="Split of the validation data.", rich_help_panel=o.DATA)
]
ValOnly = Annotated[
    list[str] | None,
    typer.Option(
        metavar="GLOB",
        help="Names of the validation examples to use. Repeatable.",
        rich_help_panel=o.DATA,
    ),
]
ValExclude = Annotated[
    list[str] | None,
    typer.Option(
        metavar="GLOB",
        help="Names of the validation examples to leave out. Repeatable.",
        rich_help_panel=o.DATA,
    ),
]
Weak = Annotated[
    str | None,
    typer.Option(
        metavar="|".join(METHODS),
        help="Weak labels to train on in place of masks: those of --data, or made from its masks "
        "(points and scribbles by --seed). The validation keeps its masks.",
        rich_help_panel=o.DATA,
    ),
]
WeakMethod = Annotated[
    str | None,
    typer.Option(
        metavar="METHOD",
        help="How a net is trained on them. "
        + "; ".join(f"{form}: {', '.join(known)}" for form, known in METHODS.items())
        + ". Default: the first.",
        rich_help_panel=o.DATA,
    ),
]
OnError = Annotated[
    str,
    typer.Option(
        metavar="raise|skip",
        help="What happens at an image or target that cannot be read: raise stops, skip warns and "
        "continues without it.",
        rich_help_panel=o.DATA,
    ),
]
Cache = Annotated[
    str,
    typer.Option(
        metavar="none|memory|PATH",
        help="Where decoded training images are kept: in memory, or in files that begin with PATH.",
        rich_help_panel=o.DATA,
    ),
]
Devices = Annotated[
    str,
    typer.Option(
        metavar="auto|cpu|N|NAME,NAME",
        help="Devices to train on. auto is all GPUs, else the CPU; a number; or names such as "
        "gpu:0.",
        rich_help_panel=RUN,
    ),
]
Out = Annotated[Path, typer.Option(metavar="FOLDER", help="Run folder.", rich_help_panel=RUN)]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Continue the run in the folder after its last finished epoch.",
        rich_help_panel=RUN,
    ),
]
Overwrite = Annotated[
    bool,
    typer.Option("--overwrite", help="Replace the run in the folder.", rich_help_panel=RUN),
]


@with_options(NET, net_options(), before="recipe", panel=MODEL)
@with_options(RECIPE, AUGMENTATION, before="devices", panel=o.RECIPE)
def train(
    context: typer.Context,
    *,
    data: o.Data = "digits",
    split: o.Split = "train",
    only: o.Only = None,
    exclude: o.Exclude = None,
    val_data: ValData = None,
    val_split: ValSplit = "val",
    val_only: ValOnly = None,
    val_exclude: ValExclude = None,
    weak: Weak = None,
    weak_method: WeakMethod = None,
    on_error: OnError = "raise",
    cache: Cache = "none",
    recipe: o.RecipeName = None,
    devices: Devices = "auto",
    out: Out,
    resume: Resume = False,
    overwrite: Overwrite = False,
    **declared,
):
    """Train a net and write the run into a folder.

    The folder holds best.keras (the best validation), model.keras (the last epoch), history.csv,
    curves.png, predictions.png, tensorboard/, labels.json and config.json.

    [bold]Examples[/bold]

    fcn-keras train --out runs/digits

    fcn-keras train --data camvid:CamVid --scale 0.6:1.6 --out runs/camvid

    fcn-keras train --data voc:VOCdevkit --classifier vgg16 --out runs/voc

    fcn-keras train --recipe small-data --data folder:parts --epochs 100 --out runs/parts

    fcn-keras train --resume --out runs/camvid

    On a point in each object in place of masks:

    fcn-keras train --data folder:parts --weak points --out runs/points

    Without one drive in the training data, and validated on it:

    fcn-keras train --data camvid:CamVid --exclude '0006R0*' --val-split train
    --val-only '0006R0*' --out runs/held-out
    """
    if resume and overwrite:
        raise ValueError("--resume continues a run and --overwrite replaces it: choose one.")
    given, named = dict(context.params), named_on_the_command_line(context)
    chosen = None if resume else _for_weak(make_recipe(given, named), given, named)
    load_library()
    kept = _plain(given, named)
    if resume:
        given, kept = _as_started(out, given, named)
    try:
        _train(given, named, chosen, kept)
    except KeyboardInterrupt:
        print(f"\nto continue after the last finished epoch: fcn-keras train --resume --out {out}")
        raise


def _for_weak(recipe, given, named):
    """Returns a recipe with the loss of the method of weak supervision, if there is one."""
    form, name = given["weak"], given["weak_method"]
    if form is None:
        if name is not None:
            raise ValueError(f"--weak-method {name} goes with --weak {'|'.join(METHODS)}.")
        return recipe
    loss = method_of(form, name).loss
    if loss == "cross_entropy":  # label maps, for which any loss is right
        return recipe
    if "loss" in named:
        raise ValueError(
            f"--weak {form} trains with the loss {loss!r} of its method: leave out --loss "
            f"{given['loss']}, or choose another --weak-method."
        )
    return recipe.changed(loss=loss)


def _train(given, named, chosen, kept):
    """Trains a new run by a recipe, or continues one where there is none."""
    from fcn_keras import training

    resumed = chosen is None
    train_data = load_dataset(given["data"], given["split"], given["only"], given["exclude"])
    val_data = _validation_data(given)
    if given["weak"]:
        how = given["weak"], given["weak_method"]
        train_data = training.weak_data(train_data, *how, seed=given["seed"])
    training.train(
        None,
        train_data,
        val_data,
        out=given["out"],
        recipe=chosen if resumed else with_models(chosen),
        devices=int(given["devices"]) if given["devices"].isdigit() else given["devices"],
        resume=resumed,
        overwrite=given["overwrite"],
        on_error=given["on_error"],
        cache={"none": False, "memory": True}.get(given["cache"], given["cache"]),
        notes={"command": shlex.join(["fcn-keras", *sys.argv[1:]]), "options": kept},
        **({"epochs": given["epochs"]} if resumed and "epochs" in named else {}),
        **({"teacher": opened_teacher(given["teacher"])} if resumed and given["teacher"] else {}),
    )


def _as_started(out, given, named):
    """Returns the options of the run in `out`, with those that may change as they are given.

    Returns:
        (given, kept): {parameter: value} to continue with, and the options for config.json.
    """
    from fcn_keras.training import RunFolder

    config = RunFolder(out).read_config(whole=True)
    started = config.get("options")
    if started is None:
        raise ValueError(f"The run in {out} was not started by this command: resume it in Python.")
    now = _plain(given, named)
    for name in sorted(named - {*CHANGEABLE, *NOT_KEPT}):
        asked, was = now[name], started.get(name)
        if name not in started:
            asked, was = _of_recipe(config["recipe"], name, given)
        if asked != was:
            raise ValueError(
                f"--resume continues the run as it was started, with --{name.replace('_', '-')} "
                f"{was}; it cannot become {asked}."
            )
    kept = {name: value for name, value in started.items() if name in given}
    changed = {name: given[name] for name in named}
    return {**given, **kept, **changed}, {**started, **_plain(changed, named)}


def _of_recipe(config, name, given):
    """Returns the value of a declared option that is asked for, and that of the saved recipe."""
    net = config.get("net") or {}
    saved = {**config, **net, **net.get("options", {})}
    for field, one in {**NET, **net_options(), **RECIPE}.items():
        if parameter_name(one) == name:
            return json.loads(json.dumps(one.read(given[name]))), saved.get(field, one.default)
    return given[name], None


def _plain(given, named):
    """Returns the options in JSON types, as config.json keeps them.

    Of the declared ones only those that the command line gave: the others are in the recipe.
    """
    own = {*train.__annotations__}
    kept = {k: v for k, v in given.items() if k not in NOT_KEPT and (k in own or k in named)}
    return {k: str(v) if isinstance(v, Path) else v for k, v in kept.items()}


def _validation_data(given):
    """Returns the validation data, or None if the command line says none."""
    if given["val_data"] == "none":
        return None
    source = given["val_data"] or given["data"]
    try:
        return load_dataset(source, given["val_split"], given["val_only"], given["val_exclude"])
    except (ValueError, FileNotFoundError) as error:
        raise type(error)(
            f"No validation data: {error} (--val-data and --val-split choose another; "
            "--val-data none trains without.)"
        ) from error
