"""The outputs of a net: one or several, and the task of each."""

import keras

from fcn_keras import tasks
from fcn_keras.checks import whole_number
from fcn_keras.keras_internals import operation_of
from fcn_keras.layers import Logits

CLASSIFIER_HINT = (
    " It classifies whole images: fcn_keras.fcn8s(num_classes, classifier=model) makes a segmenter "
    "of it, to be trained."
)
TASK_HINT = (
    "For one kind of object against the rest use 2 classes: background and object. For values in "
    'place of classes pass a task, such as fcn_keras.tasks.Regression("distance", unit="px").'
)


def tasks_wanted(num_classes, labels=None):
    """Returns {output: task} for the argument `num_classes` of a builder.

    Args:
        num_classes: A number of classes, a `Task`, or {output: number or task}.
        labels: `LabelSet`, or {output: `LabelSet`}, or None.

    Returns:
        A dict; the only output of an ordinary net has the name None.

    Raises:
        ValueError: for fewer than two classes, names that are no identifiers, or labels that do
            not fit.
    """
    wanted = num_classes if isinstance(num_classes, dict) else {None: num_classes}
    if not wanted:
        raise ValueError("`num_classes` is an empty dict: name at least one output.")
    for output in wanted:
        check_name("num_classes", output)
    check_names("labels", labels, wanted)
    return {output: _task(output, one, named(labels, output)) for output, one in wanted.items()}


def scored(x, window, layer, tasks, reference):
    """Returns {output: logits}: a convolution for each output, and its `Logits`.

    Args:
        x: KerasTensor, the last features.
        window: Rows and columns of the convolution.
        layer: Its name, behind "score_".
        tasks: {output: `Task`}.
        reference: KerasTensor whose height and width the logits have: the image.
    """
    logits = {}
    for output, task in tasks.items():
        suffix = suffix_of(output)
        scores = keras.layers.Conv2D(
            task.channels,
            window,
            padding="same",
            kernel_initializer="he_normal",
            name=f"score_{layer}{suffix}",
        )(x)
        last = Logits(0, task.to_config(), name=f"score{suffix}")
        logits[output] = last([scores, reference])
    return logits


def output_tasks(model):
    """Returns the task of each output of a model.

    Args:
        model: A Keras model with outputs (batch, H, W, channels), or a dict of them.

    Returns:
        {output: `Task`}; the only output of an ordinary net has the name None. An output without
        a stored task is `Classes(num_classes=channels)`.

    Raises:
        ValueError: if an output is no map, or has one channel and no task.
    """
    stored = _stored(model)
    return {
        output: _checked(model, output, shape, stored.get(output))
        for output, shape in _shapes(model).items()
    }


def task_of(model):
    """Returns the task of a model's output.

    Args:
        model: A Keras model with an output (batch, H, W, channels), or a dict of them. Nets of
            this package keep their tasks through `model.save`.

    Returns:
        A `fcn_keras.tasks.Task`; for a net with several outputs {output: `Task`}. An output
        without a stored task is `Classes(num_classes=channels)`.

    Raises:
        ValueError: if an output is no map, or has one channel and no task.

    Example:

    ```python
    task = fcn_keras.tasks.Regression("distance", unit="px")
    model = fcn_keras.fcn32s(task, "vgg_slim", weights=None)
    fcn_keras.task_of(model).unit       # "px"
    ```
    """
    found = output_tasks(model)
    return found[None] if None in found else found


def labels_of(model):
    """Returns the class names that a model was built or trained with.

    Args:
        model: A Keras model; nets of this package keep their labels through `model.save`.

    Returns:
        `LabelSet`, or None where there is none; for a net with several outputs
        {output: `LabelSet` or None}.

    Example:

    ```python
    labels = fcn_keras.LabelSet(("background", "egg"))
    model = fcn_keras.fcn32s(2, "vgg_slim", weights=None, labels=labels)
    fcn_keras.labels_of(model).names        # ("background", "egg")
    ```
    """
    found = {output: task.labels for output, task in _stored(model).items()}
    return found if {*found} - {None} else found.get(None)


def keeps_task(model):
    """Returns whether the model has an output layer that keeps a task."""
    return bool(_output_layers(model))


def set_task(model, task):
    """Stores a task in the output layer of a model built by this package.

    Args:
        model: A Keras model whose output layer is `fcn_keras.layers.Logits`.
        task: A `Task`, or {output: `Task`} for some of several outputs.

    Raises:
        ValueError: if the model has no such layer, or the task has another number of channels.
    """
    layers = _output_layers(model)
    if not layers:
        raise ValueError(f"{model.name!r} has no Logits layer to keep a task in.")
    for output, one in (task if isinstance(task, dict) else {None: task}).items():
        if output not in layers:
            raise ValueError(f"{model.name!r} has no output {output!r}; it has {_listed(layers)}.")
        channels = layers[output].output.shape[-1]
        if one.channels != channels:
            raise ValueError(
                f"The task has {one.channels} channels, but {model.name!r} has {channels}"
                f"{_of(output)}."
            )
        layers[output].task_config = one.to_config()


def set_labels(model, labels):
    """Stores a `LabelSet` in the output layer of a model built by this package.

    Raises:
        ValueError: as `set_task`.
    """
    set_task(model, tasks.Classes(labels))


def set_image_config(model, config):
    """Stores how image files are read, where a model of this package can keep it.

    Args:
        model: A Keras model; without a `fcn_keras.layers.Logits` layer nothing is stored.
        config: What `to_config()` of a `fcn_keras.data.ImageReader` returned.
    """
    for layer in _output_layers(model).values():
        layer.image_config = dict(config) or None


def image_config(model):
    """Returns how image files are read for a model: a config of `ImageReader`, or None."""
    found = (layer.image_config for layer in _output_layers(model).values())
    return next((config for config in found if config), None)


def one_output(model, output):
    """Returns one output of a net that has several, as a net of its own.

    The weights are shared.

    Args:
        model: A net built with `num_classes={"semantic": 33, "geometric": 3}`.
        output: The output's name.

    Returns:
        A functional `keras.Model` of that output, (batch, H, W, channels), which can be evaluated
        and exported like any other.

    Raises:
        ValueError: if the model has no output of this name.

    Example:

    ```python
    both = fcn_keras.fcn32s({"semantic": 33, "geometric": 3}, "vgg_slim", weights=None)
    semantic = fcn_keras.one_output(both, "semantic")
    semantic.output_shape       # (None, None, None, 33)
    ```
    """
    outputs = model.output if isinstance(model.output, dict) else {}
    if output not in outputs:
        raise ValueError(f"{model.name!r} has no output {output!r}; it has {_listed(outputs)}.")
    return keras.Model(model.input, outputs[output], name=f"{model.name}_{output}")


def check_single(model, what):
    """Raises ValueError unless the model has one input and one output.

    Args:
        model: A Keras model.
        what: What needs it, for the message: "Training" or "A SavedModel".
    """
    outputs = output_tasks(model)
    if None not in outputs:
        raise ValueError(
            f"{what} takes a net of one output; {model.name!r} has "
            f"{', '.join(outputs)}. Take one: fcn_keras.one_output(model, {next(iter(outputs))!r})."
        )
    if len(model.inputs) != 1:
        names = ", ".join(tensor.name for tensor in model.inputs)
        raise ValueError(f"{what} takes a net of one input; {model.name!r} has {names}.")


def named(value, name):
    """Returns the value of an argument for one input or output: its own, or that of all."""
    return value.get(name) if isinstance(value, dict) else value


def suffix_of(name):
    """Returns the end of the layer names of one input or output."""
    return "" if name is None else f"_{name}"


def check_name(option, name):
    """Raises ValueError unless `name` is None or an identifier."""
    if name is not None and not (isinstance(name, str) and name.isidentifier()):
        raise ValueError(
            f"`{option}`: a name consists of letters, digits and underscores, got {name!r}."
        )


def check_names(option, value, known):
    """Raises ValueError if a dict has names that the net does not have."""
    if isinstance(value, dict) and not {*value} <= {*known}:
        raise ValueError(
            f"`{option}` has values for {sorted(map(str, value))}, but the net has "
            f"{sorted(map(str, known))}."
        )


def _task(output, given, labels):
    """The task that a number of classes, or a task, and class names ask for."""
    if isinstance(given, tasks.Task):
        if labels is not None and given.labels != labels:
            raise ValueError(
                "`labels` goes with a number of classes. A task brings its own: "
                f"fcn_keras.tasks.Classes(labels), got {given!r}."
            )
        return given
    name = "num_classes" if output is None else f"num_classes[{output!r}]"
    try:
        count = whole_number(name, given, 2)
    except ValueError as error:
        raise ValueError(f"{error} {TASK_HINT}") from None
    return tasks.Classes(labels, count)


def _checked(model, output, shape, task):
    """The task of an output of this shape: the stored one, else classes."""
    if not isinstance(shape, tuple) or len(shape) != 4:
        raise ValueError(
            "A segmenter gives maps (batch, H, W, channels), or a dict of them; "
            f"{model.name!r} has the output shape {shape}{_of(output)}."
            + (CLASSIFIER_HINT if isinstance(shape, tuple) and len(shape) == 2 else "")
        )
    if task is not None and task.channels == shape[-1]:
        return task
    if shape[-1] is None or shape[-1] < 2:
        raise ValueError(
            f"{model.name!r} has {shape[-1]} channel(s){_of(output)} and no task, so its output "
            f"cannot be classes. {TASK_HINT} A model of yours keeps a task in its last layer, "
            "fcn_keras.layers.Logits(task_config=task.to_config())."
        )
    return tasks.Classes(num_classes=shape[-1])


def _shapes(model):
    """{output: shape}; of any Keras model that was called."""
    try:
        outputs = model.output
    except AttributeError:  # a subclassed model, which has no graph
        return {None: model.output_shape}
    if isinstance(outputs, dict):
        return {name: tuple(tensor.shape) for name, tensor in outputs.items()}
    return {None: outputs.shape if isinstance(outputs, keras.KerasTensor) else model.output_shape}


def _stored(model):
    """{output: task} of the outputs that keep one."""
    return {
        output: tasks.from_config(layer.task_config)
        for output, layer in _output_layers(model).items()
        if layer.task_config is not None
    }


def _output_layers(model):
    """{output: its Logits layer}; with one output it may be followed by others, such as a CRF."""
    if not isinstance(model, keras.Model):
        return {}
    try:
        outputs = model.output
    except AttributeError:
        outputs = None
    if isinstance(outputs, dict):
        made_by = {name: operation_of(tensor) for name, tensor in outputs.items()}
        return {name: layer for name, layer in made_by.items() if isinstance(layer, Logits)}
    found = [layer for layer in model.layers if isinstance(layer, Logits)]
    return {None: found[0]} if found else {}


def _of(output):
    return f" in the output {output!r}" if output else ""


def _listed(outputs):
    return ", ".join(map(repr, outputs)) if {*outputs} - {None} else "one without a name"
