"""Training from datasets to a run folder, and going on where one was stopped."""

import contextlib
import dataclasses
import sys
from datetime import UTC, datetime

import keras
import numpy as np

from fcn_keras import visualize
from fcn_keras.data.decoding import refusal
from fcn_keras.data.skipping import Skipped
from fcn_keras.inference import segment
from fcn_keras.training import callbacks as between_epochs
from fcn_keras.training.announcement import announce
from fcn_keras.training.checks import check_data, check_model, check_same_data
from fcn_keras.training.compiling import compile_model, weights_of
from fcn_keras.training.distributed import alone, check_divided, group, run_folder
from fcn_keras.training.fused import fused_batch_norm
from fcn_keras.training.progression import going_on, parts
from fcn_keras.training.recipe import Recipe
from fcn_keras.training.replicas import (
    check_divisible,
    filled_up,
    replicas,
    synchronized_batch_norm,
)

PICTURED = 4


def train(
    model,
    train_data,
    val_data=None,
    *,
    out,
    recipe=None,
    resume=False,
    overwrite=False,
    on_error="raise",
    cache=False,
    verbose="auto",
    callbacks=(),
    notes=None,
    **choices,
):
    """Trains a segmenter and keeps the run in a folder.

    Shows Keras's progress bar with loss and mean IoU, validates on whole images one by one, and
    writes into `out`: config.json, labels.json, model.keras (the last epoch, to resume from),
    best.keras (the best validation mean IoU), history.csv, tensorboard/, curves.png and
    predictions.png (validation images, truth, and what best.keras makes of them).

    Args:
        model: A Keras model that returns logits (batch, H, W, classes), such as
            `fcn_keras.fcn8s(...)`; it is compiled here, for the devices it was built on (see
            `setup`). None with `resume`; within the scope of a `setup` the run goes on there.
        train_data: A `fcn_keras.data.Dataset`.
        val_data: A `fcn_keras.data.Dataset`, or None: then there is no best.keras.
        out: Folder for the run.
        recipe: A `Recipe`, or the name of one in `fcn_keras.training.recipes`; by default
            `Recipe()`. None with `resume`.
        resume: Go on after the last finished epoch of the run in `out`, with its optimizer and
            its recipe. Of the recipe only `epochs` may be given anew.
        overwrite: Replace the run in `out`.
        on_error: What an image or mask that cannot be read, or does not fit, leads to: "raise"
            stops with an error that names it, "skip" goes on without it, warns, and says at the
            end which were left out.
        cache: Keep the decoded training examples: True in memory (of photographs of 480x360 some
            700 kB each), a path in files that begin with it.
        verbose: 1 for a progress bar, 2 for a line an epoch, 0 for silence; "auto" is the bar on
            a terminal and lines elsewhere.
        callbacks: Further Keras callbacks; they run after those that keep the folder.
        notes: Further entries for config.json: a dict of JSON types. "command" is kept anew for
            each resumption.
        **choices: Fields of `Recipe` that are to be otherwise than in `recipe`: epochs,
            batch_size, crop, augment, optimizer, learning_rate, ...

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
    if on_error not in ("raise", "skip"):
        raise ValueError(f"`on_error` must be 'raise' or 'skip', got {on_error!r}.")
    folder = run_folder(out)
    check_data(train_data, val_data)
    if resume:
        if recipe is not None:
            raise ValueError(f"A resumed run keeps its recipe: leave out recipe={recipe!r}.")
        model, rows, plan, weights = _pick_up(folder, train_data, val_data, choices, notes)
        check_divided(plan, on_error)
    else:
        plan = _chosen(recipe, choices).resolved(train_data)
        check_model(model, train_data.labels)
        check_divisible(plan, replicas(model))
        check_divided(plan, on_error)
        folder.refuse_to_replace(overwrite)
        rows, weights = [], weights_of(plan, train_data)
        compile_model(model, plan, _steps(train_data, plan), train_data.labels, weights)
        folder.prepare(overwrite)
        folder.save_last(model, rows)
        if group().first:
            train_data.labels.save(folder.labels)
        folder.write_config(_config(model, plan, train_data, val_data, weights, notes))
    steps = _steps(train_data, plan)
    if group().first:
        announce(folder, model, plan, steps, train_data, val_data, weights, len(rows))
    skipped = {"train": Skipped(), "val": Skipped()} if on_error == "skip" else {}
    reading = {"on_error": skipped.get("train", "raise"), "cache": cache, "shard": group().shard}
    _fit(model, plan, train_data, reading, val_data, folder, rows, verbose, callbacks, skipped)
    for part, left_out in skipped.items():
        print(f"{part} data: {left_out}")
    if group().first:
        with alone():
            _conclude(folder, model, rows, val_data)
    return rows


def _fit(model, plan, train_data, reading, val_data, folder, rows, verbose, callbacks, skipped):
    keep = [
        between_epochs.KeepRun(folder, rows),
        *(_told_by_the_first(folder, rows, train_data) if group().first else ()),
        *callbacks,
    ]
    if verbose == "auto":
        verbose = 1 if sys.stdout.isatty() else 2
    for part in parts(plan, train_data, len(rows)):
        # a resumed run does not repeat the first epochs' crops
        seed = plan.seed + 100_003 * part.first
        keras.utils.set_random_seed(seed)
        batches = part.recipe.batches(train_data, seed, **reading)
        before, validation = _validation(model, plan, val_data, batches, skipped)
        batch_norm = synchronized_batch_norm if replicas(model) > 1 else fused_batch_norm
        with batch_norm(model), _plain_refusals(), going_on(model, part, plan) as after:
            model.fit(
                batches,
                initial_epoch=part.first,
                epochs=part.last,
                callbacks=[*before, *keep, *after],
                shuffle=False,  # batches() has shuffled
                verbose=verbose if group().first else 0,
                **validation,
            )


def _validation(model, plan, val_data, batches, skipped):
    """The callbacks that go before a validation, and what `fit` is told of it."""
    if val_data is None:
        return [], {}
    before = []
    if between_epochs.averages(model.optimizer):
        before.append(keras.callbacks.SwapEMAWeights())
    if plan.refresh_batches:
        before.append(between_epochs.RefreshBatchNorm(batches.take(plan.refresh_batches)))
    every, last = plan.validate_every, plan.epochs
    return before, {
        "validation_data": _whole_images(val_data, replicas(model), skipped),
        "validation_freq": [e for e in range(1, last + 1) if e % every == 0 or e == last],
    }


def _whole_images(data, count, skipped):
    """The images one by one, each with all-void copies for the other devices."""
    batches = data.batches(1, shuffle=False, on_error=skipped.get("val", "raise"))
    return filled_up(batches, count, data.labels.ignore)


def _told_by_the_first(folder, rows, train_data):
    """What warns and draws, once for all processes of a training."""
    return (
        between_epochs.WarnOfOneClass(train_data.labels),
        between_epochs.Draw(folder, rows),
        between_epochs.WriteEvents(folder),
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
    check_same_data(config["data"], {"train": train_data, "val": val_data})
    keras.config.set_dtype_policy(config["model"]["precision"])
    model = keras.models.load_model(folder.last)
    check_model(model, train_data.labels)
    check_divisible(plan, replicas(model))
    state = [np.array(keras.ops.convert_to_numpy(v)) for v in model.optimizer.variables]
    weights = config["class_weights"]
    compile_model(model, plan, _steps(train_data, plan), train_data.labels, weights)
    for variable, value in zip(model.optimizer.variables, state, strict=True):
        variable.assign(value)
    folder.write_history(rows)
    if rows and between_epochs.best_epoch(rows) == rows[-1]["epoch"]:
        folder.save_best(model)
    if rows and between_epochs.averages(model.optimizer):
        between_epochs.swap_averages(model)
    notes = dict(notes or {})
    entry = {"after_epoch": len(rows), "time": _now(), "command": notes.pop("command", None)}
    changed = {"recipe": plan.to_config(), "resumed": [*config["resumed"], entry]}
    folder.write_config({**config, **notes, **changed})
    return model, rows, plan, weights


def _continued(saved, given, train_data, done):
    """The saved recipe, with more epochs where they were asked for."""
    if "epochs" in given:
        given = {"steps": None, **given}
    asked = _changed(saved, given).resolved(train_data)
    asked_config, saved_config = asked.to_config(), saved.to_config()
    for name, value in saved_config.items():
        if name not in ("epochs", "steps") and name in given and asked_config[name] != value:
            raise ValueError(
                f"A resumed run keeps its recipe: {name} is {value!r} and cannot become "
                f"{asked_config[name]!r}. Leave it out, or start a new run."
            )
    if asked.epochs < done:
        raise ValueError(f"The run already has {done} epochs, more than epochs={asked.epochs}.")
    kept = {"epochs": asked.epochs, "steps": asked.steps, "augment": asked.augment}
    return dataclasses.replace(saved, **kept)


def _chosen(recipe, choices):
    """A recipe, or the name of one, or none, with the fields that were chosen otherwise."""
    if recipe is None or isinstance(recipe, Recipe):
        return _changed(recipe or Recipe(), choices)
    _check_fields(choices)
    return Recipe.named(recipe, **choices)


def _changed(recipe, choices):
    _check_fields(choices)
    return dataclasses.replace(recipe, **choices)


def _check_fields(choices):
    known = {field.name for field in dataclasses.fields(Recipe)}
    unknown = sorted(set(choices) - known)
    if unknown:
        raise TypeError(
            f"train() has no option {unknown[0]!r}. Options: {', '.join(sorted(known))}"
        )


def _steps(train_data, plan):
    return len(train_data) // plan.batch_size


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
            "devices": replicas(model),
        },
        **(notes or {}),
        "resumed": [],
    }


def _described(dataset):
    return {"name": dataset.name, "split": dataset.split, "images": len(dataset)}


def _now():
    return datetime.now(UTC).isoformat(timespec="seconds")


def _conclude(folder, model, rows, val_data):
    """Draws what the run came to, and says it."""
    best = between_epochs.best_epoch(rows)
    if best is None:
        print(f"finished: {folder.last}")
        return
    chosen = keras.models.load_model(folder.best, compile=False)
    pictures = _readable(val_data, _spread(len(val_data), PICTURED))
    predictions = [segment(chosen, image) for image, _ in pictures]
    images, truths = zip(*pictures, strict=True)
    visualize.comparison(images, truths, predictions, val_data.labels, folder.predictions)
    score = rows[best - 1][between_epochs.MONITOR]
    print(f"best validation mean IoU {score:.4f} in epoch {best}: {folder.best}")


def _readable(data, indices):
    """The examples of these numbers that can be read; there is one, as it was validated on."""
    found = []
    for index in indices:
        with contextlib.suppress(OSError, ValueError):
            found.append(data[index])
    return found or _readable(data, range(len(data)))[:1]


def _spread(length, count):
    """`count` indices over the whole length, or all of them."""
    return np.unique(np.linspace(0, length - 1, count).astype(int))
