"""Training from datasets to a run folder, by `model.fit`."""

import contextlib
import sys

import keras

from fcn_keras.data.decoding import refusal
from fcn_keras.data.unreadable import Skipped
from fcn_keras.training import callbacks as between_epochs
from fcn_keras.training.announcement import announce
from fcn_keras.training.checks import check_data, check_model
from fcn_keras.training.chosen import chosen
from fcn_keras.training.compiling import compile_model, steps_of, weights_of
from fcn_keras.training.conclusion import conclude
from fcn_keras.training.distributed import alone, check_divided, group, run_folder
from fcn_keras.training.fused import fused_batch_norm
from fcn_keras.training.progression import going_on, parts
from fcn_keras.training.record import record
from fcn_keras.training.replicas import (
    check_divisible,
    filled_up,
    replicas,
    synchronized_batch_norm,
)
from fcn_keras.training.resuming import pick_up


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
        model, rows, plan, weights = pick_up(folder, train_data, val_data, choices, notes)
        check_divided(plan, on_error)
    else:
        plan = chosen(recipe, choices).resolved(train_data)
        check_model(model, train_data.labels)
        check_divisible(plan, replicas(model))
        check_divided(plan, on_error)
        folder.refuse_to_replace(overwrite)
        rows, weights = [], weights_of(plan, train_data)
        compile_model(model, plan, steps_of(plan, train_data), train_data.labels, weights)
        folder.prepare(overwrite)
        folder.save_last(model, rows)
        if group().first:
            train_data.labels.save(folder.labels)
        folder.write_config(record(model, plan, train_data, val_data, weights, notes))
    steps = steps_of(plan, train_data)
    if group().first:
        announce(folder, model, plan, steps, train_data, val_data, weights, len(rows))
    skipped = {"train": Skipped(), "val": Skipped()} if on_error == "skip" else {}
    reading = {"on_error": skipped.get("train", "raise"), "cache": cache, "shard": group().shard}
    _fit(model, plan, train_data, reading, val_data, folder, rows, verbose, callbacks, skipped)
    for part, left_out in skipped.items():
        print(f"{part} data: {left_out}")
    if group().first:
        with alone():
            conclude(folder, rows, val_data)
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
