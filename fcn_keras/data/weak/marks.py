"""Points and scribbles as an annotator would set them, drawn at random inside of regions."""

import math

import numpy as np

DEEP = 0.5  # share of a region's greatest depth from which on a point is set
NODES = 48  # nodes of the path of a scribble along the longer side of a region
WIDTH = 3  # pixels across a scribble


def marked(label, regions, ignore, draw):
    """Returns a label map of the marks in some regions, void everywhere else.

    Args:
        label: Class numbers and void, (H, W).
        regions: `Region`s of it.
        ignore: The value of void.
        draw: `draw(mask)` returns the marked pixels of a region, bool of the mask's shape.

    Returns:
        (H, W) of the map's dtype.
    """
    marks = np.full_like(label, ignore)
    for one in regions:
        marks[one.box][draw(one.mask) & one.mask] = one.label
    return marks


def point(mask, rng, radius=2):
    """Returns a dot at a random pixel deep inside of a region.

    Args:
        mask: bool (H, W).
        rng: A `numpy.random.Generator`.
        radius: Distance in pixels up to which the region's pixels belong to the dot; 0 is one
            pixel.

    Returns:
        bool (H, W).
    """
    return drawn_point([_deep_pixel(_depth(mask), rng)], mask.shape, radius) & mask


def scribble(mask, rng, length=1.0):
    """Returns a line through a region, from end to end of it and away from its border.

    It is the cheapest path between two pixels that lie far apart, where pixels near the border
    are expensive, with some chance in their costs.

    Args:
        mask: bool (H, W).
        rng: A `numpy.random.Generator`.
        length: Share of the path that is drawn, its middle; at 0 it is a dot.

    Returns:
        bool (H, W), a line 3 pixels wide.
    """
    depth = _depth(mask)
    step = max(1, math.ceil(max(mask.shape) / NODES))
    nodes = np.argwhere(depth[::step, ::step] > 0)
    if len(nodes) < 3:
        return point(mask, rng, WIDTH // 2)
    path = _path(nodes, depth[::step, ::step][tuple(nodes.T)], rng) * step
    left_out = round((len(path) - 1) * (1 - length) / 2)
    return drawn_line(path[left_out : len(path) - left_out], mask.shape) & mask


def drawn_point(places, shape, radius=2):
    """Returns the pixels around the first of some places (n, 2), bool of a shape."""
    (row, column), (height, width) = places[0], shape
    rows, columns = np.ogrid[:height, :width]
    return (rows - row) ** 2 + (columns - column) ** 2 <= radius**2


def drawn_line(path, shape):
    """Returns the pixels of a line of 3 pixels through some places (n, 2), bool of a shape."""
    from scipy import ndimage

    line = np.zeros(shape, bool)
    for start, end in zip(path, path[1:], strict=False):
        count = int(np.abs(end - start).max()) + 1
        line[tuple(np.linspace(start, end, count).round().astype(int).T)] = True
    line[tuple(np.asarray(path[0]).astype(int))] = True
    return ndimage.binary_dilation(line, np.ones((WIDTH, WIDTH), bool))


def _depth(mask):
    """The distance of each pixel to the border of a region, which the edge of its box is too."""
    from scipy import ndimage

    return ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]


def _deep_pixel(depth, rng):
    places = np.flatnonzero(depth >= DEEP * depth.max())
    return np.unravel_index(places[rng.integers(len(places))], depth.shape)


def _path(nodes, depth, rng):
    """The pixels (n, 2) of a path between two far ends of a region."""
    from scipy.sparse.csgraph import dijkstra

    pairs, lengths = _neighbours(nodes)
    inside = depth / depth.max()
    plain, ends = _graph(pairs, lengths, len(nodes)), inside >= DEEP / 2
    first = _farthest(plain, int(np.argmax(depth)), ends)
    last = _farthest(plain, first, ends)
    cost = (0.1 + inside) ** -2 * rng.uniform(1, 2, len(nodes))
    graph = _graph(pairs, lengths * (cost[pairs[0]] + cost[pairs[1]]), len(nodes))
    before = dijkstra(graph, indices=first, return_predecessors=True)[1]
    path = [last]
    while before[path[-1]] >= 0:
        path.append(before[path[-1]])
    return nodes[path]


def _neighbours(nodes):
    """Pairs of nodes that share an edge or a corner, (2, pairs), and how far they are apart."""
    number = np.full(nodes.max(0) + 2, -1)
    number[tuple(nodes.T)] = np.arange(len(nodes))
    pairs, lengths = [], []
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        other = number[nodes[:, 0] + down, nodes[:, 1] + right]  # column -1 is the empty last
        there = np.flatnonzero(other >= 0)
        pairs.append(np.stack([there, other[there]]))
        lengths.append(np.full(len(there), math.hypot(down, right)))
    return np.concatenate(pairs, axis=1), np.concatenate(lengths)


def _graph(pairs, costs, count):
    from scipy import sparse

    graph = sparse.coo_array((costs, tuple(pairs)), (count, count))
    return (graph + graph.T).tocsr()


def _farthest(graph, start, ends):
    """The node among some that is farthest from another along the graph."""
    from scipy.sparse.csgraph import dijkstra

    distance = dijkstra(graph, indices=start)
    return int(np.argmax(np.where(np.isfinite(distance) & ends, distance, -1)))
