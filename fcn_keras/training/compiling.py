"""From a recipe to a compiled model: which layers are trained, the optimizer, loss and metrics."""

import importlib
import warnings

import keras

from fcn_keras import metrics
from fcn_keras.data import class_weights as data_class_weights
from fcn_keras.keras_internals import all_layers
from fcn_keras.models.outputs import output_tasks
from fcn_keras.training import schedules
from fcn_keras.training.choices import ALL_BUT_SCORES, OPTIMIZERS
from fcn_keras.training.devices import strategy_scope
from fcn_keras.training.distillation import check_crop, check_teacher, teach, with_teacher
from fcn_keras.training.loss import build_loss, require_weighted_pixels
from fcn_keras.training.optimizers import matches

# The metrics of a task that a training measures; of the other tasks all are.
MEASURED = {"classes": ("mean_iou", "pixel_accuracy")}


def compile_model(model, recipe, data=None, *, steps_per_epoch=None, class_weights=None):
    """Compiles a net as a recipe says, for `model.fit`.

    Loss and metrics are those of the output's task: for classes mean IoU and pixel accuracy, for a
    regression mean absolute and root mean squared error. On the TensorFlow backend XLA is off on
    CPUs: a small net's training step took 1.5 times the CPU time with it, and it compiles anew for
    every image size.

    Args:
        model: A Keras model that returns logits or values (batch, H, W, channels), or a dict of
            them. Its layers are frozen and its Dropout turned off where the recipe says so.
        recipe: A `Recipe`.
        data: The training `fcn_keras.data.Dataset`: gives the task, the steps of an epoch, and
            class weights by name.
        steps_per_epoch: Number of batches in an epoch. Default: the data's. Without either, the
            learning rate of a schedule stays constant, with a warning.
        class_weights: One number for each class, in place of the recipe's.

    Returns:
        The model.

    Raises:
        ValueError: for class weights by name without `data`, globs that match no layer, or a loss
            that is not for the task.

    Example:

    ```python
    recipe = fcn_keras.training.recipes.get("small-data", epochs=2)
    fcn_keras.training.compile_model(model, recipe, dataset)
    model.fit(recipe.batches(dataset), epochs=recipe.epochs, shuffle=False)
    ```
    """
    recipe = recipe.filled() if data is None else recipe.resolved(data)
    tasks = tasks_of(model, data)
    weights = weights_of(recipe, data) if class_weights is None else class_weights
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
                stacklevel=2,
            )
    else:
        rate = learning_rate(recipe, steps_per_epoch)
    return compile_with(model, recipe, rate, tasks, weights)


def tasks_of(model, data=None):
    """Returns {output: task} of a training; the only output of an ordinary net is None."""
    if data is None:
        return output_tasks(model)
    return data.task if isinstance(data.task, dict) else {None: data.task}


def monitor_of(tasks):
    """Returns (name, mode) of the figure that the best epoch is chosen by.

    Args:
        tasks: {output: task}. Of several outputs the loss is taken, the sum of all.
    """
    if {*tasks} != {None}:
        return "loss", "min"
    return metrics.monitor_for(tasks[None])


def steps_of(recipe, data):
    """Returns the number of full batches in an epoch."""
    return len(data) // recipe.batch_size


def weights_of(recipe, data):
    """Returns a recipe's class weights as a list of floats, or None.

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
                "for each class."
            )
        weights = data_class_weights(weights, data)
    if data is not None and data.labels is not None and len(weights) != data.labels.num_classes:
        raise ValueError(
            f"`class_weights` has {len(weights)} values for {data.labels.num_classes} classes. "
            "Give one number for each class."
        )
    return [float(w) for w in weights]


def learning_rate(recipe, steps_per_epoch):
    """Returns the Keras schedule of a filled recipe's rate; its steps are batches."""
    steps = round(recipe.epochs * steps_per_epoch)
    if recipe.steps is not None:
        steps = recipe.steps * recipe.accumulate
    warmup_steps = round(recipe.warmup * steps_per_epoch)
    rate, drops = recipe.learning_rate, recipe.drops
    return schedules.schedule(recipe.schedule, rate, steps, warmup_steps, drops)


def compile_with(model, recipe, rate, tasks, class_weights=None):
    """Compiles with the given rate, a float or a schedule, and builds the optimizer.

    Args:
        model: A Keras model.
        recipe: A `Recipe`.
        rate: The learning rate.
        tasks: {output: task}.
        class_weights: One number for each class, or None.
    """
    recipe = recipe.filled()
    freeze_layers(model, recipe.freeze)
    if not recipe.dropout:
        for layer in all_layers(model):
            if isinstance(layer, keras.layers.Dropout):
                layer.rate = 0.0
    weights = None if class_weights is None else [float(w) for w in class_weights]
    if recipe.weight_maps is not None:
        weights = None  # they are a part of the maps
    words = recipe.loss if isinstance(recipe.loss, dict) else dict.fromkeys(tasks, recipe.loss)
    loss = {
        output: build_loss(words.get(output), task, recipe.normalization, weights)
        for output, task in tasks.items()
    }
    teacher = with_teacher(recipe, model).teacher
    if recipe.weight_maps is not None:
        require_weighted_pixels(loss.values())
    with strategy_scope(model):
        optimizer = build_optimizer(recipe, rate)
        flat = [v for v in model.trainable_variables if len(v.shape) < 2]
        optimizer.exclude_from_weight_decay(flat)
        measured = {output: _metrics(task) for output, task in tasks.items()}
        compiles = teacher is None or teacher.model is not None  # XLA calls nothing outside
        jit_compile = "auto" if _on_accelerator() and compiles else False
        model.compile(optimizer, _one(loss), metrics=_one(measured), jit_compile=jit_compile)
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
    if teacher is not None:
        check_teacher(teacher, model, tasks)
        check_crop(teacher, recipe)
    teach(model, teacher, recipe.teacher_temperature, recipe.teacher_alpha, recipe.teacher_void)
    return model


def _metrics(task):
    found = {metric.name: metric for metric in metrics.for_task(task)}
    return [found[name] for name in MEASURED.get(task.kind, found)]


def _one(by_output):
    """{None: value} as the value, the values of named outputs as they are."""
    return by_output[None] if None in by_output else by_output


def build_optimizer(recipe, rate):
    """Returns the Keras optimizer of a filled recipe.

    It is Keras's own class where no layer has a rate of its own.
    """
    line = OPTIMIZERS[recipe.optimizer]
    options = {
        "weight_decay": recipe.weight_decay,
        "gradient_accumulation_steps": recipe.accumulate if recipe.accumulate > 1 else None,
        "use_ema": recipe.ema is not None,
        "ema_momentum": 0.99 if recipe.ema is None else recipe.ema,
    }
    if line.momentum is not None:
        options["momentum"] = float(recipe.momentum)
    if line.nesterov is not None:  # SGD, which takes None for no decay
        options.update(nesterov=bool(recipe.nesterov), weight_decay=recipe.weight_decay or None)
    if line.keras is not None and not recipe.rates and recipe.bias_rate == 1:
        return getattr(keras.optimizers, line.keras)(rate, **options)
    module, _, name = line.own.partition(":")
    kind = getattr(importlib.import_module(f"fcn_keras.training.{module}"), name)
    return kind(rate, rates=recipe.rates, bias_rate=float(recipe.bias_rate), **options)


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
    layers = [layer for layer in all_layers(model) if layer.weights and not all_layers(layer)]
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
