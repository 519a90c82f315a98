"""The shapes that annotators draw, as polygons and run lengths: what an `Outline` consists of."""

import math

import numpy as np

from fcn_keras.data.coco.polygons import runs_of

DEVIATION = 0.02  # pixels that the polygon of a circle may lie inside of it


def polygon(points, holes=()):
    """Returns a polygon with holes as one ring, x, y, x, y, ...

    The ring goes to each hole and back along the same line, the shortest between two corners. By
    the even-odd rule it has no pixels.

    Args:
        points: [x, y] of the corners, in pixels from the image's top left corner.
        holes: Lists of [x, y].

    Raises:
        ValueError: for less than three corners.
    """
    if len(points) < 3:
        raise ValueError(f"a polygon of {len(points)} corners; it has at least 3")
    ring = np.asarray(points, "float64").reshape(-1, 2)
    for hole in holes:
        hole = np.asarray(hole, "float64").reshape(-1, 2)
        apart = np.abs(ring[:, None] - hole).sum(-1)
        leave, arrive = np.unravel_index(apart.argmin(), apart.shape)
        around = np.concatenate([hole[arrive:], hole[: arrive + 1]])
        ring = np.concatenate([ring[: leave + 1], around, ring[leave:]])
    return ring.reshape(-1).tolist()


def rectangle(left, top, right, bottom, degrees=0.0, about=None):
    """Returns a rectangle as a polygon.

    Args:
        left, top, right, bottom: Its edges in pixels, in either order.
        degrees: Angle by which it is turned clockwise.
        about: [x, y] that it is turned about. Default: its centre.
    """
    corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)], "float64")
    return _turned(corners, degrees, corners.mean(0) if about is None else about)


def ellipse(x, y, radius_x, radius_y, degrees=0.0):
    """Returns an ellipse as a polygon of so many corners that it deviates by 0.02 pixels.

    Args:
        x, y: Its centre in pixels.
        radius_x, radius_y: Its half axes in pixels.
        degrees: Angle by which it is turned clockwise.
    """
    radius = max(abs(radius_x), abs(radius_y), 0.5)
    count = max(8, math.ceil(math.pi / math.sqrt(2 * DEVIATION / radius)))
    angle = 2 * np.pi * np.arange(count) / count
    corners = np.stack([x + radius_x * np.cos(angle), y + radius_y * np.sin(angle)], axis=-1)
    return _turned(corners, degrees, (x, y))


def stroke(points, width):
    """Returns a line through some points, or dots, as polygons that overlap.

    Args:
        points: [x, y] of the points of the line; of a single one a dot is made.
        width: Width in pixels.
    """
    half, points = width / 2, np.asarray(points, "float64").reshape(-1, 2)
    parts = [ellipse(x, y, half, half) for x, y in points]
    for start, end in zip(points, points[1:], strict=False):
        along = end - start
        if length := float(np.hypot(*along)):
            across = np.array([-along[1], along[0]]) * half / length
            corners = (start + across, end + across, end - across, start - across)
            parts.append(np.concatenate(corners).tolist())
    return parts


def bitmap(inside, size, top=0, left=0):
    """Returns a mask that lies somewhere in an image as run lengths.

    Args:
        inside: (h, w), not 0 on the shape.
        size: (H, W) of the image.
        top, left: The row and column of the mask's first pixel. Pixels beyond the image are left
            out.
    """
    whole, inside = np.zeros(size, bool), np.asarray(inside) != 0
    rows, columns = np.nonzero(inside)
    rows, columns = rows + top, columns + left
    there = (rows >= 0) & (rows < size[0]) & (columns >= 0) & (columns < size[1])
    whole[rows[there], columns[there]] = True
    return runs_of(whole)


def _turned(corners, degrees, about):
    if degrees:
        cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        x, y = (corners - about).T
        corners = np.stack([x * cosine - y * sine, x * sine + y * cosine], axis=-1) + about
    return corners.reshape(-1).tolist()
