"""The permutohedral lattice around features as tensors: `crf.lattice.Lattice` in keras.ops.

The same points, weights and neighbours, so that both filter alike.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from fcn_keras.layers.crf_rnn.elevation import bounds, elevated
from fcn_keras.layers.crf_rnn.numbering import Numbering

MARGIN = 2  # cells around the features where points and their neighbours can be
MOST_IMAGES = 2**16  # assumed of a batch of unknown size


@dataclass(frozen=True)
class Points:
    """Points of a lattice of d dimensions around n features.

    Attributes:
        offsets: int32 (n, d + 1), the points around each feature.
        weights: float32 (n, d + 1), at least 0, of sum 1.
        neighbors: For each of the d + 1 axes two int32 (room + 1,): the points before and after;
            `room` means that there is none, and is its own neighbour.
        room: One more than the largest number of a point.
    """

    offsets: Any
    weights: Any
    neighbors: list
    room: Any

    @classmethod
    def of(cls, lattice):
        """Returns the tensors of a NumPy `fcn_keras.crf.lattice.Lattice`."""
        room = lattice.num_points
        ends = np.full((len(lattice.neighbors), 1, 2), room, "int32")
        neighbors = np.concatenate([lattice.neighbors, ends], axis=1)
        return cls(
            ops.convert_to_tensor(lattice.offsets),
            ops.convert_to_tensor(lattice.weights),
            [tuple(map(ops.convert_to_tensor, axis.T)) for axis in neighbors],
            room,
        )


def points_around(features, largest, image=None, images=1, pixels=None):
    """Returns the `Points` around features of one image or several.

    Args:
        features: d tensors float32 (n,), each in [0, its `largest`].
        largest: d numbers.
        image: int32 (n,), the image of each feature; images have no points in common. None where
            there is one.
        images: Number of images, or None where it is known at run time only.
        pixels: n, or None.

    Raises:
        ValueError: if so many points cannot be numbered.
    """
    n, (low, high) = len(features) + 1, bounds(largest)
    cells, ranks, rest, unit = _simplices(*elevated(features, largest))
    steps = np.arange(n)[:, None]
    inner = ops.cast(ranks[:, None, :-1] > n - 1 - steps, "int32")
    corners = ops.reshape(cells[:, None, :-1] - inner, (-1, n - 1))
    digits = [corners[:, i] + (MARGIN - low[i]) for i in range(n - 1)]
    digits.append(ops.reshape(ops.zeros_like(ranks) + np.arange(n, dtype="int32"), (-1,)))
    radices = [high[i] - low[i] + 2 * MARGIN + 1 for i in range(n - 1)] + [n]
    if image is not None:
        digits.insert(0, ops.repeat(image, n))
        radices.insert(0, images or MOST_IMAGES)
    numbering = Numbering(digits, radices, pixels and pixels * n)
    return Points(
        ops.reshape(numbering.numbers, (-1, n)),
        _weights(ranks, rest, unit),
        _neighbors(numbering, n),
        numbering.room,
    )


def _simplices(cells, rest, unit):
    """The simplex around each feature, its coordinates split into cells and a rest.

    Returns:
        The cells of its point of remainder 0; the rank of each coordinate of the rest, 0 for the
        largest; the rest; and the amount of it that is one cell.
    """
    n = cells.shape[-1]
    ranks = ops.sum(cells, axis=-1, keepdims=True)  # off the hyperplane by so many cells
    for j in range(n):
        other = rest[:, j : j + 1]
        ahead = ops.logical_or(other > rest, ops.logical_and(other == rest, j < np.arange(n)))
        ranks = ranks + ops.cast(ahead, "int32")
    wrapped = ops.cast(ranks < 0, "int32") - ops.cast(ranks >= n, "int32")
    rest = rest - ops.cast(wrapped, rest.dtype) * unit
    return cells + wrapped, ranks + n * wrapped, rest, unit


def _weights(ranks, rest, unit):
    """float32 (n, d + 1), the barycentric coordinates at the points of remainder 0, 1, ..."""
    falling = [
        ops.sum(ops.where(ranks == rank, rest, ops.zeros_like(rest)), axis=-1)
        for rank in range(ranks.shape[-1])
    ]
    last = len(falling) - 1
    weights = [unit + falling[last] - falling[0]]
    weights += [falling[last - k] - falling[last - k + 1] for k in range(1, last + 1)]
    return ops.relu(ops.cast(ops.stack(weights, axis=-1), "float32") / unit)


def _neighbors(numbering, n):
    """The points before and after each one along each axis.

    A step along axis j adds 1 to the remainder and takes a cell off coordinate j; past the last
    remainder every coordinate gains a cell.
    """
    *first, remainder = numbering.digits()
    image, corners = first[: 1 - n], first[1 - n :]
    over = ops.cast(remainder == n - 1, "int32")
    remainder = (remainder + 1) % n
    room = numbering.room
    numbers = ops.arange(room, dtype="int32")
    found = []
    for axis in range(n):
        stepped = [corner + over - (axis == i) for i, corner in enumerate(corners)]
        behind = numbering.find([*image, *stepped, remainder])
        behind = ops.where(numbers < numbering.count, behind, room)
        before = ops.segment_max(numbers, behind, room + 1)[:-1]
        before = ops.where(before < 0, room, before)
        found.append((_ended(before, room), _ended(behind, room)))
    return found


def _ended(neighbors, room):
    end = ops.reshape(ops.cast(room, "int32"), (1,))
    return ops.concatenate([ops.cast(neighbors, "int32"), end])
