"""Training from datasets to a run folder, and going on where one was stopped."""

import contextlib
import dataclasses
import sys
from datetime import UTC, datetime

import keras
import numpy as np

from fcn_keras import visualize
from fcn_keras.data.decoding import refusal
from fcn_keras.inference import segment
from fcn_keras.models import labels_of
from fcn_keras.models.meaning import can_keep_labels, set_labels
from fcn_keras.models.outputs import check_single
from fcn_keras.training import callbacks as between_epochs
from fcn_keras.training.fused import fused_batch_norm
from fcn_keras.training.recipe import Recipe, compile_model
from fcn_keras.training.run_folder import RunFolder

PICTURED = 4


def train(
    model,
    train_data,
    val_data=None,
    *,
    out,
    resume=False,
    overwrite=False,
    verbose="auto",
    callbacks=(),
    notes=None,
    **recipe,
):
    """Trains a segmenter and keeps the run in a folder.

    Shows Keras's progress bar with loss and mean IoU, validates on whole images one by one, and
    writes into `out`: config.json, labels.json, model.keras (the last epoch, to resume from),
    best.keras (the best validation mean IoU), history.csv, tensorboard/, curves.png and
    predictions.png (validation images, truth, and what best.keras makes of them).

    Args:
        model: A Keras model that returns logits (batch, H, W, classes), such as
            `fcn_keras.fcn8s(...)`; it is compiled here. None with `resume`.
        train_data: A `fcn_keras.data.Dataset`.
        val_data: A `fcn_keras.data.Dataset`, or None: then there is no best.keras.
        out: Folder for the run.
        resume: Go on after the last finished epoch of the run in `out`, with its optimizer and
            its recipe. Of the recipe only `epochs` may be given anew.
        overwrite: Replace the run in `out`.
        verbose: 1 for a progress bar, 2 for a line an epoch, 0 for silence; "auto" is the bar on
            a terminal and lines elsewhere.
        callbacks: Further Keras callbacks; they run after those that keep the folder.
        notes: Further entries for config.json: a dict of JSON types. "command" is kept anew for
            each resumption.
        **recipe: The choices of `Recipe`: epochs, batch_size, crop, augment, optimizer,
            learning_rate, schedule, warmup, weight_decay, class_weights, validate_every,
            refresh_batches, seed.

    Returns:
        The history: one dict an epoch, the resumed ones included, with "epoch", "seconds",
        "learning_rate" (at its first step), "loss", "mean_iou", "pixel_accuracy", and the last
        three with "val_" before.

    Raises:
        ValueError: if model, labels and data do not fit, or for an impossible choice; naming the
            file, for an image that cannot be read or a label that is no class (`LabelError`).
        FileExistsError: if `out` holds a run and neither `resume` nor `overwrite` is set.
        FileNotFoundError: with `resume`, if there is no run.
        fcn_keras.training.DivergedError: if the loss becomes NaN; the last good epoch is kept.

    Example:

    ```python
    data = {split: fcn_keras.data.load("digits", split=split) for split in ("train", "val")}
    model = fcn_keras.fcn8s(11, "vgg_slim", weights=None, labels=data["train"].labels)
    fcn_keras.training.train(model, data["train"], data["val"], out="runs/digits", epochs=2)
    ```
    """
    folder = RunFolder(out)
    _check_data(train_data, val_data)
    if resume:
        model, rows, plan, weights = _pick_up(folder, train_data, val_data, recipe, notes)
    else:
        plan = _recipe(recipe).resolved(train_data)
        _check_model(model, train_data.labels)
        folder.refuse_to_replace(overwrite)
        rows, weights = [], _class_weights(plan.class_weights, train_data)
        folder.prepare(overwrite)
        compile_model(model, plan, _steps(train_data, plan), train_data.labels, weights)
        folder.save_last(model, rows)
        train_data.labels.save(folder.labels)
        folder.write_config(_config(model, plan, train_data, val_data, weights, notes))
    _announce(folder, model, plan, train_data, val_data, weights, len(rows))
    _fit(model, plan, train_data, val_data, folder, rows, verbose, callbacks)
    _conclude(folder, model, rows, val_data)
    return rows


def _fit(model, plan, train_data, val_data, folder, rows, verbose, callbacks):
    if len(rows) >= plan.epochs:
        return
    seed = plan.seed + 100_003 * len(rows)  # a resumed run does not repeat the first epochs' crops
    keras.utils.set_random_seed(seed)
    batches = train_data.batches(
        plan.batch_size,
        crop=plan.crop,
        augment=plan.augment,
        shuffle=True,
        seed=seed,
        drop_remainder=True,
    )
    keep = [
        between_epochs.KeepRun(folder, rows),
        between_epochs.WarnOfOneClass(train_data.labels),
        between_epochs.Draw(folder, rows),
        between_epochs.WriteEvents(folder),
        *callbacks,
    ]
    validation = {}
    if val_data is not None:
        every, last = plan.validate_every, plan.epochs
        validation = {
            "validation_data": val_data.batches(1, shuffle=False),
            "validation_freq": [e for e in range(1, last + 1) if e % every == 0 or e == last],
        }
        if plan.refresh_batches:
            keep.insert(0, between_epochs.RefreshBatchNorm(batches.take(plan.refresh_batches)))
    if verbose == "auto":
        verbose = 1 if sys.stdout.isatty() else 2
    with fused_batch_norm(model), _plain_refusals():
        model.fit(
            batches,
            initial_epoch=len(rows),
            epochs=plan.epochs,
            callbacks=keep,
            shuffle=False,  # batches() has shuffled
            verbose=verbose,
            **validation,
        )


@contextlib.contextmanager
def _plain_refusals():
    """What the data refused (a label out of range, an unreadable file) as the data said it."""
    try:
        yield
    except Exception as error:
        told = refusal(error)
        if told is None:
            raise
        raise told from error


def _pick_up(folder, train_data, val_data, given, notes):
    """Model, history, recipe and class weights of the run in a folder, ready to go on."""
    config = folder.read_config()
    rows = folder.read_history()
    saved = Recipe.from_config(config["recipe"])
    plan = _continued(saved, given, train_data, len(rows))
    _check_same_data(config["data"], {"train": train_data, "val": val_data})
    keras.config.set_dtype_policy(config["model"]["precision"])
    model = keras.models.load_model(folder.last)
    _check_model(model, train_data.labels)
    state = [np.array(keras.ops.convert_to_numpy(v)) for v in model.optimizer.variables]
    weights = config["class_weights"]
    compile_model(model, plan, _steps(train_data, plan), train_data.labels, weights)
    for variable, value in zip(model.optimizer.variables, state, strict=True):
        variable.assign(value)
    folder.write_history(rows)
    if rows and between_epochs.best_epoch(rows) == rows[-1]["epoch"]:
        folder.save_best(model)
    notes = dict(notes or {})
    entry = {"after_epoch": len(rows), "time": _now(), "command": notes.pop("command", None)}
    changed = {"recipe": plan.to_config(), "resumed": [*config["resumed"], entry]}
    folder.write_config({**config, **notes, **changed})
    return model, rows, plan, weights


def _continued(saved, given, train_data, done):
    """The saved recipe, with more epochs where they were asked for."""
    asked = _recipe({**saved.to_config(), **given}).resolved(train_data)
    asked_config, saved_config = asked.to_config(), saved.to_config()
    for name, value in saved_config.items():
        if name != "epochs" and name in given and asked_config[name] != value:
            raise ValueError(
                f"A resumed run keeps its recipe: {name} is {value!r} and cannot become "
                f"{asked_config[name]!r}. Leave it out, or start a new run."
            )
    if asked.epochs < done:
        raise ValueError(f"The run already has {done} epochs, more than epochs={asked.epochs}.")
    return dataclasses.replace(saved, epochs=asked.epochs)


def _recipe(given):
    known = {field.name for field in dataclasses.fields(Recipe)}
    unknown = sorted(set(given) - known)
    if unknown:
        raise TypeError(
            f"train() has no option {unknown[0]!r}. Options: {', '.join(sorted(known))}"
        )
    return Recipe.from_config(given)


def _steps(train_data, plan):
    return len(train_data) // plan.batch_size


def _class_weights(choice, train_data):
    """One number a class, or None."""
    from fcn_keras import data

    if choice is None:
        return None
    weights = data.class_weights(choice, train_data) if isinstance(choice, str) else choice
    classes = train_data.labels.num_classes
    if len(weights) != classes:
        raise ValueError(f"`class_weights` has {len(weights)} values for {classes} classes.")
    return [float(w) for w in weights]


def _check_data(train_data, val_data):
    if not len(train_data):
        raise ValueError("The training data holds no image.")
    if val_data is None:
        return
    if not len(val_data):
        raise ValueError("The validation data holds no image. Pass None to train without.")
    if val_data.labels.names != train_data.labels.names:
        raise ValueError(
            f"Training and validation data differ in their classes: {train_data.labels.names} "
            f"and {val_data.labels.names}."
        )


def _check_same_data(started, now):
    """A schedule counts steps, and the best epoch is one on the same images."""
    for part, dataset in now.items():
        before = started[part] and started[part]["images"]
        if before != (dataset and len(dataset)):
            raise ValueError(
                f"The run was started with {before or 'no'} images in its {part} data, and now "
                f"there are {len(dataset) if dataset else 'none'}: a resumed run needs the same."
            )


def _check_model(model, labels):
    check_single(model, "Training")
    classes = model.output_shape[-1]
    if classes != labels.num_classes:
        raise ValueError(
            f"{model.name!r} has {classes} outputs a pixel, but the data has {labels.num_classes} "
            f"classes: {', '.join(labels.names)}."
        )
    own = labels_of(model)
    if own is not None and own.names != labels.names:
        raise ValueError(
            f"{model.name!r} was built for the classes {', '.join(own.names)}, but the data has "
            f"{', '.join(labels.names)}. Build it with labels=data.labels."
        )
    if own is None and can_keep_labels(model):
        set_labels(model, labels)


def _config(model, plan, train_data, val_data, weights, notes):
    return {
        "started": _now(),
        "seed": plan.seed,
        "recipe": plan.to_config(),
        "class_weights": weights,
        "data": {"train": _described(train_data), "val": val_data and _described(val_data)},
        "model": {
            "name": model.name,
            "parameters": model.count_params(),
            "precision": keras.config.dtype_policy().name,
        },
        **(notes or {}),
        "resumed": [],
    }


def _described(dataset):
    return {"name": dataset.name, "split": dataset.split, "images": len(dataset)}


def _now():
    return datetime.now(UTC).isoformat(timespec="seconds")


def _announce(folder, model, plan, train_data, val_data, weights, done):
    validated = f"{len(val_data)} for validation" if val_data is not None else "no validation"
    classes = train_data.labels.num_classes
    print(f"{model.name}: {model.count_params():,} parameters, {classes} classes")
    print(f"{train_data.name}: {len(train_data)} images for training, {validated}")
    crop = "whole images" if plan.crop is None else "crops of {}x{}".format(*plan.crop)
    print(
        f"{plan.epochs} epochs of {_steps(train_data, plan)} steps, batch {plan.batch_size}, "
        f"{crop}, {plan.optimizer}, learning rate {plan.learning_rate:g} ({plan.schedule})"
    )
    names = train_data.labels.names
    listed = (
        "none"
        if weights is None
        else ", ".join(f"{name} {weight:.2f}" for name, weight in zip(names, weights, strict=True))
    )
    print(f"class weights: {listed}")
    if done:
        print(f"resuming {folder.path} after epoch {done}")


def _conclude(folder, model, rows, val_data):
    """Draws what the run came to, and says it."""
    best = between_epochs.best_epoch(rows)
    if best is None:
        print(f"finished: {folder.last}")
        return
    chosen = keras.models.load_model(folder.best, compile=False)
    pictures = [val_data[i] for i in _spread(len(val_data), PICTURED)]
    predictions = [segment(chosen, image) for image, _ in pictures]
    images, truths = zip(*pictures, strict=True)
    visualize.comparison(images, truths, predictions, val_data.labels, folder.predictions)
    score = rows[best - 1][between_epochs.MONITOR]
    print(f"best validation mean IoU {score:.4f} in epoch {best}: {folder.best}")


def _spread(length, count):
    """`count` indices over the whole length, or all of them."""
    return np.unique(np.linspace(0, length - 1, count).astype(int))
