"""A training from datasets to a run folder: how a run begins, is resumed, trains and ends."""

import contextlib
import sys
from dataclasses import dataclass, field

import keras
import numpy as np

from fcn_keras.checks import one_of
from fcn_keras.data.decoding import refusal
from fcn_keras.data.unreadable import Skipped
from fcn_keras.models import load_model
from fcn_keras.printing import any_language
from fcn_keras.training import callbacks as between_epochs
from fcn_keras.training import recipes
from fcn_keras.training.batch_norm import fused_batch_norm, synchronized_batch_norm
from fcn_keras.training.checks import (
    check_content,
    check_data,
    check_feasible,
    check_learned,
    check_model,
    check_same_data,
    check_same_reading,
    keep_image_reader,
    out_of_memory,
    with_channels_of,
)
from fcn_keras.training.compiling import compile_model, monitor_of, tasks_of, weights_of
from fcn_keras.training.devices import check_divisible, filled_up, replicas, setup
from fcn_keras.training.distillation import with_teacher
from fcn_keras.training.distributed import alone, check_divided, group, run_folder
from fcn_keras.training.model_card import write_card
from fcn_keras.training.optional_files import optional
from fcn_keras.training.progressive_resizing import between_stages, stages
from fcn_keras.training.recipe import Recipe
from fcn_keras.training.run_folder import RunFolder, describe_run, now
from fcn_keras.training.summary import print_report, print_summary

RESUMABLE = ("epochs", "steps")


@dataclass(kw_only=True)
class Run:
    """A training in progress.

    Attributes:
        folder: The `RunFolder`.
        model: The compiled model.
        plan: The resolved `Recipe`.
        train_data, val_data: `fcn_keras.data.Dataset`; the second may be None.
        tasks: {output: task}; the only output of an ordinary net is None.
        weights: One class weight for each class, or None.
        rows: The history so far: one dict for each epoch.
        skipped: {"train": `Skipped`, "val": `Skipped`} where unreadable examples are left out.
    """

    folder: RunFolder
    model: keras.Model
    plan: Recipe
    train_data: object
    val_data: object
    tasks: dict
    weights: list | None
    rows: list = field(default_factory=list)
    skipped: dict = field(default_factory=dict)

    @property
    def monitor(self):
        """The `Monitor` of the best epoch."""
        name, mode = monitor_of(self.tasks)
        return between_epochs.Monitor(f"val_{name}", mode)


@any_language()
def train(
    model,
    train_data,
    val_data=None,
    *,
    out,
    recipe=None,
    devices=None,
    resume=False,
    overwrite=False,
    on_error="raise",
    cache=False,
    verbose="auto",
    callbacks=(),
    notes=None,
    **choices,
):
    """Trains a net and writes the run into a folder.

    Shows Keras's progress bar, validates on whole images one by one, and writes into `out`:
    config.json, labels.json (of classes), model.keras (the last epoch, to resume from), best.keras
    (the best validation), history.csv, tensorboard/, curves.png, predictions.png (validation
    images, truth and predictions of best.keras) and README.md, the model card. Loss, metrics and
    what counts as best are those of the data's task: mean IoU for classes, mean absolute error for
    a regression.

    Args:
        model: A Keras model that returns logits or values (batch, H, W, channels), such as
            `fcn_keras.fcn8s(...)`; it is compiled here, for the devices it was built on (see
            `setup`). None builds the recipe's net, seeded and in the recipe's precision. None with
            `resume`; within the scope of a `setup` the run continues on those devices.
        train_data: A `fcn_keras.data.Dataset`.
        val_data: A `fcn_keras.data.Dataset`, or None: then best.keras is not written.
        out: Folder for the run.
        recipe: A `Recipe`, or the name of one in `fcn_keras.training.recipes`; by default
            `Recipe()`. None with `resume`.
        devices: Devices of a net that is built here or resumed, as `setup` takes them. None: for
            a net that is built here "auto", for a resumed run those of the scope around the call.
        resume: Whether to continue after the last finished epoch of the run in `out`, with its
            optimizer and its recipe. Only `epochs` may be changed; a `teacher` that was no path is
            passed again.
        overwrite: Whether to replace the run in `out`.
        on_error: What happens at an image or target that cannot be read or does not fit: "raise"
            stops with an error that names it, "skip" warns, continues without it, and lists what
            was left out at the end.
        cache: Whether to keep the decoded training examples: True in memory (a photograph of
            480x360 takes some 700 kB), a path in files that begin with it.
        verbose: 1 for a progress bar, 2 for a line for each epoch, 0 for nothing; "auto" is the
            bar on a terminal and lines elsewhere.
        callbacks: Further Keras callbacks; they run after those that write the folder.
        notes: Further entries for config.json: a dict of JSON types. "command" is stored for each
            resumption.
        **choices: Fields of `Recipe` that replace those of `recipe`: epochs, batch_size, crop,
            augment, optimizer, learning_rate, net, ...

    Returns:
        The history: one dict for each epoch, earlier ones of a resumed run included, with "epoch",
        "seconds", "learning_rate" (at its first step), "loss", the metrics of the task
        ("mean_iou", "pixel_accuracy"), and loss and metrics of the validation as "val_...".

    Raises:
        ValueError: if model and data have different tasks, for data without a pixel that counts
            or with one class alone, for an impossible choice, and for an image that cannot be read
            or a label that is no class (`LabelError`), naming the file.
        FileExistsError: if `out` holds a run and neither `resume` nor `overwrite` is set.
        FileNotFoundError: with `resume`, if there is no run.
        fcn_keras.training.DivergedError: if the loss becomes NaN; the last good epoch is kept.

    Example:

    ```python
    data = {split: fcn_keras.data.load("digits", split=split) for split in ("train", "val")}
    model = fcn_keras.fcn8s(11, "vgg_slim", weights=None, labels=data["train"].labels)
    fcn_keras.training.train(model, data["train"], data["val"], out="runs/digits", epochs=2)
    ```

    Or with the net of a recipe:

    ```python
    fcn_keras.training.train(None, data["train"], out="runs/small", recipe="small-data", epochs=1)
    ```
    """
    one_of("on_error", on_error, ("raise", "skip"))
    folder = run_folder(out)
    check_data(train_data, val_data)
    check_content(train_data, val_data)
    if resume:
        if recipe is not None:
            raise ValueError(f"A resumed run keeps its recipe: leave out recipe={recipe!r}.")
        run = _resume(folder, train_data, val_data, devices, choices, notes)
        check_divided(run.plan, on_error)
    else:
        plan = recipes.make_recipe(recipe, **choices)
        folder.refuse_to_replace(overwrite)
        if model is None:
            plan, model = build_net(plan, train_data, devices or "auto")
        else:
            plan = plan.changed(net=None)
        run = _begin(folder, model, plan.resolved(train_data), train_data, val_data)
        check_divided(run.plan, on_error)
        _prepare(run, overwrite, notes)
    if group().first:
        print_summary(run)
    if on_error == "skip":
        run.skipped = {"train": Skipped(), "val": Skipped()}
    reading = {
        "on_error": run.skipped.get("train", "raise"), "cache": cache, "shard": group().shard,
    }  # fmt: skip
    _fit(run, reading, verbose, callbacks)
    if train_data.labels_pixels:
        check_learned(run.rows, run.monitor.name.removeprefix("val_"))
    for part, left_out in run.skipped.items():
        print(f"{part} data: {left_out}")
    if group().first:
        with alone():
            print_report(run)
            with optional("README.md"):
                write_card(run.folder, model=run.model)
    return run.rows


def build_net(plan, train_data, devices="auto"):
    """Builds a recipe's net, seeded, in the recipe's precision.

    Args:
        plan: A `Recipe`.
        train_data: The `fcn_keras.data.Dataset` whose task and channels the net gets.
        devices: As `setup` takes them.

    Returns:
        (recipe, model): the learning rate of the recipe is a tenth of the optimizer's default if
        it was not given and the net starts from trained weights.

    Raises:
        ValueError: for a recipe without a net.
    """
    if plan.net is None:
        raise ValueError("`model` is None and the recipe has no net: pass a model, or `net`.")
    if plan.learning_rate is None and plan.net.pretrained:
        plan = plan.changed(learning_rate=plan.filled().learning_rate / 10)
    run = setup(plan.precision, devices)
    if group().first:
        print(f"precision and devices: {run}")
        if plan.precision == "mixed" and run.precision == "float32":
            print("float32, because this CPU has no instructions for 16-bit multiplications")
    keras.utils.set_random_seed(plan.seed)
    with run.scope():
        return plan, plan.net(train_data.task, train_data.channels)


def _begin(folder, model, plan, train_data, val_data):
    """Checks and compiles a new run."""
    check_model(model, train_data.task)
    val_data = keep_image_reader(model, train_data, val_data)
    train_data, val_data = with_channels_of(model, train_data, val_data)
    check_divisible(plan, replicas(model))
    plan = with_teacher(plan, model)
    weights = weights_of(plan, train_data)
    plan.batches(train_data, class_weights=weights)  # refuses what does not go with the data
    compile_model(model, plan, train_data, class_weights=weights)
    check_feasible(model.loss, train_data)
    return Run(
        folder=folder,
        model=model,
        plan=plan,
        train_data=train_data,
        val_data=val_data,
        tasks=tasks_of(model, train_data),
        weights=weights,
    )


def _prepare(run, overwrite, notes):
    """Writes what the folder of a new run holds before the first epoch."""
    run.folder.prepare(overwrite)
    run.folder.save_last(run.model, run.rows)
    if group().first and run.train_data.labels is not None:
        run.train_data.labels.save(run.folder.labels)
    described = describe_run(
        run.model,
        run.plan,
        run.train_data,
        run.val_data,
        weights=run.weights,
        devices=replicas(run.model),
        notes=notes,
    )
    run.folder.write_config(described)


def _resume(folder, train_data, val_data, devices, given, notes):
    """Returns the run in a folder, ready to continue."""
    config = folder.read_config(whole=True)
    rows = folder.read_history()
    saved = Recipe.from_config(config["recipe"])
    plan = _continued(saved, given, train_data, len(rows))
    check_same_data(config["data"], {"train": train_data, "val": val_data})
    check_same_reading(config["data"]["train"], train_data)
    precision = config["model"]["precision"]
    keras.config.set_dtype_policy(precision)
    with setup(precision, devices).scope() if devices else contextlib.nullcontext():
        model = load_model(folder.last, compile=True)
    check_model(model, train_data.task)
    val_data = keep_image_reader(model, train_data, val_data)
    train_data, val_data = with_channels_of(model, train_data, val_data)
    check_divisible(plan, replicas(model))
    plan = with_teacher(plan, model)
    state = [np.array(keras.ops.convert_to_numpy(v)) for v in model.optimizer.variables]
    weights = config["class_weights"]
    compile_model(model, plan, train_data, class_weights=weights)
    for variable, value in zip(model.optimizer.variables, state, strict=True):
        variable.assign(value)
    run = Run(
        folder=folder,
        model=model,
        plan=plan,
        train_data=train_data,
        val_data=val_data,
        tasks=tasks_of(model, train_data),
        weights=weights,
        rows=rows,
    )
    folder.write_history(rows)
    if rows and run.monitor.best_epoch(rows) == rows[-1]["epoch"]:
        folder.save_best(model)
    if rows and between_epochs.averages(model.optimizer):
        between_epochs.swap_averages(model)
    notes = dict(notes or {})
    entry = {"after_epoch": len(rows), "time": now(), "command": notes.pop("command", None)}
    renewed = {"recipe": plan.to_config(), "resumed": [*config["resumed"], entry]}
    folder.write_config({**config, **notes, **renewed})
    return run


def _continued(saved, given, train_data, done):
    """Returns the saved recipe, with another number of epochs if that was given."""
    asked = saved.changed(**given).resolved(train_data)
    asked_config, saved_config = asked.to_config(), saved.to_config()
    for name, value in saved_config.items():
        if name not in RESUMABLE and name in given and asked_config[name] != value:
            raise ValueError(
                f"A resumed run keeps its recipe: {name} is {value!r} and cannot become "
                f"{asked_config[name]!r}. Leave it out, or start a new run."
            )
    if asked.epochs < done:
        raise ValueError(f"The run already has {done} epochs, more than epochs={asked.epochs}.")
    renewed = {"augment": asked.augment, "teacher": asked.teacher}  # in config.json by name
    return saved.changed(epochs=asked.epochs, steps=asked.steps, **renewed)


def _fit(run, reading, verbose, callbacks):
    """Trains the stages that are left of a run."""
    keep = [
        between_epochs.KeepRun(run.folder, run.rows, run.monitor),
        *(_callbacks_of_the_first(run) if group().first else ()),
        *callbacks,
    ]
    if verbose == "auto":
        verbose = 1 if sys.stdout.isatty() else 2
    model, plan = run.model, run.plan
    for stage in stages(plan, run.train_data, len(run.rows)):
        # a resumed run does not repeat the first epochs' crops
        seed = plan.seed + 100_003 * stage.first
        keras.utils.set_random_seed(seed)
        batches = stage.recipe.batches(run.train_data, seed, class_weights=run.weights, **reading)
        before, validation = _validation(run, batches)
        batch_norm = synchronized_batch_norm if replicas(model) > 1 else fused_batch_norm
        with (
            batch_norm(model),
            _plain_refusals(stage.recipe),
            between_stages(model, stage, plan) as after,
        ):
            model.fit(
                batches,
                initial_epoch=stage.first,
                epochs=stage.last,
                callbacks=[*before, *keep, *after],
                shuffle=False,  # batches() has shuffled
                verbose=verbose if group().first else 0,
                **validation,
            )


def _validation(run, batches):
    """Returns the callbacks before a validation, and the arguments of `fit` about it."""
    if run.val_data is None:
        return [], {}
    before, plan = [], run.plan
    if between_epochs.averages(run.model.optimizer):
        before.append(keras.callbacks.SwapEMAWeights())
    if plan.refresh_batches:
        before.append(between_epochs.RefreshBatchNorm(batches.take(plan.refresh_batches)))
    every, last = plan.validate_every, plan.epochs
    return before, {
        "validation_data": _whole_images(run),
        "validation_freq": [e for e in range(1, last + 1) if e % every == 0 or e == last],
    }


def _whole_images(run):
    """Returns the images one by one, each with copies that do not count for other devices."""
    batches = run.val_data.batches(1, shuffle=False, on_error=run.skipped.get("val", "raise"))
    invalid = {output: task.invalid for output, task in run.tasks.items()}
    return filled_up(batches, replicas(run.model), invalid.get(None, invalid))


def _callbacks_of_the_first(run):
    """Returns the callbacks that warn and draw, once for all processes of a training."""
    labels = run.train_data.labels
    return (
        *([between_epochs.WarnOfOneClass(labels)] if labels is not None else []),
        between_epochs.Draw(run.folder, run.rows),
        between_epochs.WriteEvents(run.folder),
    )


@contextlib.contextmanager
def _plain_refusals(plan):
    """Within it the data's own errors inside tf.data are raised as they were, and full memory is
    named with what may be changed.
    """
    try:
        yield
    except Exception as error:
        told = refusal(error) or out_of_memory(error, plan)
        if told is None:
            raise
        raise told from error
