"""The regions of a label map as polygons: traced along the borders of pixels, then simplified."""

from typing import NamedTuple

import numpy as np

from fcn_keras.checks import number, whole_number
from fcn_keras.data.coco.categories import BACKGROUND
from fcn_keras.metrics.components import components


class Region(NamedTuple):
    """A connected part of a class as polygons.

    Attributes:
        label: Its class.
        rings: List of arrays (N, 2) of x, y in pixels from the image's top left corner: the
            outline, then the holes.

    Example:

    >>> square = Region(1, [np.array([(0, 0), (4, 0), (4, 4), (0, 4)])])
    >>> square.area, square.box
    (16.0, [0, 0, 4, 4])
    """

    label: int
    rings: list

    @property
    def area(self):
        """The area in pixels, without the holes."""
        outer, *holes = map(area_of, self.rings)
        return abs(outer) - sum(map(abs, holes))

    @property
    def box(self):
        """Its box as x, y, width and height."""
        low, high = self.rings[0].min(0), self.rings[0].max(0)
        return [*low.tolist(), *(high - low).tolist()]


def regions_of(label_map, labels, tolerance=1.0, smallest=16):
    """Returns the regions of a label map as polygons.

    Regions are the parts of a class whose pixels share edges. Void, and a class 0 that is called
    background, have none.

    Args:
        label_map: Integers (H, W).
        labels: The `fcn_keras.LabelSet`.
        tolerance: The greatest distance in pixels between a polygon and the border of its pixels.
            With 0 it is that border.
        smallest: Regions and holes with fewer pixels are left out.

    Returns:
        A list of `Region`, class by class.

    Raises:
        ValueError: for a negative tolerance, or `smallest` below 1.

    Example:

    ```python
    labels = fcn_keras.LabelSet(("background", "egg"))
    label_map = np.zeros((20, 30), "uint8")
    label_map[5:12, 8:20] = 1
    (egg,) = fcn_keras.inference.regions_of(label_map, labels)
    egg.rings[0]        # the corners (8, 5), (20, 5), (20, 12), (8, 12)
    ```
    """
    from scipy import ndimage

    number("tolerance", tolerance)
    whole_number("smallest", smallest)
    label_map = np.asarray(label_map)
    found = []
    for label in np.unique(label_map).tolist():
        if label == labels.ignore or (label == 0 and has_background(labels)):
            continue
        numbers = components(label_map == label)
        for count, box in enumerate(ndimage.find_objects(numbers), start=1):
            inside = numbers[box] == count
            if np.count_nonzero(inside) >= smallest:
                corner = box[1].start, box[0].start
                found.append(Region(label, _rings(inside, corner, tolerance, smallest)))
    return found


def has_background(labels):
    """Returns whether class 0 of a `LabelSet` is what is no object."""
    return labels.names[0].lower() in BACKGROUND


def area_of(ring):
    """Returns the area within a ring, above 0 where it turns clockwise (y is downward)."""
    x, y = np.asarray(ring, "float64").T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def _rings(inside, corner, tolerance, smallest):
    """The outline of a connected mask, then its holes, in the image."""
    rings = sorted(traced(inside), key=area_of, reverse=True)
    kept = [rings[0], *(hole for hole in rings[1:] if abs(area_of(hole)) >= smallest)]
    result = []
    for ring in kept:
        simple = simplified(ring, tolerance)
        simple = simple if len(simple) > 2 and area_of(simple) else ring
        result.append(simple + np.array(corner, "float64"))
    return result


def traced(inside):
    """Returns the borders of a mask as rings along the borders of its pixels.

    Args:
        inside: bool (H, W).

    Returns:
        A list of float arrays (N, 2) of the corners x, y. Outlines turn clockwise, holes
        counterclockwise. Pixels that share a corner alone are not connected.
    """
    after = _edges(np.pad(inside, 1))
    rings = []
    while after:
        start = next(iter(after))
        at, direction, ring = start, None, []
        while at in after:
            ways = after[at]
            turn = direction and (-direction[1], direction[0])  # to the right
            way = turn if len(ways) > 1 and turn in ways else ways[0]
            ways.remove(way)
            if not ways:
                del after[at]
            if way != direction:
                ring.append(at)
            at, direction = (at[0] + way[0], at[1] + way[1]), way
            if at == start:
                break
        rings.append(np.array(ring, "float64"))
    return rings


def _edges(padded):
    """{corner: directions of the edges that leave it}, with the mask to the right of each edge."""
    after = {}
    inner = padded[1:-1, 1:-1]
    for (down, right), (x, y), way in (
        ((-1, 0), (0, 0), (1, 0)),  # edge above a pixel, from its left corner to the right one
        ((0, 1), (1, 0), (0, 1)),
        ((1, 0), (1, 1), (-1, 0)),
        ((0, -1), (0, 1), (0, -1)),
    ):
        height, width = inner.shape
        other = padded[1 + down : 1 + down + height, 1 + right : 1 + right + width]
        rows, columns = np.nonzero(inner & ~other)
        for corner in zip((columns + x).tolist(), (rows + y).tolist(), strict=True):
            after.setdefault(corner, []).append(way)
    return after


def simplified(ring, tolerance):
    """Returns a ring with fewer corners, of which none that is left out is farther than tolerance.

    Args:
        ring: (N, 2).
        tolerance: Distance in pixels; 0 keeps all corners.

    Source: Douglas, Peucker (1973), Algorithms for the reduction of the number of points required
    to represent a digitized line or its caricature.
    """
    if not tolerance or len(ring) < 4:
        return ring
    start = int(np.argmin(ring.sum(1)))  # an extreme corner, which stays
    closed = np.concatenate([ring[start:], ring[: start + 1]])
    far = int(np.argmax(np.hypot(*(closed - closed[0]).T)))
    kept = np.zeros(len(closed), bool)
    kept[[0, far, -1]] = True
    spans = [(0, far), (far, len(closed) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        distance = _from_segment(closed[first + 1 : last], closed[first], closed[last])
        worst = int(np.argmax(distance))
        if distance[worst] > tolerance:
            middle = first + 1 + worst
            kept[middle] = True
            spans += [(first, middle), (middle, last)]
    return closed[:-1][kept[:-1]]


def _from_segment(points, start, end):
    """The distance of points (N, 2) from a segment, (N,)."""
    along = end - start
    length = float(along @ along)
    share = np.clip((points - start) @ along / length, 0, 1) if length else np.zeros(len(points))
    return np.hypot(*(points - start - share[:, None] * along).T)
