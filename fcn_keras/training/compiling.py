"""From a recipe to a compiled model: what is trained, by which optimizer, on which loss."""

import warnings

import keras

from fcn_keras import metrics
from fcn_keras.data import class_weights as data_class_weights
from fcn_keras.labels import void_value
from fcn_keras.training import schedules
from fcn_keras.training.every_layer import every_layer
from fcn_keras.training.muon import Muon
from fcn_keras.training.objective import objective
from fcn_keras.training.optimizers import (
    CaffeSGD,
    PerLayerAdam,
    PerLayerAdamW,
    PerLayerSGD,
    matches,
)
from fcn_keras.training.recipe import ALL_BUT_SCORES
from fcn_keras.training.replicas import strategy_scope

KINDS = {
    "adamw": (keras.optimizers.AdamW, PerLayerAdamW),
    "adam": (keras.optimizers.Adam, PerLayerAdam),
    "sgd": (keras.optimizers.SGD, PerLayerSGD),
}
OWN = {"caffe_sgd": CaffeSGD, "muon": Muon}


def compile_model(model, recipe, steps_per_epoch, labels, class_weights=None):
    """Compiles a segmenter as a recipe says.

    The metrics are mean IoU and pixel accuracy, and on the TensorFlow backend XLA is left off on
    CPUs: there it was measured to take 1.5 times the CPU time for a small net's training step,
    and it compiles anew for every image size.

    Args:
        model: A Keras model that returns logits (batch, H, W, classes). Its layers are frozen
            and its Dropout turned off where the recipe says so.
        recipe: A resolved `Recipe`.
        steps_per_epoch: Batches of an epoch.
        labels: The data's `LabelSet`.
        class_weights: One number a class, or None.

    Returns:
        The model.

    Raises:
        ValueError: for globs that match no layer, or an option that the loss does not have.

    Example:

    ```python
    recipe = fcn_keras.training.Recipe(epochs=2, crop=(64, 64)).resolved(dataset)
    fcn_keras.training.compile_model(model, recipe, len(dataset), dataset.labels)
    ```
    """
    rate = learning_rate(recipe, steps_per_epoch)
    return compile_with(model, recipe, rate, labels.num_classes, labels.ignore, class_weights)


def compile_freely(recipe, model, data=None, steps_per_epoch=None, class_weights=None):
    """`Recipe.compile`."""
    recipe = recipe.filled() if data is None else recipe.resolved(data)
    classes = model.output_shape[-1]
    weights = weights_of(recipe, data) if class_weights is None else class_weights
    ignore = void_value(classes) if data is None else data.labels.ignore
    if data is not None and steps_per_epoch is None:
        steps_per_epoch = steps_of(recipe, data)
    if steps_per_epoch is None and recipe.steps is not None:
        steps_per_epoch = recipe.steps * recipe.accumulate / recipe.epochs
    if steps_per_epoch is None:
        rate = recipe.learning_rate
        if recipe.schedule != "constant":
            warnings.warn(
                f"The length of the training is not known, so the rate stays {rate:g} instead of "
                f"{recipe.schedule!r}: pass `data` or `steps_per_epoch`.",
                stacklevel=3,
            )
    else:
        rate = learning_rate(recipe, steps_per_epoch)
    return compile_with(model, recipe, rate, classes, ignore, weights)


def steps_of(recipe, data):
    """Full batches of an epoch."""
    return len(data) // recipe.batch_size


def weights_of(recipe, data):
    """A recipe's class weights as a list of floats, or None.

    Raises:
        ValueError: for a name without data to compute them from, or a list of another length.
    """
    weights = recipe.class_weights
    if weights is None:
        return None
    if isinstance(weights, str):
        if data is None:
            raise ValueError(
                f"class_weights={weights!r} are computed from the data: pass `data`, or one number "
                "a class."
            )
        weights = data_class_weights(weights, data)
    if data is not None and len(weights) != data.labels.num_classes:
        raise ValueError(
            f"`class_weights` has {len(weights)} values for {data.labels.num_classes} classes."
        )
    return [float(w) for w in weights]


def learning_rate(recipe, steps_per_epoch):
    """The Keras schedule of a filled recipe's rate; its steps are batches."""
    steps = round(recipe.epochs * steps_per_epoch)
    if recipe.steps is not None:
        steps = recipe.steps * recipe.accumulate
    warmup_steps = round(recipe.warmup * steps_per_epoch)
    return schedules.schedule(recipe.schedule, recipe.learning_rate, steps, warmup_steps)


def compile_with(model, recipe, rate, classes, ignore, class_weights=None):
    """Compiles with the given rate, a float or a schedule, and builds the optimizer."""
    recipe = recipe.filled()
    freeze_layers(model, recipe.freeze)
    if not recipe.dropout:
        for layer in every_layer(model):
            if isinstance(layer, keras.layers.Dropout):
                layer.rate = 0.0
    weights = None if class_weights is None else [float(w) for w in class_weights]
    loss = objective(recipe.loss, recipe.normalization, ignore, weights)
    with strategy_scope(model):
        optimizer = optimizer_of(recipe, rate)
        flat = [v for v in model.trainable_variables if len(v.shape) < 2]
        optimizer.exclude_from_weight_decay(flat)
        measured = [
            metrics.MeanIoU(classes, ignore_class=ignore),
            metrics.PixelAccuracy(classes, ignore_class=ignore),
        ]
        jit_compile = "auto" if _on_accelerator() else False
        model.compile(optimizer, loss, metrics=measured, jit_compile=jit_compile)
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
    return model


def optimizer_of(recipe, rate):
    """The Keras optimizer of a filled recipe; Keras's own where no layer has a rate of its own."""
    options = {
        "weight_decay": recipe.weight_decay,
        "gradient_accumulation_steps": recipe.accumulate if recipe.accumulate > 1 else None,
        "use_ema": recipe.ema is not None,
        "ema_momentum": 0.99 if recipe.ema is None else recipe.ema,
    }
    factors = {"rates": recipe.rates, "bias_rate": float(recipe.bias_rate)}
    if recipe.optimizer in OWN:
        momentum = float(recipe.momentum)
        return OWN[recipe.optimizer](rate, momentum=momentum, **factors, **options)
    if recipe.optimizer == "sgd":
        options["weight_decay"] = recipe.weight_decay or None
        options.update(momentum=float(recipe.momentum), nesterov=bool(recipe.nesterov))
    plain, per_layer = KINDS[recipe.optimizer]
    if recipe.rates or recipe.bias_rate != 1:
        return per_layer(rate, **factors, **options)
    return plain(rate, **options)


def freeze_layers(model, freeze):
    """Makes the layers that a recipe freezes untrainable.

    Args:
        model: A Keras model.
        freeze: Globs of layers' names, or "all but scores".

    Returns:
        The names of the layers with weights that are frozen now.

    Raises:
        ValueError: for a glob that matches no layer with weights, or where nothing is left.
    """
    layers = [layer for layer in every_layer(model) if layer.weights and not layer._layers]
    names = {id(layer): layer.path or layer.name for layer in layers}
    globs = ("score*",) if freeze == ALL_BUT_SCORES else freeze
    for glob in globs:
        if not any(matches(glob, name) for name in names.values()):
            raise ValueError(
                f"`freeze`: no layer's name matches {glob!r}; there are "
                f"{', '.join(names.values())}."
            )
    for layer in layers if globs else ():
        matched = any(matches(glob, names[id(layer)]) for glob in globs)
        if matched != (freeze == ALL_BUT_SCORES):
            layer.trainable = False
    if globs and not model.trainable_variables:
        raise ValueError(f"`freeze` {freeze!r} leaves nothing to train in {model.name!r}.")
    return [names[id(layer)] for layer in layers if not layer.trainable]


def _on_accelerator():
    return keras.backend.backend() != "tensorflow" or bool(keras.distribution.list_devices("gpu"))
