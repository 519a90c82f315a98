"""One-to-one matching of the pixels of two masks within a distance."""

import math

import numpy as np


def match_pixels(first, second, distance):
    """Returns which pixels of two masks have a partner in the other, each at most one.

    As many pairs as possible are matched: it is a maximum bipartite matching, found as the maximum
    flow of a graph of unit capacities (Dinic), which is the algorithm of Hopcroft and Karp.

    Args:
        first, second: bool (H, W).
        distance: Largest distance of two partners, in pixels.

    Returns:
        (matched, matched): bool (H, W), some of the pixels of `first` and as many of `second`.

    Example:

    >>> pairs = match_pixels(np.array([[1, 1, 0, 0, 1]]), np.array([[0, 0, 1, 0, 0]]), distance=1)
    >>> pairs[0].sum(), pairs[1].sum()
    (np.int64(1), np.int64(1))

    Source: Martin, Fowlkes, Malik (2004), "Learning to detect natural image boundaries", section 4.
    """
    first, second = np.asarray(first, bool), np.asarray(second, bool)
    reach = math.floor(distance)
    numbers = np.full(np.add(second.shape, 2 * reach), -1, np.int32)
    places = np.argwhere(second)
    numbers[tuple((places + reach).T)] = np.arange(len(places))
    rows, columns = np.nonzero(first)
    beside = numbers.ravel()[
        ((rows + reach) * numbers.shape[1] + columns + reach)[:, None]
        + _steps(reach, distance, numbers.shape[1])
    ]
    near = beside >= 0
    pairs = _most_pairs(near.sum(1), beside[near], len(places))
    matched = np.zeros(first.shape, bool), np.zeros(second.shape, bool)
    matched[0][rows[pairs[0]], columns[pairs[0]]] = True
    matched[1][tuple(places[pairs[1]].T)] = True
    return matched


def _most_pairs(degrees, partners, count):
    """The numbers of the matched ones of either side: two int arrays of one length.

    `scipy.sparse.csgraph.maximum_bipartite_matching` finds as many, in up to a thousand times the
    time on such graphs.

    Args:
        degrees: Number of possible partners of each one of the first side.
        partners: Their numbers, one after the other.
        count: Number of those of the second side.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_flow

    first, edges = len(degrees), len(partners)
    if not edges:
        return np.zeros((2, 0), int)
    sink = first + count + 1
    ends = np.concatenate(
        [[0, first], first + np.cumsum(degrees), first + edges + np.arange(1, count + 1)]
    )
    targets = np.concatenate([np.arange(1, first + 1), first + 1 + partners, np.full(count, sink)])
    ends = np.append(ends, ends[-1]).astype(np.int32)
    graph = csr_array(
        (np.ones(len(targets), np.int32), targets.astype(np.int32), ends), (sink + 1, sink + 1)
    )
    flow = maximum_flow(graph, 0, sink, method="dinic").flow.tocoo()
    used = (flow.data > 0) & (flow.row > 0) & (flow.col < sink)
    return flow.row[used] - 1, flow.col[used] - first - 1


def _steps(reach, distance, row):
    """The steps in a flat array of rows of a length to the pixels within a distance."""
    down, right = np.mgrid[-reach : reach + 1, -reach : reach + 1].reshape(2, -1)
    near = down**2 + right**2 <= distance**2
    return (down * row + right)[near]
