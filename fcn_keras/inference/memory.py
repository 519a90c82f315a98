"""Memory of a net for each pixel, free memory, and the largest tile that fits."""

import math

import keras
import numpy as np

from fcn_keras.data.images.opening import PILLOWS_LIMIT
from fcn_keras.free_memory import free_memory
from fcn_keras.geometry.field import trace
from fcn_keras.precision import imitated

MOST = 3 * 2**29  # 1.5 GiB; larger windows save little time
ON_GPU = 2 * 2**30  # every GPU has so much
SLACK = 2.5  # for scratch memory of convolutions, and layers that run in parallel
UNKNOWN_COST = 4096  # bytes for each pixel of a net whose layers are not known


def bytes_per_pixel(model):
    """Returns the memory of one forward pass, in bytes for each pixel.

    It is the largest sum of the tensors that exist at the same time, times `SLACK`.

    Args:
        model: A functional Keras segmenter.
    """
    side = 512
    found, outputs = trace(model, tuple(n or side for n in model.inputs[0].shape[1:3]))
    last_use = {id(traced): step for step, traced in enumerate(found)}
    for step, traced in enumerate(found):
        for parent in traced.parents:
            last_use[id(parent)] = step
    for traced in outputs:
        last_use[id(traced)] = len(found)
    alive, most, held = 0, 0, {}
    for step, traced in enumerate(found):
        held[id(traced)] = _bytes(traced)
        alive += held[id(traced)]
        most = max(most, alive)
        for key in [key for key in held if last_use[key] <= step]:
            alive -= held.pop(key)
    pixels = math.prod(found[0].shape[1:3])
    return SLACK * most / pixels


def _bytes(traced):
    kind = keras.backend.standardize_dtype(traced.tensor.dtype)
    kind = "float32" if imitated(kind) else kind  # as `Compiled` computes
    size = 2 if kind == "bfloat16" else np.dtype(kind).itemsize
    return size * math.prod(n or 1 for n in traced.shape)


def check_fits(model, size):
    """Refuses an image for which a net needs more memory than there is.

    Only images beyond the size that Pillow warns of are judged, and not on a GPU.

    Args:
        model: A Keras segmenter.
        size: (H, W) of the image.

    Raises:
        ValueError: naming what is needed and what is free.
    """
    pixels = math.prod(size)
    if pixels <= PILLOWS_LIMIT or keras.distribution.list_devices("gpu"):
        return
    try:
        needed, free = bytes_per_pixel(model) / SLACK * pixels, free_memory()
    except ValueError:  # a layer whose output shape is not known
        return
    if needed > free:
        raise ValueError(
            f"The image is {size[0]}x{size[1]}: as a whole the net needs more than "
            f"{needed / 1e9:.0f} GB of memory for it, and {free / 1e9:.0f} GB are free. Segment it "
            'tile by tile: `--tile auto` on the command line, tile="auto" in Python.'
        )


def available():
    """Returns how many bytes of memory a net may take; of a GPU a fixed amount."""
    if keras.distribution.list_devices("gpu"):
        return ON_GPU
    return free_memory()


def largest_tile(size, halo, cost):
    """Returns the largest tile whose window fits: (rows, columns), multiples of the stride.

    A window takes up to `MOST` bytes; up to half of the free memory where most of the work would
    otherwise be halo.

    Args:
        size: (H, W) of the image.
        halo: A `Halo`.
        cost: Bytes that the net takes for each pixel of a window; None if not known.
    """
    cost, free = cost or UNKNOWN_COST, available() / 2
    tile = _tile(size, halo, min(MOST, free) / cost)
    around = [a + b for a, b in zip(halo.before, halo.after, strict=True)]
    if all(t >= h for t, h in zip(tile, around, strict=True)):
        return tile
    wanted = math.prod(2 * max(h, s) for h, s in zip(around, halo.stride, strict=True))
    return _tile(size, halo, min(max(MOST / cost, wanted), free / cost))


def _tile(size, halo, pixels):
    """The tile of a window of so many pixels: a square, or longer where the image is narrow."""
    around = [a + b for a, b in zip(halo.before, halo.after, strict=True)]
    sides = [math.isqrt(int(pixels))] * 2
    for axis in (0, 1):
        reached = size[axis] + halo.stride[axis]
        if reached < sides[axis]:
            sides[axis], sides[1 - axis] = reached, int(pixels / reached)
    return tuple(
        max(1, (side - h) // stride) * stride
        for side, h, stride in zip(sides, around, halo.stride, strict=True)
    )
