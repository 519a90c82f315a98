"""`fcn-keras train`: from a dataset to a run folder, and on with `--resume`."""

import dataclasses
import shlex
import sys
from pathlib import Path

import typer

from fcn_keras.cli import train_options as o
from fcn_keras.cli.options import (
    MODELS,
    Exclude,
    Only,
    parse_class_weights,
    parse_crop,
    parse_scale,
)
from fcn_keras.cli.sources import load_dataset, load_library, model_file

CHANGEABLE = ("epochs", "data", "val_data")
NOT_KEPT = ("out", "resume", "overwrite")


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
    init_from: o.InitFrom = None,
    dropout: o.Dropout = None,
    learn_upsampling: o.LearnUpsampling = False,
    epochs: o.Epochs = 60,
    batch_size: o.BatchSize = 8,
    crop: o.Crop = "auto",
    scale: o.Scale = None,
    flip: o.Flip = None,
    color: o.Color = None,
    augment: o.Augment = True,
    optimizer: o.Optimizer = "adamw",
    learning_rate: o.LearningRate = None,
    schedule: o.Schedule = "cosine",
    warmup: o.Warmup = None,
    weight_decay: o.WeightDecay = None,
    class_weights: o.ClassWeights = "none",
    mixed_precision: o.MixedPrecision = False,
    refresh_batch_norm: o.RefreshBatchNorm = 0,
    seed: o.Seed = 0,
    out: o.Out,
    validate_every: o.ValidateEvery = 1,
    resume: o.Resume = False,
    overwrite: o.Overwrite = False,
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
    if resume and overwrite:
        raise ValueError("--resume goes on with a run and --overwrite replaces it: choose one.")
    given = dict(context.params)
    if resume:
        load_library()
        given = _as_started(out, given, _named_on_the_command_line(context))
    if given["model"] not in MODELS:
        raise ValueError(f"--model is one of {', '.join(MODELS)}; got {given['model']!r}.")
    try:
        _train(given, out, resume, overwrite)
    except KeyboardInterrupt:
        print(f"\nto go on after the last whole epoch: fcn-keras train --resume --out {out}")
        raise


def _train(given, out, resume, overwrite):
    load_library()
    import keras

    from fcn_keras import training

    train_data = load_dataset(given["data"], given["split"], given["only"], given["exclude"])
    val_data = _validation_data(given)
    recipe, net = _recipe(given, train_data), None
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
    source = given["val_data"] or given["data"]
    try:
        return load_dataset(source, given["val_split"], given["val_only"], given["val_exclude"])
    except (ValueError, FileNotFoundError) as error:
        raise type(error)(
            f"No validation data: {error} (--val-data and --val-split choose another; "
            "--val-data none trains without.)"
        ) from error


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

    options = {
        name: given[name] for name in ("alignment", "output_stride", "learn_upsampling", "dropout")
    }
    if given["init_from"] is not None:
        options["init_from"] = model_file(given["init_from"])
    return getattr(fcn_keras, given["model"])(
        labels.num_classes,
        given["classifier"],
        weights=_weights(given),
        labels=labels,
        **options,
    )
