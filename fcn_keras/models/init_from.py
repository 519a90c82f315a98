"""The builders' argument `init_from`: a new net begins with the weights of a trained one."""

import os

from fcn_keras.models.files import load_model
from fcn_keras.models.outputs import labels_of
from fcn_keras.surgery import transplant
from fcn_keras.surgery.expand import layers_of_classes
from fcn_keras.surgery.transplant import STRICT_HINT


def classifier_weights(weights, init_from, new_classes):
    """Returns the weights to load into a net's classifier: none where `init_from` brings them all.

    Args:
        weights, init_from, new_classes: The builders' arguments.

    Raises:
        ValueError: for `new_classes` without `init_from`.
    """
    if new_classes and init_from is None:
        raise ValueError("`new_classes` goes with `init_from`, the net with the old classes.")
    return None if init_from is not None and weights in ("imagenet", "auto") else weights


def begin_from(model, init_from, new_classes=False):
    """Copies the weights of a trained net into a new one, and prints what was copied.

    Args:
        model: The new net, changed in place.
        init_from: A Keras model, or the path of its .keras file.
        new_classes: Whether the layers whose weights belong to the classes stay as they are.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: for weights that do not fit; the message says what differs.
    """
    init_from = _opened(init_from)
    mine = {layer.name for layer in layers_of_classes(model)}
    weighted = [layer for layer in init_from.layers if layer.weights]
    scores = {layer.name: layer for layer in weighted if layer.name in mine}
    if not new_classes:
        _check_classes(model, init_from, scores)
    _copy(init_from, model, dict.fromkeys(scores) if new_classes else None)


def begin_with_all(model, init_from):
    """Copies all weights of a trained net without classes into a new one; see `begin_from`."""
    _copy(_opened(init_from), model)


def _opened(init_from):
    """The model that `init_from` is, or that its file holds."""
    if not isinstance(init_from, (str, os.PathLike)):
        return init_from
    if not os.path.exists(init_from):
        raise FileNotFoundError(f"`init_from`: there is no model file {str(init_from)!r}.")
    return load_model(init_from)


def _copy(source, model, names=None):
    try:
        done = transplant(source, model, names=names)
    except ValueError as error:
        raise ValueError(f"`init_from`: {str(error).removesuffix(STRICT_HINT)}") from error
    print(f"{model.name} from {source.name}: {done}")


def _check_classes(model, init_from, scores):
    """Refuses scores of another number of classes; prints a note where the names differ."""
    for name, layer in scores.items():
        had, has = (one.weights[-1].shape[-1] for one in (layer, model.get_layer(name)))
        if had != has:
            raise ValueError(
                f"`init_from`: {init_from.name!r} scores {had} classes in {name!r}, the new net "
                f"{has}. Pass new_classes=True (--new-classes) to begin the score layers anew and "
                "keep everything else."
            )
    before, now = (getattr(labels_of(net), "names", None) for net in (init_from, model))
    if scores and before and now and before != now:
        print(
            f"note: the scores of {', '.join(before)} become those of {', '.join(now)}, in this "
            "order. new_classes=True (--new-classes) begins them anew."
        )
