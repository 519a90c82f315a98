"""What an export was asked for, checked, in types that JSON can carry to another process."""

from dataclasses import dataclass

from fcn_keras.checks import one_of, whole_number
from fcn_keras.export.decoding import gives_labels, has_logits
from fcn_keras.export.options import PRECISIONS, SIGNATURES
from fcn_keras.keras_internals import is_graph
from fcn_keras.precision import prediction_policy

WARMUP = ((256, 256),)
MOST_MEGAPIXELS = 2**20


@dataclass(frozen=True)
class Options:
    """The choices of `export_saved_model`; `name`, `task`, `halo`, `images` go into the files.

    These three are configs; `halo` is None where tiles of an image are not exact, `images` where
    files are read without options.
    """

    name: str
    task: dict
    halo: dict | None
    signatures: tuple
    warmup: tuple
    flip: bool
    max_side: int | None
    max_megapixels: float
    precision: str | None
    half_weights: bool
    images: dict | None = None


def checked_signatures(model, task, names):
    """Returns the signatures to write: those named, or all that are possible.

    Args:
        model: The Keras model.
        task: Its `fcn_keras.tasks.Task`.
        names: A name, several names, or None for all.

    Raises:
        ValueError: for an unknown name, without serving_default, or for a signature that does not
            suit the model or its task.
    """
    unsuited = _unsuited(model, task)
    if names is None:
        return tuple(name for name in SIGNATURES if name not in unsuited)
    names = (names,) if isinstance(names, str) else tuple(names)
    for name in names:
        one_of("signatures", name, SIGNATURES)
        if name in unsuited:
            raise ValueError(f"{model.name!r} has no signature {name!r}: {unsuited[name]}.")
    if "serving_default" not in names:
        raise ValueError(f"`signatures` must contain 'serving_default', got {names!r}.")
    return tuple(name for name in SIGNATURES if name in names)


def _unsuited(model, task):
    """{signature: why the model cannot have it}."""
    channels = model.input_shape[-1]
    reasons = {}
    if not has_logits(task):
        reasons["logits"] = f"the outputs of a net for {task.kind} are its map"
    if not gives_labels(task):
        reasons["encoded"] = f"PNG files cannot hold the values of {task.kind}"
    elif channels not in (1, 3):
        reasons["encoded"] = (
            f"it decodes RGB and grey files, and the model takes {channels} channels"
        )
    return reasons


def checked_warmup(model, sizes):
    """Returns the sizes (H, W) of the warm-up images; a model of one size has its own.

    Args:
        model: The Keras model.
        sizes: A size, several sizes, or None for none.

    Raises:
        ValueError: if they are no sizes, or not the model's.
    """
    own = model.input_shape[1:3]
    if sizes is None:
        return ()
    if sizes is WARMUP:
        sizes = [tuple(mine or n for mine, n in zip(own, WARMUP[0], strict=True))]
    sizes = [sizes] if _is_size(sizes) else sizes
    if not isinstance(sizes, (list, tuple)) or not all(map(_is_size, sizes)):
        raise ValueError(
            f"`warmup` must be one size (H, W), several, or None for no warm-up, got {sizes!r}."
        )
    for size in sizes:
        if any(mine not in (None, n) for mine, n in zip(own, size, strict=True)):
            raise ValueError(
                f"The model takes images of {own[0]}x{own[1]}, got the warm-up size {size!r}."
            )
    return tuple(tuple(size) for size in sizes)


def checked_limits(model, max_side, max_megapixels):
    """Returns the two limits.

    Raises:
        ValueError: if one is not positive, or `max_side` is given for a model of one size.
    """
    if max_side is not None:
        if None not in model.input_shape[1:3]:
            raise ValueError(
                f"`max_side` shrinks large images, but {model.name!r} takes only "
                "{}x{}; leave it out.".format(*model.input_shape[1:3])
            )
        max_side = whole_number("max_side", max_side)
    if not isinstance(max_megapixels, (int, float)) or not 0 < max_megapixels < MOST_MEGAPIXELS:
        raise ValueError(
            f"`max_megapixels` must be a number above 0 and below {MOST_MEGAPIXELS}, "
            f"got {max_megapixels!r}."
        )
    return max_side, float(max_megapixels)


def checked_precision(model, precision):
    """Returns the dtype policy, or None; only a graph of layers can be rebuilt in another.

    Raises:
        ValueError: for an unknown precision, or a subclassed model.
    """
    if precision is None:
        return None
    one_of("precision", precision, PRECISIONS)
    if precision == "mixed":
        precision = prediction_policy(precision)
    if not is_graph(model):
        raise ValueError(
            f"`precision={precision!r}` rebuilds the model layer by layer, and {model.name!r} is "
            "no functional model. Build it with that precision, or leave `precision` out."
        )
    return precision


def _is_size(value):
    return isinstance(value, (list, tuple)) and len(value) == 2 and all(map(_is_count, value))


def _is_count(value):
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
