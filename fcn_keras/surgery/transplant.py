"""Transplanting: weights of one net are copied into another, layer by layer, by name and shape.

Dense layers and convolutions are cast into each other.
"""

import math
from dataclasses import dataclass, replace

import keras

from fcn_keras.surgery.copying import give_weights

L = keras.layers
STRICT_HINT = " strict=False leaves such layers out."


@dataclass(frozen=True)
class Move:
    """The result for one layer.

    Attributes:
        action: "copied", "cast", "dropped", "fresh" or "unused".
        source: The layer's name in the source, or None.
        target: The layer's name in the target, or None.
        source_shapes: Shapes of its weights in the source, a tuple of tuples.
        target_shapes: Shapes of its weights in the target, a tuple of tuples.
    """

    action: str
    source: str | None = None
    target: str | None = None
    source_shapes: tuple = ()
    target_shapes: tuple = ()


@dataclass(frozen=True)
class Transplanted:
    """The result of `transplant`, layer by layer.

    Attributes:
        moves: One `Move` a layer with weights: those of the target in its order, then those that
            only the source has.
    """

    moves: tuple[Move, ...]

    @property
    def copied(self):
        """Names of the target's layers that took the weights as they are."""
        return self._targets("copied")

    @property
    def cast(self):
        """Names of the target's layers that took them from Dense to convolution, or back."""
        return self._targets("cast")

    @property
    def dropped(self):
        """Names of the source's layers whose learned weights fit nowhere and are lost."""
        return tuple(move.source for move in self.moves if move.action == "dropped")

    @property
    def fresh(self):
        """Names of the target's layers that keep their own weights."""
        return tuple(
            move.target
            for move in self.moves
            if move.action in ("fresh", "dropped") and move.target
        )

    @property
    def unused(self):
        """Names of the source's other layers that the target does not have."""
        return tuple(move.source for move in self.moves if move.action == "unused")

    def __str__(self):
        count = len(self.copied) + len(self.cast)
        parts = [f"{count} {'layer' if count == 1 else 'layers'} transplanted"]
        for title, names in (("cast", self.cast), ("dropped", self.dropped)):
            if names:
                parts.append(f"{title}: {', '.join(names)}")
        return "; ".join([*parts, f"new: {', '.join(self.fresh) or 'none'}"]) + "."

    def table(self):
        """Returns one line per layer: the action, its names, and the shapes of its weights.

        Returns:
            str, ending in the summary that `str` gives.
        """
        rows = [("action", "source", "target", "weights")]
        rows += [(m.action, m.source or "-", m.target or "-", _shapes_text(m)) for m in self.moves]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        return "\n".join([*lines, str(self)])

    def _targets(self, action):
        return tuple(move.target for move in self.moves if move.action == action)


def transplant(source, target, *, names=None, strict=True):
    """Copies the weights of every layer of `target` that `source` has under the same name.

    Layers inside nested models count as well, by their own name; where that is found twice in a
    model, by their path ("encoder/conv1"). A Dense layer and a convolution are cast into each
    other where their weights correspond: a Dense after Flatten, kernel (h * w * c, units), and a
    convolution, kernel (h, w, c, units), as fc6; a Dense and a 1x1 convolution, as fc7.

    A learned upsampling (`Conv2DTranspose`) of another stride or phase is not an error but
    reported as dropped: the `upscore32` of an FCN-32s learned with `learn_upsampling="all"` has
    no place in an FCN-16s.

    Args:
        source: A Keras model, for example a trained FCN-32s. It is not changed.
        target: A Keras model, for example a new FCN-16s; changed in place.
        names: `{layer of the source: layer of the target}` for those that are named differently,
            for example `{"fc1": "fc6", "fc2": "fc7", "predictions": None}`; None leaves a layer
            of the source out.
        strict: True: weights under one name that do not fit are an error. False: such a layer is
            dropped, and keeps the target's own weights.

    Returns:
        `Transplanted`: the layers copied, cast, dropped, left fresh and not used. `print` it for
        one line, its `table()` for all.

    Raises:
        ValueError: if a layer of the same name has weights that do not fit (the message names
            it), if `names` names a layer that is not there or one twice, or if nothing could be
            copied. Everything is checked before the first weight is written.

    Example:

    ```python
    coarse = fcn_keras.fcn32s(11, "vgg_slim", weights=None)
    fine = fcn_keras.fcn16s(11, "vgg_slim", weights=None)
    done = fcn_keras.surgery.transplant(coarse, fine)
    print(done)                 # ... layers transplanted; new: score_pool4.
    print(done.table())
    ```

    Source: Long et al. (2015), section 4.2: each finer net starts from the coarser one; section
    3.1 for the casts.
    """
    given, wanted = _weighted(source), _weighted(target)
    pairs = _pairs(given, wanted, names or {}, source.name, target.name)
    moves = [_move(given, wanted, pairs.get(name), name) for name in wanted]
    moves += [
        Move("dropped" if _upsamples(given[name]) else "unused", name, None, _shapes(given[name]))
        for name in given
        if name not in pairs.values()
    ]
    if strict:
        _refuse_misfits(moves, source.name, target.name)
    moves = [replace(m, action="dropped") if m.action == "misfit" else m for m in moves]
    if not any(move.action in ("copied", "cast") for move in moves):
        raise ValueError(
            f"{source.name!r} and {target.name!r} share no layer with weights that fit: "
            "are they built over the same classifier?"
        )
    for move in moves:
        if move.action in ("copied", "cast"):
            weights = given[move.source].get_weights()
            if move.action == "cast":
                weights[0] = weights[0].reshape(move.target_shapes[0])
            give_weights(wanted[move.target], weights)
    return Transplanted(tuple(moves))


def _weighted(model):
    """{name, or path where the name occurs twice: layer with weights}."""
    found = {}
    _collect(model, "", found)
    names = [layer.name for layer in found.values()]
    return {
        layer.name if names.count(layer.name) == 1 else path: layer for path, layer in found.items()
    }


def _collect(model, prefix, found):
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            _collect(layer, f"{prefix}{layer.name}/", found)
        elif layer.weights and all(layer is not other for other in found.values()):
            found[prefix + layer.name] = layer


def _pairs(given, wanted, names, source, target):
    """{layer of the target: layer of the source}: by `names`, the others by equal name."""
    for name in names:
        _check_known(name, given, source)
    told = {other: name for name, other in names.items() if other is not None}
    for name in told:
        _check_known(name, wanted, target)
    if len(told) < sum(other is not None for other in names.values()):
        raise ValueError(f"`names` sends two layers to the same layer of {target!r}: {names}.")
    same = {name: name for name in wanted if name in given and name not in names}
    return {**same, **told}


def _check_known(name, layers, model):
    if name not in layers:
        raise ValueError(
            f"`names`: {model!r} has no layer {name!r} with weights. It has {', '.join(layers)}."
        )


def _move(given, wanted, name, to):
    """The `Move` of the target's layer `to`, to which the source's layer `name` corresponds."""
    if name is None:
        return Move("fresh", None, to, (), _shapes(wanted[to]))
    have, need = given[name], wanted[to]
    if _shapes(have) == _shapes(need) and _kind(have) == _kind(need):
        action = "copied"
    elif _castable(have, need) or _castable(need, have):
        action = "cast"
    elif _same_but_for_phase(have, need):
        action = "dropped"
    else:
        action = "misfit"
    return Move(action, name, to, _shapes(have), _shapes(need))


def _refuse_misfits(moves, source, target):
    for move in moves:
        if move.action == "misfit":
            renamed = "" if move.source == move.target else f", from {move.source!r},"
            same = move.source_shapes == move.target_shapes
            why = (
                "they are another kind of kernel"
                if same
                else ("the nets differ in num_classes, head_filters or classifier")
            )
            raise ValueError(
                f"The layer {move.target!r}{renamed} has weights of shapes "
                f"{list(move.source_shapes)} in {source!r} but {list(move.target_shapes)} in "
                f"{target!r}: {why}.{STRICT_HINT}"
            )


def _castable(dense, convolution):
    """Whether a Dense and a plain convolution have the same weights but for the kernel's shape."""
    if not isinstance(dense, L.Dense) or not isinstance(convolution, L.Conv2D):
        return False
    (flat, *bias), (window, *other_bias) = _shapes(dense), _shapes(convolution)
    return (
        convolution.groups == 1
        and len(flat) == 2
        and len(window) == 4
        and (math.prod(window[:3]), window[3]) == flat
        and bias == other_bias
    )


def _same_but_for_phase(have, need):
    """Whether both are learned upsamplings of the same classes, with windows of another size."""
    return _upsamples(have) and _upsamples(need) and have.kernel.shape[2:] == need.kernel.shape[2:]


def _upsamples(layer):
    return isinstance(layer, L.Conv2DTranspose)


def _kind(layer):
    """What differs between kernels of one shape but another meaning."""
    depthwise = isinstance(layer, L.DepthwiseConv2D)
    in_groups = isinstance(layer, (L.Conv2D, L.GroupNormalization))
    return _upsamples(layer), depthwise, layer.groups if in_groups else 1


def _shapes(layer):
    return tuple(tuple(weight.shape) for weight in layer.weights)


def _shapes_text(move):
    have, need = (
        ", ".join("x".join(map(str, shape)) for shape in shapes)
        for shapes in (move.source_shapes, move.target_shapes)
    )
    return f"{have} -> {need}" if have and need and have != need else have or need
