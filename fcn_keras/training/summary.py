"""What a training prints: a summary before it starts, and a report with a picture at its end."""

import contextlib
import math
import warnings

import keras
import numpy as np

from fcn_keras import visualize
from fcn_keras.data.shared_images import shared_images
from fcn_keras.inference import segment
from fcn_keras.models import one_output
from fcn_keras.precision import device, mixed_policy, policy_for
from fcn_keras.training.choices import ALL_BUT_SCORES
from fcn_keras.training.compiling import steps_of
from fcn_keras.training.devices import replicas
from fcn_keras.training.optional_files import optional
from fcn_keras.training.progressive_resizing import epochs_at_half_size

PICTURED = 4
_REDUCED = {
    "mean": "",
    "pixels": ", summed and divided by the number of pixels",
    "sum": ", summed over the pixels",
}


def print_summary(run):
    """Prints the model, the data, and everything in the recipe that is not the default.

    Args:
        run: A `fcn_keras.training.loop.Run`.
    """
    model, plan, train_data = run.model, run.plan, run.train_data
    steps = steps_of(plan, train_data)
    validated = f"{len(run.val_data)} for validation" if run.val_data else "no validation"
    meaning = ", ".join(_meaning(task) for task in run.tasks.values())
    print(f"{model.name}: {model.count_params():,} parameters, {meaning}")
    print(f"{train_data.name}: {len(train_data)} images for training, {validated}")
    for note in dict.fromkeys((*train_data.notes, *(run.val_data.notes if run.val_data else ()))):
        print(f"note: {note}")
    if run.val_data and (twice := len(shared_images(train_data, run.val_data))):
        print(
            f"warning: {twice} of the {len(run.val_data)} images for validation are trained on "
            "too: the validation does not tell how the net does on new images"
        )
    if plan.name:
        print(f"recipe {plan.name}")
    for line in recipe_lines(plan, steps):
        print(line)
    if replicas(model) > 1:
        print(f"{replicas(model)} devices, each {plan.batch_size // replicas(model)} of a batch")
    if plan.freeze:
        count = sum(math.prod(variable.shape) for variable in model.trainable_variables)
        print(f"trained: {count:,} of the parameters")
    if train_data.labels is not None:
        print(f"class weights: {_class_weights(train_data.labels, run.weights)}")
    _warn(plan, steps, model)
    if run.rows:
        print(f"resuming {run.folder.path} after epoch {len(run.rows)}")


def recipe_lines(plan, steps):
    """Returns the lines about a resolved recipe, a list of str.

    Args:
        plan: A resolved `Recipe`.
        steps: Number of batches in an epoch.
    """
    crop = "whole images" if plan.crop is None else "crops of {}x{}".format(*plan.crop)
    optimizer = plan.optimizer
    if plan.momentum is not None:
        optimizer = f"{optimizer} with momentum {plan.momentum:g}"
    lines = [
        f"{plan.epochs} epochs of {steps} steps, batch {plan.batch_size}, {crop}, "
        f"{optimizer}, learning rate {plan.learning_rate:g} ({plan.schedule}), "
        f"weight decay {plan.weight_decay or 0:g}"
    ]
    if plan.objects:
        others = {"all": "labelled too"}.get(plan.objects, f"labelled as {plan.objects}")
        lines.append(
            f"crops around objects, {plan.object_margin:g} times their boxes; other objects in "
            f"them are {others}"
        )
    if small := epochs_at_half_size(plan):
        lines.append(f"the first {small} epochs at half the size")
    if plan.loss != "cross_entropy" or plan.normalization != "mean":
        lines.append(f"loss: {_words(plan.loss)}{_REDUCED[plan.normalization]}")
    if plan.teacher is not None:
        void = ", void too" if plan.teacher_void else ""
        lines.append(
            f"teacher: {plan.teacher}, weight {plan.teacher_alpha:g}, temperature "
            f"{plan.teacher_temperature:g}{void}"
        )
    if plan.weight_maps is not None:
        w0, sigma = plan.weight_maps
        lines.append(
            f"weight maps: the class weights and up to {w0:g} between objects, sigma {sigma:g} px"
        )
    factors = [f"{glob} x{factor:g}" for glob, factor in plan.rates.items()]
    if plan.bias_rate != 1:
        factors.append(f"biases x{plan.bias_rate:g}")
    if factors:
        lines.append(f"rates: {', '.join(factors)}")
    if plan.freeze:
        globs = plan.freeze if plan.freeze == ALL_BUT_SCORES else ", ".join(plan.freeze)
        lines.append(f"frozen: {globs}")
    if plan.accumulate > 1:
        lines.append(f"an update every {plan.accumulate} steps, from their mean gradient")
    if plan.ema is not None:
        lines.append(f"validated and saved: the running average of the weights, {plan.ema:g}")
    if not plan.dropout:
        lines.append("Dropout is off")
    return lines


def _meaning(task):
    if task.kind == "classes":
        return f"{task.channels} classes"
    return f"{task.kind}, {task.channels} channel{'s' if task.channels > 1 else ''}"


def _words(loss):
    if isinstance(loss, dict):
        return ", ".join(f"{output} {words}" for output, words in loss.items())
    return loss or "the task's own"


def _class_weights(labels, weights):
    if weights is None:
        return "none"
    pairs = zip(labels.names, weights, strict=True)
    return ", ".join(f"{name} {weight:.2f}" for name, weight in pairs)


def _warn(plan, steps, model):
    if plan.ema is not None and plan.epochs * steps < 3 / (1 - plan.ema):
        warnings.warn(
            f"ema={plan.ema:g} averages over some {1 / (1 - plan.ema):.0f} steps, and this "
            f"training has {plan.epochs * steps}: the average will be far behind the weights.",
            stacklevel=3,
        )
    if any(variable.dtype == "float16" for variable in model.trainable_variables):
        warnings.warn(
            f"The weights of {model.name!r} are float16, which loses small updates: its loss may "
            "become NaN. Call fcn_keras.training.setup(precision='mixed') before building it "
            "(floatx in keras.json should be float32).",
            stacklevel=3,
        )
    mixed = plan.precision not in ("auto", "float32")
    if mixed and policy_for(plan.precision, [device()]) != "float32" and not mixed_policy(model):
        warnings.warn(
            f"The recipe asks for precision={plan.precision!r}, but {model.name!r} was built in "
            f"float32: call fcn_keras.training.setup(precision={plan.precision!r}) before "
            "building it.",
            stacklevel=3,
        )


def print_report(run):
    """Prints the best epoch of a run, and draws what it predicts on validation images.

    Args:
        run: A `fcn_keras.training.loop.Run`.
    """
    best = run.monitor.best_epoch(run.rows)
    if best is None:
        print(f"finished: {run.folder.last}")
        return
    value = run.rows[best - 1][run.monitor.name]
    figure = run.monitor.name.removeprefix("val_").replace("_iou", "_IoU").replace("_", " ")
    print(f"best validation {figure} {value:.4f} in epoch {best}: {run.folder.best}")
    with optional("predictions.png"):
        _draw_predictions(run)


def _draw_predictions(run):
    """Draws images of the validation with what best.keras predicts."""
    chosen = keras.models.load_model(run.folder.best, compile=False)
    data = run.val_data
    pictures = _readable(data, _spread(len(data), PICTURED))
    images, truths = zip(*pictures, strict=True)
    for output, task in run.tasks.items():
        net, path = chosen, run.folder.predictions
        shown = truths
        if output is not None:
            net, path = one_output(chosen, output), path.with_stem(f"{path.stem}_{output}")
            shown = [truth[output] for truth in truths]
        predictions = [segment(net, image) for image in images]
        visualize.comparison(images, shown, predictions, task, path)


def _readable(data, indices):
    """Returns the examples of these numbers that can be read; at least one, as validation had."""
    found = []
    for index in indices:
        with contextlib.suppress(OSError, ValueError):
            found.append(data[index])
    return found or _readable(data, range(len(data)))[:1]


def _spread(length, count):
    """Returns `count` indices over the whole length, or all of them."""
    return np.unique(np.linspace(0, length - 1, count).astype(int))
