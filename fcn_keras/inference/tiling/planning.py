"""choose_plan: the tiling of one image for the arguments `tile`, `halo` and `overlap`."""

import math
import numbers

from fcn_keras.geometry import Halo
from fcn_keras.inference.memory import largest_tile
from fcn_keras.inference.tiling.windows import Plan, blended_axis, exact_axis

BLENDED = 1024  # pixels of a side of a blended window, where memory allows it
STRIDE = (32, 32)  # where the stride of the net is not known


def choose_plan(net, size, tile, halo, overlap):
    """Returns the `Plan` for an image.

    Args:
        net: A `KerasNet` or `OtherNet`.
        size: (H, W) of the image.
        tile, halo, overlap: As `segment_tiled` takes them.

    Raises:
        ValueError: as `segment_tiled`.
    """
    if isinstance(tile, str) and tile != "auto":
        raise ValueError(
            f"`tile` must be 'auto', a number of pixels or (rows, columns); got {tile!r}."
        )
    if blends(halo, overlap):
        return _blended(net, size, tile, halo, overlap)
    return _exact(net, size, tile, halo)


def blends(halo, overlap):
    """Returns whether windows are averaged where they overlap."""
    return overlap is not None or (isinstance(halo, str) and halo == "blend")


def _exact(net, size, tile, halo):
    needed = _halo(net, size, tile, halo)
    if needed is None:
        return Plan(*(exact_axis(length, length, 0, 0, 1) for length in size), tuple(size))
    if tile == "auto":
        tile = largest_tile(size, needed, net.bytes_per_pixel)
    tile = _multiples(tile, needed.stride, "tile")
    given = zip(size, tile, needed.before, needed.after, needed.stride, strict=True)
    return Plan(*(exact_axis(*axis) for axis in given), tile)


def _halo(net, size, tile, halo):
    """The `Halo` to use; None where one window holds the whole image, which needs none."""
    if isinstance(halo, Halo):
        return halo
    if isinstance(halo, numbers.Integral) and halo >= 0:
        stride = _stride(net, size)
        around = _multiples(int(halo), stride, "halo", least=0)
        return Halo(around, around, stride)
    if not isinstance(halo, str) or halo != "exact":
        raise ValueError(
            "`halo` must be 'exact', 'blend', a fcn_keras.geometry.Halo or a number of pixels; "
            f"got {halo!r}."
        )
    try:
        return net.halo(size)
    except ValueError as error:
        window = _window(net, size) if tile == "auto" else _pair(tile, "tile")
        if all(side >= length for side, length in zip(window, size, strict=True)):
            return None
        raise ValueError(
            f"{error} halo='blend' averages overlapping windows instead, which is not exact."
        ) from error


def _stride(net, size):
    try:
        return net.halo(size).stride
    except ValueError:
        return STRIDE


def _window(net, size):
    """(rows, columns) of the largest window that memory allows."""
    return largest_tile(size, Halo((0, 0), (0, 0), _stride(net, size)), net.bytes_per_pixel)


def _blended(net, size, tile, halo, overlap):
    if not isinstance(halo, str) or halo not in ("exact", "blend"):
        raise ValueError(f"`overlap` is for halo='blend'; got halo={halo!r}.")
    stride = _stride(net, size)
    if tile == "auto":
        tile = tuple(min(BLENDED, n) for n in _window(net, size))
    windows = _multiples(tile, stride, "tile")
    overlaps = [w // 4 for w in windows] if overlap is None else _pair(overlap, "overlap", 0)
    for window, shared, step in zip(windows, overlaps, stride, strict=True):
        if window - shared < step:
            raise ValueError(
                f"Windows of {window} pixels that begin at multiples of {step} cannot share "
                f"{shared}: `tile` must be at least {shared + step}, or `overlap` at most "
                f"{window - step}."
            )
    given = zip(size, windows, overlaps, stride, strict=True)
    return Plan(*(blended_axis(*axis) for axis in given), windows)


def _pair(value, name, least=1):
    pair = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(pair) != 2 or any(not isinstance(n, numbers.Integral) or n < least for n in pair):
        raise ValueError(
            f"`{name}` must be a whole number of pixels of at least {least}, or (rows, columns); "
            f"got {value!r}."
        )
    return tuple(map(int, pair))


def _multiples(value, stride, name, least=1):
    pair = _pair(value, name, least)
    return tuple(math.ceil(n / step) * step for n, step in zip(pair, stride, strict=True))
