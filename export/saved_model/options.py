"""What an export was asked for, checked, in types that JSON can carry to another process."""

from dataclasses import dataclass

import keras

SIGNATURES = ("serving_default", "scores", "encoded", "assets")
PRECISIONS = ("float32", "mixed_float16", "mixed_bfloat16")
WARMUP = ((256, 256),)


@dataclass(frozen=True)
class Options:
    """The choices of `export_saved_model`; `name`, `labels` and `halo` go into the files.

    `labels` and `halo` are configs; `halo` is None where tiles of an image are not exact.
    """

    name: str
    labels: dict
    halo: dict | None
    signatures: tuple
    warmup: tuple
    flip: bool
    max_side: int | None
    max_megapixels: float
    precision: str | None
    half_weights: bool


def checked_signatures(model, names):
    """The signatures to write: those named, or all that suit the model.

    Raises:
        ValueError: for an unknown name, without serving_default, or for `encoded` of a model
            whose images have other channels than grey or RGB.
    """
    channels = model.input_shape[-1]
    if names is None:
        return tuple(s for s in SIGNATURES if s != "encoded" or channels in (1, 3))
    names = (names,) if isinstance(names, str) else tuple(names)
    unknown = [name for name in names if name not in SIGNATURES]
    if unknown or "serving_default" not in names:
        wrong = f"unknown {unknown[0]!r}" if unknown else "'serving_default' missing"
        raise ValueError(
            f"`signatures` are serving_default and any of {', '.join(SIGNATURES[1:])}; "
            f"got {names!r}: {wrong}."
        )
    if "encoded" in names and channels not in (1, 3):
        raise ValueError(
            f"The signature 'encoded' decodes RGB or grey images; {model.name!r} takes "
            f"{channels} channels."
        )
    return tuple(name for name in SIGNATURES if name in names)


def checked_warmup(model, sizes):
    """The sizes (H, W) of the warm-up images: None means none, a model of one size has its own.

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
            f"`warmup` is one size (H, W), several, or None for no warm-up; got {sizes!r}."
        )
    for size in sizes:
        if any(mine not in (None, n) for mine, n in zip(own, size, strict=True)):
            raise ValueError(
                f"The model takes images of {own[0]}x{own[1]}; got the warm-up size {size!r}."
            )
    return tuple(tuple(size) for size in sizes)


def checked_limits(model, max_side, max_megapixels):
    """The two limits.

    Raises:
        ValueError: if one is not positive, or `max_side` is given for a model of one size.
    """
    if max_side is not None:
        if None not in model.input_shape[1:3]:
            raise ValueError(
                f"`max_side` shrinks large images, but {model.name!r} takes only "
                "{}x{}; leave it out.".format(*model.input_shape[1:3])
            )
        if not _is_count(max_side):
            raise ValueError(f"`max_side` is a number of pixels, 1 or more; got {max_side!r}.")
    if not isinstance(max_megapixels, (int, float)) or not 0 < max_megapixels < 2**20:
        raise ValueError(
            f"`max_megapixels` is a positive number of megapixels; got {max_megapixels!r}."
        )
    return max_side, float(max_megapixels)


def checked_precision(model, precision):
    """The precision, which only a model of layers and connections can be rebuilt in.

    Raises:
        ValueError: for another precision, or a subclassed model.
    """
    if precision is None:
        return None
    if precision not in PRECISIONS:
        raise ValueError(
            f"`precision` is None (as the model) or one of {', '.join(PRECISIONS)}; "
            f"got {precision!r}."
        )
    if not (hasattr(model, "operations") or isinstance(model, keras.Sequential)):
        raise ValueError(
            f"`precision={precision!r}` rebuilds the model layer by layer, and {model.name!r} is "
            "no functional model. Build it under that precision, or leave `precision` out."
        )
    return precision


def _is_size(value):
    return isinstance(value, (list, tuple)) and len(value) == 2 and all(map(_is_count, value))


def _is_count(value):
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
