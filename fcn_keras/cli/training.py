"""`fcn-keras train`: from a dataset to a run folder, and on with `--resume`."""

import dataclasses
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from fcn_keras.cli.options import (
    DATA_HELP,
    Exclude,
    Only,
    parse_class_weights,
    parse_crop,
    parse_scale,
)
from fcn_keras.cli.sources import load_dataset, load_library, model_file

MODELS = ("fcn8s", "fcn16s", "fcn32s")
CHANGEABLE = ("epochs", "data", "val_data")
NOT_KEPT = ("out", "resume", "overwrite")
DATA, MODEL, RECIPE, RUN = "Data", "Model", "Recipe", "Run"


def train(
    context: typer.Context,
    *,
    data: Annotated[
        str, typer.Option(metavar="NAME[:DIR]", help=DATA_HELP, rich_help_panel=DATA)
    ] = "digits",
    split: Annotated[str, typer.Option(help="Split to train on.", rich_help_panel=DATA)] = "train",
    only: Only = None,
    exclude: Exclude = None,
    val_data: Annotated[
        str | None,
        typer.Option(
            metavar="NAME[:DIR]",
            help="Validation data, if it is not --data; none trains without validation.",
            rich_help_panel=DATA,
        ),
    ] = None,
    val_split: Annotated[
        str, typer.Option(help="Split to validate on.", rich_help_panel=DATA)
    ] = "val",
    val_only: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="As --only, of the validation.", rich_help_panel=DATA),
    ] = None,
    val_exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="As --exclude, of the validation.", rich_help_panel=DATA),
    ] = None,
    model: Annotated[
        str, typer.Option(metavar="|".join(MODELS), help="The net.", rich_help_panel=MODEL)
    ] = "fcn8s",
    classifier: Annotated[
        str,
        typer.Option(
            help="vgg16, vgg19, resnet50, mobilenet_v2, or vgg_slim, which trains from nothing.",
            rich_help_panel=MODEL,
        ),
    ] = "vgg_slim",
    weights: Annotated[
        str,
        typer.Option(
            metavar="auto|imagenet|none|FILE",
            help="Weights of the classifier; auto is imagenet where there are any.",
            rich_help_panel=MODEL,
        ),
    ] = "auto",
    alignment: Annotated[
        str, typer.Option(metavar="same|caffe", help="caffe: as published.", rich_help_panel=MODEL)
    ] = "same",
    init_from: Annotated[
        Path | None,
        typer.Option(
            metavar="MODEL",
            help="Start from a coarser FCN: a .keras file or a run folder.",
            rich_help_panel=MODEL,
        ),
    ] = None,
    dropout: Annotated[
        float | None,
        typer.Option(help="Rate in the head (default: the classifier's)", rich_help_panel=MODEL),
    ] = None,
    learn_upsampling: Annotated[
        bool,
        typer.Option(
            "--learn-upsampling",
            help="Learn the inner ones, as in the paper.",
            rich_help_panel=MODEL,
        ),
    ] = False,
    epochs: Annotated[int, typer.Option(help="Epochs in all.", rich_help_panel=RECIPE)] = 60,
    batch_size: Annotated[int, typer.Option(help="Crops a step.", rich_help_panel=RECIPE)] = 8,
    crop: Annotated[
        str,
        typer.Option(
            metavar="HxW|auto|none",
            help="Training crops; auto is 256x320, or the first image's size if smaller; "
            "none is whole images of one size.",
            rich_help_panel=RECIPE,
        ),
    ] = "auto",
    scale: Annotated[
        str | None,
        typer.Option(
            metavar="LOW:HIGH|none",
            help="Random scale (default: the dataset's)",
            rich_help_panel=RECIPE,
        ),
    ] = None,
    flip: Annotated[
        bool | None,
        typer.Option(
            "--flip/--no-flip", help="Mirror (default: the dataset's)", rich_help_panel=RECIPE
        ),
    ] = None,
    color: Annotated[
        float | None,
        typer.Option(
            help="Strength of random brightness, contrast and saturation, 0 to 1 "
            "(default: the dataset's)",
            rich_help_panel=RECIPE,
        ),
    ] = None,
    augment: Annotated[
        bool,
        typer.Option("--augment/--no-augment", help="Vary the crops.", rich_help_panel=RECIPE),
    ] = True,
    optimizer: Annotated[
        str,
        typer.Option(
            metavar="adamw|adam|sgd", help="sgd with momentum 0.9.", rich_help_panel=RECIPE
        ),
    ] = "adamw",
    learning_rate: Annotated[
        float | None,
        typer.Option(
            help="Highest rate (default: 1e-3, sgd 1e-2; a tenth from pretrained weights)",
            rich_help_panel=RECIPE,
        ),
    ] = None,
    schedule: Annotated[
        str,
        typer.Option(metavar="cosine|poly|constant", help="Of the rate.", rich_help_panel=RECIPE),
    ] = "cosine",
    warmup: Annotated[
        float | None,
        typer.Option(
            metavar="EPOCHS",
            help="Linear warm-up (default: 1, at most a tenth of the epochs)",
            rich_help_panel=RECIPE,
        ),
    ] = None,
    weight_decay: Annotated[
        float | None,
        typer.Option(
            help="Decay of the kernels (default: adamw 0.01, adam 0, sgd 5e-4)",
            rich_help_panel=RECIPE,
        ),
    ] = None,
    class_weights: Annotated[
        str,
        typer.Option(
            metavar="none|enet|W,W,...",
            help="Weights of the classes in the loss; enet is 1 / ln(1.02 + share of the class).",
            rich_help_panel=RECIPE,
        ),
    ] = "none",
    mixed_precision: Annotated[
        bool,
        typer.Option(
            "--mixed-precision",
            help="16-bit multiplications: float16 on GPUs, bfloat16 elsewhere.",
            rich_help_panel=RECIPE,
        ),
    ] = False,
    refresh_batch_norm: Annotated[
        int,
        typer.Option(
            metavar="BATCHES",
            help="Recompute BatchNormalization statistics over so many batches before each "
            "validation.",
            rich_help_panel=RECIPE,
        ),
    ] = 0,
    seed: Annotated[
        int, typer.Option(help="Of weights, order and crops.", rich_help_panel=RECIPE)
    ] = 0,
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="The run folder.", rich_help_panel=RUN)
    ],
    validate_every: Annotated[
        int,
        typer.Option(
            metavar="EPOCHS",
            help="Validate so often, and after the last epoch.",
            rich_help_panel=RUN,
        ),
    ] = 1,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on after the last finished epoch, as the run was started.",
            rich_help_panel=RUN,
        ),
    ] = False,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace the run in the folder.", rich_help_panel=RUN),
    ] = False,
):
    """Train a net; everything about the run goes into one folder.

    The folder holds best.keras (the best validation mean IoU), model.keras (the last epoch),
    history.csv, curves.png, predictions.png, tensorboard/, labels.json and config.json.

    [bold]Examples[/bold]

    fcn-keras train --out runs/digits

    fcn-keras train --data camvid:CamVid --scale 0.6:1.6 --out runs/camvid

    fcn-keras train --data voc:VOCdevkit --classifier vgg16 --out runs/voc

    fcn-keras train --resume --out runs/camvid

    Hold one drive out of the training, and validate on it:

    fcn-keras train --data camvid:CamVid --exclude '0006R0*' --val-split train
    --val-only '0006R0*' --out runs/held-out
    """
    given = dict(context.params)
    if resume and overwrite:
        raise ValueError("--resume goes on with a run and --overwrite replaces it: choose one.")
    if resume:
        given = _as_started(out, given, _named_on_the_command_line(context))
    if given["model"] not in MODELS:
        raise ValueError(f"--model is one of {', '.join(MODELS)}; got {given['model']!r}.")
    load_library()
    import keras

    from fcn_keras import training

    train_data = load_dataset(given["data"], given["split"], given["only"], given["exclude"])
    val_data = _validation_data(given)
    recipe = _recipe(given, train_data)
    net = None
    if resume:
        recipe = {"epochs": recipe["epochs"]}
    else:
        training.RunFolder(out).refuse_to_replace(overwrite)
        training.set_precision(given["mixed_precision"])
        keras.utils.set_random_seed(given["seed"])
        net = _build(given, train_data.labels)
    training.train(
        net,
        train_data,
        val_data,
        out=out,
        resume=resume,
        overwrite=overwrite,
        notes={"command": shlex.join(["fcn-keras", *sys.argv[1:]]), "options": _plain(given)},
        **recipe,
    )


def _named_on_the_command_line(context):
    return {
        name
        for name in context.params
        if getattr(context.get_parameter_source(name), "name", None) == "COMMANDLINE"
    }


def _as_started(out, given, named):
    """The options of the run in `out`, with what may be changed taken from the command line."""
    from fcn_keras.training import RunFolder

    started = RunFolder(out).read_config().get("options")
    if started is None:
        raise ValueError(f"The run in {out} was not started by this command: resume it in Python.")
    now = _plain(given)
    for name in sorted(named - set(CHANGEABLE + NOT_KEPT)):
        if name in started and now[name] != started[name]:
            raise ValueError(
                f"--resume goes on as the run was started, with --{name.replace('_', '-')} "
                f"{started[name]}; it cannot become {now[name]}."
            )
    kept = {name: value for name, value in started.items() if name in given}
    return {**given, **kept, **{name: given[name] for name in named}}


def _plain(given):
    """The options in JSON types, as config.json keeps them."""
    kept = {k: v for k, v in given.items() if k not in NOT_KEPT}
    return {k: str(v) if isinstance(v, Path) else v for k, v in kept.items()}


def _validation_data(given):
    if given["val_data"] == "none":
        return None
    return load_dataset(
        given["val_data"] or given["data"],
        given["val_split"],
        given["val_only"],
        given["val_exclude"],
    )


def _recipe(given, train_data):
    rate = given["learning_rate"]
    if rate is None:
        rate = _rate(given["optimizer"], _weights(given) or given["init_from"])
    return {
        "epochs": given["epochs"],
        "batch_size": given["batch_size"],
        "crop": parse_crop(given["crop"]),
        "augment": _augmentation(given, train_data),
        "optimizer": given["optimizer"],
        "learning_rate": rate,
        "schedule": given["schedule"],
        "warmup": given["warmup"],
        "weight_decay": given["weight_decay"],
        "class_weights": parse_class_weights(given["class_weights"]),
        "validate_every": given["validate_every"],
        "refresh_batches": given["refresh_batch_norm"],
        "seed": given["seed"],
    }


def _rate(optimizer, pretrained):
    from fcn_keras.training.recipe import LEARNING_RATE

    rate = LEARNING_RATE.get(optimizer)
    return rate / 10 if rate and pretrained else rate


def _augmentation(given, train_data):
    """False, True for the dataset's own, or that with the changes asked for."""
    changed = {name: given[name] for name in ("flip", "color") if given[name] is not None}
    if given["scale"] is not None:
        changed["scale"] = parse_scale(given["scale"])
    if not given["augment"]:
        if changed:
            raise ValueError(f"--no-augment leaves nothing for --{next(iter(changed))} to change.")
        return False
    return dataclasses.replace(train_data.augmentation, **changed) if changed else True


def _weights(given):
    from fcn_keras import classifiers

    if given["weights"] == "auto":
        return "imagenet" if classifiers.get(given["classifier"]).imagenet else None
    return None if given["weights"] == "none" else given["weights"]


def _build(given, labels):
    import fcn_keras

    options = {"alignment": given["alignment"], "learn_upsampling": given["learn_upsampling"]}
    if given["init_from"] is not None:
        options["init_from"] = model_file(given["init_from"])
    return getattr(fcn_keras, given["model"])(
        labels.num_classes,
        given["classifier"],
        weights=_weights(given),
        dropout=given["dropout"],
        labels=labels,
        **options,
    )
