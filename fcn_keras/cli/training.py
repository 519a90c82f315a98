"""`fcn-keras train`: from a dataset to a run folder, and on with `--resume`."""

import shlex
import sys
from pathlib import Path

import typer

from fcn_keras.cli import train_options as o
from fcn_keras.cli.nets import build, check_model
from fcn_keras.cli.options import Exclude, Only
from fcn_keras.cli.recipe_words import recipe_of, take_net
from fcn_keras.cli.sources import load_dataset, load_library

CHANGEABLE = ("epochs", "data", "val_data", "devices")
NOT_KEPT = ("out", "resume", "overwrite", "on_error", "cache")


def train(
    context: typer.Context,
    *,
    data: o.Data = "digits",
    split: o.Split = "train",
    only: Only = None,
    exclude: Exclude = None,
    val_data: o.ValData = None,
    val_split: o.ValSplit = "val",
    val_only: o.ValOnly = None,
    val_exclude: o.ValExclude = None,
    model: o.Model = "fcn8s",
    classifier: o.Classifier = "vgg_slim",
    weights: o.Weights = "auto",
    alignment: o.Alignment = "same",
    output_stride: o.OutputStride = None,
    decoder_filters: o.DecoderFilters = None,
    init_from: o.InitFrom = None,
    dropout: o.Dropout = None,
    learn_upsampling: o.LearnUpsampling = False,
    recipe: o.RecipeName = None,
    epochs: o.Epochs = 60,
    steps: o.Steps = None,
    batch_size: o.BatchSize = 8,
    accumulate: o.Accumulate = 1,
    crop: o.Crop = "auto",
    scale: o.Scale = None,
    flip: o.Flip = None,
    color: o.Color = None,
    augment: o.Augment = True,
    optimizer: o.Optimizer = "adamw",
    learning_rate: o.LearningRate = None,
    momentum: o.Momentum = None,
    schedule: o.Schedule = "cosine",
    warmup: o.Warmup = None,
    weight_decay: o.WeightDecay = None,
    bias_rate: o.BiasRate = 1.0,
    rate: o.Rate = None,
    freeze: o.Freeze = None,
    loss: o.Loss = "cross_entropy",
    normalization: o.Normalization = "mean",
    class_weights: o.ClassWeights = "none",
    ema: o.Ema = None,
    half_size: o.HalfSize = 0.0,
    mixed_precision: o.MixedPrecision = False,
    refresh_batch_norm: o.RefreshBatchNorm = 0,
    seed: o.Seed = 0,
    precision: o.Precision = "auto",
    devices: o.Devices = "auto",
    out: o.Out,
    validate_every: o.ValidateEvery = 1,
    resume: o.Resume = False,
    overwrite: o.Overwrite = False,
    on_error: o.OnError = "raise",
    cache: o.Cache = "none",
):
    """Train a net; everything about the run goes into one folder.

    The folder holds best.keras (the best validation mean IoU), model.keras (the last epoch),
    history.csv, curves.png, predictions.png, tensorboard/, labels.json and config.json.

    [bold]Examples[/bold]

    fcn-keras train --out runs/digits

    fcn-keras train --data camvid:CamVid --scale 0.6:1.6 --out runs/camvid

    fcn-keras train --data voc:VOCdevkit --classifier vgg16 --out runs/voc

    fcn-keras train --recipe small-data --data folder:parts --epochs 100 --out runs/parts

    fcn-keras train --resume --out runs/camvid

    Hold one drive out of the training, and validate on it:

    fcn-keras train --data camvid:CamVid --exclude '0006R0*' --val-split train
    --val-only '0006R0*' --out runs/held-out
    """
    if resume and overwrite:
        raise ValueError("--resume goes on with a run and --overwrite replaces it: choose one.")
    given, named = dict(context.params), named_on_the_command_line(context)
    check_model(given)
    if resume:
        load_library()
        given = _as_started(out, given, named)
    try:
        _train(given, named, out, resume, overwrite)
    except KeyboardInterrupt:
        print(f"\nto go on after the last whole epoch: fcn-keras train --resume --out {out}")
        raise


def _train(given, named, out, resume, overwrite):
    load_library()
    import keras

    from fcn_keras import training

    given = given if resume else take_net(given, named)
    train_data = load_dataset(given["data"], given["split"], given["only"], given["exclude"])
    val_data = _validation_data(given)
    recipe, choices, net = None, {}, None
    notes = {"command": shlex.join(["fcn-keras", *sys.argv[1:]]), "options": _plain(given)}
    precision = _precision(given, named)
    run = training.setup(precision, _devices(given["devices"]))
    if resume:
        choices = {"epochs": given["epochs"]} if "epochs" in named else {}
    else:
        recipe = recipe_of({**given, "mixed_precision": run.precision != "float32"}, named)
        training.RunFolder(out).refuse_to_replace(overwrite)
        print(f"precision and devices: {run}")
        if precision == "mixed" and run.precision == "float32":
            print("float32, since this CPU has no instructions for 16-bit multiplications")
        keras.utils.set_random_seed(given["seed"])
    with run.scope():
        if not resume:
            net = build(given, train_data.labels)
        training.train(
            net,
            train_data,
            val_data,
            out=out,
            recipe=recipe,
            resume=resume,
            overwrite=overwrite,
            on_error=given["on_error"],
            cache={"none": False, "memory": True}.get(given["cache"], given["cache"]),
            notes=notes,
            **choices,
        )


def _precision(given, named):
    """What `setup` is asked for; --mixed-precision is the older and shorter word."""
    mixed = given["mixed_precision"]
    if given["precision"] == "auto":
        return "mixed" if mixed else "float32" if "mixed_precision" in named else "auto"
    if {"mixed_precision", "precision"} <= named and mixed != (given["precision"] != "float32"):
        raise ValueError(
            f"--precision {given['precision']} and --{'' if mixed else 'no-'}mixed-precision "
            "contradict each other: leave one out."
        )
    return given["precision"]


def _devices(words):
    return int(words) if words.isdigit() else words


def named_on_the_command_line(context):
    """The names of the options that stood on the command line."""
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
    source = given["val_data"] or given["data"]
    try:
        return load_dataset(source, given["val_split"], given["val_only"], given["val_exclude"])
    except (ValueError, FileNotFoundError) as error:
        raise type(error)(
            f"No validation data: {error} (--val-data and --val-split choose another; "
            "--val-data none trains without.)"
        ) from error
