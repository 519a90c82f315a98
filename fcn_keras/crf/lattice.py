"""The permutohedral lattice as plain arrays: the points around each feature, and their neighbours.

Points are numbered by sorting their coordinates, which are packed into one integer.
"""

import dataclasses
import math

import numpy as np

from fcn_keras.threads import checked_threads, mapping

CHUNK = 8192
MARGIN = 3  # cells around the features where points and their neighbours can be
LARGEST = 2**63 - 1


@dataclasses.dataclass(frozen=True)
class Lattice:
    """A permutohedral lattice around N features of d dimensions, as arrays.

    Filtering values (N, channels) by the Gaussian exp(-|f_i - f_j|² / 2) of the features is

    1. splat: each of M points becomes the sum of the values around it, times their `weights`;
    2. blur: for each axis in order, half of both neighbours is added to each point;
    3. slice: each feature becomes the sum of the points around it, times its `weights`;

    up to a constant factor near 1 + 2**-d. A point without a feature next to it does not exist and
    counts as zero: its number is M, so that it can be read from a row of zeros after the points.

    Attributes:
        offsets: int32 (N, d + 1), in [0, M): the points around each feature.
        weights: float32 (N, d + 1), at least 0, of sum 1: the barycentric coordinates there.
        neighbors: int32 (d + 1, M, 2), in [0, M]: the points next to each one along each axis.

    Example:

    ```python
    features = np.random.default_rng(0).normal(size=(50, 2))
    lattice = fcn_keras.crf.permutohedral_lattice(features)
    values = np.zeros((lattice.num_points + 1, 1))
    np.add.at(values, lattice.offsets, lattice.weights[..., None])       # splats ones
    for one, other in lattice.neighbors.transpose(0, 2, 1):
        values[:-1] += (values[one] + values[other]) / 2                 # blurs
    sums = (values[lattice.offsets] * lattice.weights[..., None]).sum(1)  # slices, (50, 1)
    ```

    Source: Adams, Baek, Davis (2010), "Fast high-dimensional filtering using the permutohedral
    lattice", section 3.
    """

    offsets: np.ndarray
    weights: np.ndarray
    neighbors: np.ndarray

    @property
    def num_points(self):
        """Number of points M, at most N * (d + 1)."""
        return self.neighbors.shape[1]


def permutohedral_lattice(features, *, threads=None):
    """Returns the permutohedral lattice of features, for filtering by a Gaussian of unit width.

    Args:
        features: finite numbers (N, d), 1 <= d <= 6, divided by the widths of the Gaussian.
        threads: number of threads; None is one for each core, at most 8. The result does not
            depend on it.

    Returns:
        A `Lattice`. The order of its points depends on the features alone.

    Raises:
        ValueError: for another array, or features that spread so far that their points cannot be
            numbered in 64 bits: then the widths are too small.

    Example:

    ```python
    image = np.zeros((30, 40, 3), "uint8")
    features = fcn_keras.crf.pixel_features(image, spatial_width=80, color_width=13)
    lattice = fcn_keras.crf.permutohedral_lattice(features)
    lattice.offsets.shape, lattice.num_points     # (1200, 6), 16
    ```

    Source: Adams, Baek, Davis (2010), section 3. The features are scaled as there, so that
    splatting, blurring and slicing together have unit variance.
    """
    features = _checked(features)
    with mapping(checked_threads(threads)) as run:
        return build(features, run)


def build(features, run):
    """Returns the `Lattice` of checked features.

    Args:
        features: As `permutohedral_lattice` takes them.
        run: `run(function, items)` returns the list of results.
    """
    packing = _Packing(features)
    offsets = np.empty((len(features), features.shape[1] + 1), np.int32)
    weights = np.empty(offsets.shape, np.float32)

    def surround(part):
        found, offsets[part], weights[part] = _surround(features[part], packing)
        return found

    def number(part, found):
        offsets[part] = np.searchsorted(keys, found).astype(np.int32)[offsets[part]]

    parts = [slice(at, at + CHUNK) for at in range(0, len(features), CHUNK)]
    found = run(surround, parts)
    keys = np.unique(np.concatenate(found))
    run(lambda pair: number(*pair), list(zip(parts, found, strict=True)))
    return Lattice(offsets, weights, np.stack(run(lambda s: _neighbors(keys, s), packing.steps)))


def _checked(features):
    features = np.asarray(features)
    if features.ndim != 2 or not len(features) or not 1 <= features.shape[1] <= 6:
        raise ValueError(
            "`features` must be an array (N, d) with N at least 1 and d from 1 to 6, got shape "
            f"{features.shape}."
        )
    if features.dtype.kind not in "biuf" or not np.isfinite(features).all():
        raise ValueError(
            f"`features` must be finite numbers, got {features.dtype} with "
            f"{np.count_nonzero(~np.isfinite(features)) if features.dtype.kind == 'f' else 'no'} "
            "values that are not finite."
        )
    return features


class _Packing:
    """Packs the coordinates of a lattice point into one integer, its key.

    The first d coordinates of a point of remainder k are (d + 1) q_i + k; the last one makes
    their sum zero. The key is the sum of strides times coordinates, so that a step along a blur
    axis adds the same constant to every key. Modulo d + 1 the key is k times the sum of the
    strides. It determines k, as that sum and d + 1 are coprime; the rest is q in mixed radix.
    """

    def __init__(self, features):
        d = features.shape[1]
        low, high = _bounds(features)
        self.low = np.floor(low[:d]).astype(np.int64) - MARGIN
        radices = np.ceil(high[:d]).astype(np.int64) + MARGIN + 1 - self.low
        strides = [math.prod(map(int, radices[:i])) for i in range(d)]
        while math.gcd(sum(strides), d + 1) > 1:
            strides[-1] += 1
        self.orders = (d + 1) ** d
        if (d + 1) * (strides[-1] * int(radices[-1]) + sum(strides)) * self.orders > LARGEST:
            raise ValueError(
                f"The features spread over {' x '.join(map(str, radices))} cells of the lattice, "
                "more than 64 bits can number. Divide them by larger widths."
            )
        self.strides = np.array([*strides, 0])
        self.steps = sum(strides) - (d + 1) * self.strides

    def corners(self, cells):
        """Returns the keys of the points of remainder 0, coordinates (d + 1) * cells (d + 1, n)."""
        keys = np.zeros(cells.shape[1], np.int64)
        for cell, low, stride in zip(cells, self.low, self.strides, strict=False):
            keys += (cell.astype(np.int64) - low) * (len(cells) * stride)
        return keys


def scales(d):
    """Returns the factors (d,) that scale features to the lattice, whose unit here is d + 1."""
    i = np.arange(1, d + 1)
    return math.sqrt(2 / 3) / np.sqrt(i * (i + 1))


def _bounds(features):
    """Returns bounds below and above every elevated coordinate, each (d + 1,)."""
    factors = scales(features.shape[1])
    low, high = features.min(0) * factors, features.max(0) * factors
    below = np.array([sum(low[i:]) - i * (high[i - 1] if i else 0) for i in range(len(low) + 1)])
    above = np.array([sum(high[i:]) - i * (low[i - 1] if i else 0) for i in range(len(low) + 1)])
    return below, above


def _elevated(features):
    """Returns the features in the lattice's hyperplane, float64 (d + 1, n), in units of d + 1."""
    n, d = features.shape
    elevated, later = np.empty((d + 1, n)), np.zeros(n)
    for i, scale in reversed(list(enumerate(scales(d), start=1))):
        scaled = features[:, i - 1] * scale
        elevated[i] = later - i * scaled
        later = later + scaled
    elevated[0] = later
    return elevated


def _simplices(features):
    """Returns the simplex around each feature, as three arrays (d + 1, n).

    Returns:
        The cells of its point of remainder 0; the rank of each coordinate of the rest, 0 for the
        largest; and the rest.
    """
    rest = _elevated(features)
    cells = np.rint(rest)
    rest -= cells
    ranks = np.zeros(rest.shape, np.int8)
    for i in range(len(rest)):
        for j in range(i + 1, len(rest)):
            below = rest[i] < rest[j]
            ranks[i] += below
            ranks[j] += ~below
    ranks += cells.sum(0).astype(np.int8)  # distance from the hyperplane, in cells
    wrapped = (ranks < 0).astype(np.int8) - (ranks >= len(rest))
    ranks += np.int8(len(rest)) * wrapped
    return cells.astype(np.int32) + wrapped, ranks, rest - wrapped


def _surround(features, packing):
    """Returns the distinct keys around features, the indices of each, and weights, (n, d + 1)."""
    cells, ranks, rest = _simplices(features)
    d, everyone = features.shape[1], np.arange(len(features))
    falling = np.empty_like(rest)
    for rank, values in zip(ranks, rest, strict=True):
        falling[rank, everyone] = values
    weights = np.vstack([1 + falling[d] - falling[0], falling[d - 1 :: -1] - falling[:0:-1]])

    order = np.zeros(len(features), np.int64)
    for rank in ranks[:d]:
        order = order * (d + 1) + rank
    corners = packing.corners(cells) * packing.orders + order
    simplices, example, which = _distinct(corners)
    vertices = _vertices(simplices // packing.orders, ranks[:, example], packing.steps)
    keys, _, numbers = _distinct(vertices)
    return keys, numbers.astype(np.int32).T[which], weights.T.clip(0)


def _distinct(values):
    """Returns the sorted values, the first index of each, and for each index its value's number.

    Asking for first indices makes NumPy sort stably, which is faster: neighbours come in runs.
    """
    return np.unique(values, return_index=True, return_inverse=True)


def _vertices(corners, ranks, steps):
    """Returns the keys of the d + 1 points of each simplex, (d + 1, n), by their remainder.

    From remainder k - 1 to k is a step along the axis of rank d + 1 - k.
    """
    by_rank = np.empty(ranks.shape, np.int64)
    for rank, step in zip(ranks, steps, strict=True):
        by_rank[rank, np.arange(len(corners))] = step
    vertices = np.empty(ranks.shape, np.int64)
    vertices[0] = corners
    vertices[1:] = by_rank[:0:-1]
    return vertices.cumsum(0, out=vertices)


def _neighbors(keys, step):
    """Returns the points before and after each one along an axis, int32 (M, 2)."""
    neighbors = np.full((len(keys), 2), len(keys), np.int32)
    behind = np.searchsorted(keys, keys + step)
    here = np.flatnonzero(keys[np.minimum(behind, len(keys) - 1)] == keys + step)
    neighbors[here, 1] = behind[here]
    neighbors[behind[here], 0] = here
    return neighbors
