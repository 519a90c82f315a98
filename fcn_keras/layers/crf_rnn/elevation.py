"""Features of pixels, and their cells in the permutohedral lattice.

The simplex of a pixel must not depend on float32's rounding: float64 or integers decide it.
"""

import math

import keras
import numpy as np
from keras import ops

from fcn_keras.crf.lattice import scales

UNIT = 2**28  # of a cell, where float64 is missing


def has_float64():
    """Returns whether there are float64 and int64 tensors; JAX has neither by default."""
    return keras.backend.backend() != "jax"


def places(count, width):
    """Returns 0, 1, ... divided by the width as float64, then rounded to float32, (count,)."""
    if isinstance(count, int):
        return ops.convert_to_tensor((np.arange(count) / width).astype("float32"))
    return ops.cast(ops.arange(count, dtype="float64") / width, "float32")


def colors(image, width):
    """Returns the image divided by the width, rounded once.

    XLA would multiply by the reciprocal of a constant.
    """
    return image / (image * 0 + width)


def bounds(largest):
    """Returns bounds of every coordinate of features in [0, largest], ints in cells."""
    high = np.multiply(largest, scales(len(largest)))
    below = [-i * high[i - 1] if i else 0 for i in range(len(high) + 1)]
    above = [high[i:].sum() for i in range(len(high) + 1)]
    return [math.floor(n) for n in below], [math.ceil(n) for n in above]


def elevated(features, largest):
    """Returns each feature in the lattice's hyperplane, split into cells and a rest.

    Args:
        features: d tensors float32 (n,), each in [0, its `largest`].
        largest: d numbers.

    Returns:
        Cells, int32 (n, d + 1), the nearest whole numbers; rest, (n, d + 1), float64 or int32;
        and the amount of the rest that is one cell.
    """
    if has_float64():
        return _in_float64(features)
    return _in_integers(features, largest)


def _in_float64(features):
    later, coordinates = 0.0, []
    factors = scales(len(features))
    for i in range(len(features), 0, -1):
        scaled = ops.cast(features[i - 1], "float64") * factors[i - 1]
        coordinates.append(later - i * scaled)
        later = later + scaled
    found = ops.stack([later, *coordinates[::-1]], axis=-1)
    cells = ops.round(found)
    return ops.cast(cells, "int32"), found - cells, 1.0


def _in_integers(features, largest):
    """Each scaled feature as whole cells and a fixed-point fraction; all sums are of integers."""
    cells, rests = [], []
    whole_later = rest_later = ops.zeros_like(features[0], dtype="int32")
    factors = scales(len(features))
    for i in range(len(features), 0, -1):
        whole, rest = _split_product(features[i - 1], largest[i - 1], factors[i - 1])
        cells.append(whole_later - i * whole)
        rests.append(rest_later - i * rest)
        whole_later, rest_later = whole_later + whole, rest_later + rest
    cells = ops.stack([whole_later, *cells[::-1]], axis=-1)
    rests = ops.stack([rest_later, *rests[::-1]], axis=-1)
    carried = ops.floor_divide(rests + UNIT // 2, UNIT)
    return cells + carried, rests - carried * UNIT, UNIT


def _split_product(feature, largest, factor):
    """feature * factor as int32 cells and int32 UNITs, within a few UNITs.

    The product of the feature's first 11 bits and the factor's first 13 is exact in float32.
    """
    step = 2.0 ** (math.ceil(math.log2(max(largest, 2.0**-20))) - 11)
    coarse = ops.round(feature * (1 / step)) * step
    head = round(factor * 2**13) / 2**13
    product = coarse * head
    whole = ops.round(product)
    tail = coarse * float(factor - head) + (feature - coarse) * float(factor)
    rest = ops.cast((product - whole) * UNIT, "int32")
    return ops.cast(whole, "int32"), rest + ops.cast(ops.round(tail * UNIT), "int32")
