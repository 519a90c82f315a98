"""What a training says of itself before it starts."""

import math
import warnings

from fcn_keras.precision import device, mixed_policy, policy_for
from fcn_keras.training.progression import at_half_size
from fcn_keras.training.recipe import ALL_BUT_SCORES
from fcn_keras.training.replicas import replicas


def announce(folder, model, plan, steps, train_data, val_data, weights, done):
    """Prints the model, the data, and everything in the recipe that is not as usual.

    Args:
        folder: The `RunFolder`.
        model: The compiled model.
        plan: The resolved `Recipe`.
        steps: Batches of an epoch.
        train_data, val_data: `fcn_keras.data.Dataset`; the second may be None.
        weights: One class weight a class, or None.
        done: Epochs that a resumed run has behind it.
    """
    validated = f"{len(val_data)} for validation" if val_data is not None else "no validation"
    labels = train_data.labels
    print(f"{model.name}: {model.count_params():,} parameters, {labels.num_classes} classes")
    print(f"{train_data.name}: {len(train_data)} images for training, {validated}")
    if plan.name:
        print(f"recipe {plan.name}")
    for line in described(plan, steps):
        print(line)
    if replicas(model) > 1:
        print(f"{replicas(model)} devices, each {plan.batch_size // replicas(model)} of a batch")
    if plan.freeze:
        count = sum(math.prod(variable.shape) for variable in model.trainable_variables)
        print(f"trained: {count:,} of the parameters")
    listed = "none"
    if weights is not None:
        pairs = zip(labels.names, weights, strict=True)
        listed = ", ".join(f"{name} {weight:.2f}" for name, weight in pairs)
    print(f"class weights: {listed}")
    _warn(plan, steps, model)
    if done:
        print(f"resuming {folder.path} after epoch {done}")


def described(plan, steps):
    """The lines about a resolved recipe.

    Args:
        plan: A resolved `Recipe`.
        steps: Batches of an epoch.

    Returns:
        A list of str.
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
    if small := at_half_size(plan):
        lines.append(f"the first {small} epochs at half the size")
    if plan.loss != "cross_entropy" or plan.normalization != "mean":
        summed = ", summed over the pixels" if plan.normalization == "sum" else ""
        lines.append(f"loss: {plan.loss}{summed}")
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
        lines.append(f"validated and saved: the weights' running average, {plan.ema:g}")
    if not plan.dropout:
        lines.append("Dropout is off")
    return lines


def _warn(plan, steps, model):
    if plan.ema is not None and plan.epochs * steps < 3 / (1 - plan.ema):
        warnings.warn(
            f"ema={plan.ema:g} averages over some {1 / (1 - plan.ema):.0f} steps, and this "
            f"training has {plan.epochs * steps}: the average will lag far behind.",
            stacklevel=3,
        )
    if (
        plan.mixed_precision
        and policy_for("mixed", [device()]) != "float32"
        and not mixed_policy(model)
    ):
        warnings.warn(
            f"The recipe asks for mixed precision, but {model.name!r} was built without: call "
            'fcn_keras.training.setup(precision="mixed") before building it.',
            stacklevel=3,
        )
