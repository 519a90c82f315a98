"""More classes for a segmenter: wider score layers, everything else unchanged."""

from dataclasses import dataclass

import keras
import numpy as np

from fcn_keras.checks import whole_number
from fcn_keras.geometry.graph import functional, walk
from fcn_keras.layers import (
    BilinearUpsampling2D,
    CropToReference,
    EdgePadding2D,
    Logits,
    ResizeToReference,
)
from fcn_keras.surgery.copying import Copier
from fcn_keras.tasks import Classes

L = keras.layers

_SAME_CLASSES = (
    L.Add, L.Average, L.Subtract, L.Maximum, L.Minimum, L.Rescaling, L.Cropping2D, L.ZeroPadding2D,
    L.Dropout, L.Identity, L.UpSampling2D, EdgePadding2D, BilinearUpsampling2D, CropToReference,
    ResizeToReference,
)  # fmt: skip
_SCORING = (L.Conv2D, L.Dense)
# Logits is a CropToReference
_WITH_REFERENCE = (BilinearUpsampling2D, CropToReference, ResizeToReference)


def expand_classes(model, num_classes, *, keep=None, labels=None, initializer="zeros", name=None):
    """Returns a copy of a segmenter with more classes, which scores the old ones as before.

    The score layers are found from the graph: backwards from the outputs through sums, crops and
    upsamplings to the convolutions that make class scores. They get a filter for each new class;
    learned upsamplings (class x class kernels) upsample the new classes bilinearly, apart from
    the old. The old classes' logits stay the same, up to rounding.

    Args:
        model: A functional Keras segmenter, as FCN-32s, 16s and 8s of any alignment. It is not
            changed.
        num_classes: Number of classes of the new model; for a model with several outputs
            `{output: number}`, where an output left out stays as it is.
        keep: The old class of each new class, or None for a new one: `[0, 2, 1, None]` swaps two
            and adds one. Every old class must occur; one that occurs twice is a class split in
            two, which begin alike. Default: the old classes first. `{output: list}` for several
            outputs.
        labels: `LabelSet` of the new model, which else has no class names (or `{output: ...}`).
        initializer: Initializer of the new classes' filters; their biases are zero.
        name: Name of the new model; by default the old one's.

    Returns:
        A functional `keras.Model`, not compiled, with the inputs and outputs of `model`.

    Raises:
        ValueError: for fewer classes than there are, a `keep` or `labels` that does not fit, an
            output that is not there, or a layer between scores and output that may mix classes;
            the message names it.

    Example:

    ```python
    model = fcn_keras.fcn8s(3, "vgg_slim", weights=None)
    wider = fcn_keras.surgery.expand_classes(model, 4, keep=[0, 2, 1, None])
    wider.output_shape                                          # (None, None, None, 4)
    ```
    """
    graph = functional(model)
    maps, outputs = _graph(graph)
    plans = _plans(graph, num_classes, keep, labels)
    carrying, changes = set(), {}
    for place, plan in plans.items():
        bearing, layers = _carriers(outputs[place], plan.old, model.name)
        carrying |= bearing
        for layer in layers:
            if changes.setdefault(id(layer), plan) != plan:
                raise ValueError(
                    f"{_called(layer)} serves two outputs of {model.name!r}, which therefore need "
                    "the same `keep` and `labels`."
                )
    _check_nothing_else(maps, carrying, changes, model.name)
    return _rebuilt(graph, changes, initializer, name or model.name)


def layers_of_classes(model):
    """Returns the layers whose weights belong to the channels of the outputs.

    They are the convolutions that score, and the learned upsamplings of their scores.

    Args:
        model: A functional segmenter, or a Sequential one.

    Returns:
        A list of layers.

    Raises:
        ValueError: as `expand_classes`, for a layer that may mix the channels of an output.

    Example:

    ```python
    model = fcn_keras.fcn16s(3, "vgg_slim", weights=None)
    names = [layer.name for layer in fcn_keras.surgery.expand.layers_of_classes(model)]
    sorted(names)                                               # ['score_fr', 'score_pool4']
    ```
    """
    graph = functional(model)
    _, outputs = _graph(graph)
    found = {}
    for output, tensor in zip(outputs, graph.outputs, strict=True):
        _, layers = _carriers(output, tensor.shape[-1], model.name)
        found |= {id(layer): layer for layer in layers if layer.weights}
    return [*found.values()]


@dataclass(frozen=True)
class _Plan:
    """The new classes of one output: the old class of each, and the task with their names."""

    old: int
    keep: tuple
    task_config: dict


@dataclass(eq=False)
class _Map:
    """A value of the graph: the layer that made it, and the inputs of that call."""

    layer: object
    parents: tuple = ()


def _graph(model):
    """(every `_Map` of the model, those of its outputs)."""
    maps = []

    def call(node, args, kwargs):
        parents = [v for v in keras.tree.flatten((args, kwargs)) if isinstance(v, _Map)]
        made = [_Map(node.operation, tuple(parents)) for _ in node.outputs]
        maps.extend(made)
        return made

    return maps, walk(model, [_Map(None) for _ in model.inputs], call)


def _plans(model, num_classes, keep, labels):
    """{place among the model's outputs: _Plan}."""
    if len(model.outputs) == 1 and not isinstance(num_classes, dict):
        return {0: _plan(model.name, model.outputs[0], num_classes, keep, labels)}
    if not isinstance(model.output, dict):
        raise ValueError(
            f"{model.name!r} has {len(model.outputs)} output(s) without names; `num_classes` must "
            f"be the number of classes of its only one, got {num_classes!r}."
        )
    known, given = set(model.output), {"keep": keep or {}, "labels": labels or {}}
    for argument, values in {"num_classes": num_classes, **given}.items():
        if not isinstance(values, dict) or set(values) - known:
            raise ValueError(
                f"{model.name!r} has the outputs {', '.join(model.output)}: `{argument}` must be a "
                f"dict of some of them, got {values!r}."
            )
        known = set(num_classes)
    places = {id(tensor): place for place, tensor in enumerate(model.outputs)}
    return {
        places[id(model.output[key])]: _plan(
            key, model.output[key], number, given["keep"].get(key), given["labels"].get(key)
        )
        for key, number in num_classes.items()
    }


def _plan(name, output, num_classes, keep, labels):
    if not isinstance(output, keras.KerasTensor) or len(output.shape) != 4:
        raise ValueError(f"{name!r} is not a map of scores (batch, H, W, classes): {output!r}.")
    old = output.shape[-1]
    num_classes = whole_number("num_classes", num_classes, 2)
    if num_classes < old:
        raise ValueError(
            f"{name!r} has {old} classes; `num_classes` must be at least that, got {num_classes}."
        )
    keep = tuple(range(old)) + (None,) * (num_classes - old) if keep is None else tuple(keep)
    if len(keep) != num_classes or set(keep) - {None} != set(range(old)):
        raise ValueError(
            f"`keep` must give for each of the {num_classes} new classes an old one or None, and "
            f"hold each of 0 to {old - 1}, got {list(keep)}."
        )
    return _Plan(old, keep, Classes(labels, num_classes).to_config())


def _carriers(output, classes, name):
    """The ids of every map with the output's classes as channels, and the layers to replace."""
    carrying, layers, waiting = set(), [], [output]
    while waiting:
        here = waiting.pop()
        if id(here) in carrying:
            continue
        carrying.add(id(here))
        scores = _scores(here.layer, classes)
        if scores or _upsamples(here.layer, classes) or isinstance(here.layer, Logits):
            layers.append(here.layer)
        elif not _keeps_classes(here.layer):
            raise ValueError(
                f"{_called(here.layer)} stands between the output of {name!r} and the layers that "
                f"score its {classes} classes. Only sums, crops, paddings and upsamplings may, "
                "behind a linear convolution."
            )
        if not scores:
            waiting.extend(_bearers(here))
    return carrying, layers


def _check_nothing_else(maps, carrying, changes, name):
    """Raises ValueError if scores are used for anything but the output."""
    for here in maps:
        through = id(here) in carrying and not isinstance(here.layer, _SCORING)
        if not through and any(id(parent) in carrying for parent in _bearers(here)):
            raise ValueError(
                f"{_called(here.layer)} of {name!r} uses class scores for something else than "
                "the output that is expanded, and would get more classes than it was made for."
            )
        if id(here.layer) in changes and id(here) not in carrying:
            raise ValueError(
                f"{_called(here.layer)} of {name!r} is called elsewhere too, where its number of "
                "classes must stay."
            )


def _bearers(here):
    """The parents whose channels are the classes: not those that only give a size."""
    return here.parents[:1] if isinstance(here.layer, _WITH_REFERENCE) else here.parents


def _scores(layer, classes):
    return (
        isinstance(layer, _SCORING)
        and (layer.units if isinstance(layer, L.Dense) else layer.filters) == classes
        and layer.activation is keras.activations.linear
        and (isinstance(layer, L.Dense) or layer.groups == 1)
    )


def _upsamples(layer, classes):
    return (
        isinstance(layer, L.Conv2DTranspose)
        and tuple(layer.kernel.shape[2:]) == (classes, classes)
        and layer.activation is keras.activations.linear
    )


def _keeps_classes(layer):
    if isinstance(layer, L.Rescaling):
        return np.ndim(layer.scale) == 0 and np.ndim(layer.offset) == 0
    if isinstance(layer, L.Activation):
        return layer.activation is keras.activations.linear
    return isinstance(layer, _SAME_CLASSES)


def _called(layer):
    return f"The layer {layer.name!r} ({type(layer).__name__})" if layer else "The input"


def _rebuilt(model, changes, initializer, name):
    inputs = [keras.Input(batch_shape=t.shape, dtype=t.dtype, name=t.name) for t in model.inputs]
    copier = Copier(taken=[t.name for t in inputs])

    def call(node, args, kwargs):
        layer = node.operation
        plan = changes.get(id(layer))
        if plan is None:
            return copier.call(layer, args, kwargs)
        if isinstance(layer, Logits):
            return copier.call(layer, args, kwargs, task_config=plan.task_config)
        widen = _widened_upsampling if isinstance(layer, L.Conv2DTranspose) else _widened_score
        size = "units" if isinstance(layer, L.Dense) else "filters"

        def make(free):
            config = {**layer.get_config(), size: len(plan.keep), "name": free}
            return type(layer).from_config(config)

        copy = copier.new(layer.name, make, key=layer)
        fresh = not copy.built
        result = copy(*args, **kwargs)
        if fresh:
            copy.set_weights(widen(layer, plan.keep, initializer))
        return result

    outputs = walk(model, inputs, call)
    pack = keras.tree.pack_sequence_as
    return keras.Model(pack(model.input, inputs), pack(model.output, outputs), name=name)


def _widened_score(layer, keep, initializer):
    kernel, *bias = layer.get_weights()
    places = [new for new, old in enumerate(keep) if old is None]
    wide = _taken(kernel, keep)
    if places:
        make = keras.initializers.get(initializer)
        shape = (*kernel.shape[:-1], len(places))
        wide[..., places] = keras.ops.convert_to_numpy(make(shape, dtype=layer.kernel.dtype))
    return [wide, *(_taken(values, keep) for values in bias)]


def _widened_upsampling(layer, keep, initializer):
    """Old classes are upsampled as before, new ones bilinearly, as the layer was initialized.

    Of an old class that became several, each is upsampled from itself; the other classes take
    its share from the first of them.
    """
    kernel, *bias = layer.get_weights()
    classes = len(keep)
    shape = (*kernel.shape[:2], classes, classes)
    start = keras.ops.convert_to_numpy(layer.kernel_initializer(shape))
    wide = np.zeros_like(start, dtype=kernel.dtype)
    first = {old: new for new, old in reversed(list(enumerate(keep))) if old is not None}
    for new, old in enumerate(keep):
        if old is None:
            wide[:, :, new, new] = start[:, :, new, new]
            continue
        for other, place in first.items():
            wide[:, :, new, new if other == old else place] = kernel[:, :, old, other]
    return [wide, *(_taken(values, keep) for values in bias)]


def _taken(values, keep):
    """The last axis in the order of the new classes, zero where they are new."""
    wide = np.zeros((*values.shape[:-1], len(keep)), values.dtype)
    for new, old in enumerate(keep):
        if old is not None:
            wide[..., new] = values[..., old]
    return wide
