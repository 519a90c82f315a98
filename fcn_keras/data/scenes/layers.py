"""Layers of a scene: a shape, a texture, a motion and a depth, all given by formulas.

Points are (x, y) in pixels; the centre of the pixel in row i and column j is (j, i).
"""

from dataclasses import dataclass

import numpy as np

CLASSES = ("background", "ellipse", "rectangle", "triangle", "blob")


@dataclass(frozen=True, eq=False)
class Shape:
    """The outline of an object.

    Attributes:
        kind: One of `CLASSES` but the background.
        center: (x, y).
        radii: Half the width and half the height in pixels, before the rotation.
        angle: Rotation in radians.
        waves: Of a blob, (count around the outline, amplitude as a share of the radius, phase) of
            each wave of its radius; the amplitudes sum to 0.5 at most.
    """

    kind: str
    center: tuple[float, float]
    radii: tuple[float, float]
    angle: float = 0.0
    waves: tuple = ()

    def contains(self, x, y):
        """Returns which points lie in the shape, a bool array of the shape of x and y."""
        x, y = x - self.center[0], y - self.center[1]
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        u, v = (cos * x + sin * y) / self.radii[0], (cos * y - sin * x) / self.radii[1]
        inside = np.maximum(np.abs(u), np.abs(v)) <= REACH
        inside[inside] = INSIDE[self.kind](u[inside], v[inside], self.waves)
        return inside


REACH = 1.5  # of an outline, in radii


def _ellipse(u, v, waves):
    return u**2 + v**2 <= 1


def _rectangle(u, v, waves):
    return (np.abs(u) <= 1) & (np.abs(v) <= 1)


def _triangle(u, v, waves):
    """The equilateral triangle in the unit circle."""
    slant = np.sqrt(0.75) * u
    return (v <= 0.5) & (slant - v / 2 <= 0.5) & (-slant - v / 2 <= 0.5)


def _blob(u, v, waves):
    around, radius = np.arctan2(v, u), np.ones_like(u)
    for count, amplitude, phase in waves:
        radius += amplitude * np.cos(count * around + phase)
    return np.hypot(u, v) <= radius


INSIDE = {"ellipse": _ellipse, "rectangle": _rectangle, "triangle": _triangle, "blob": _blob}


@dataclass(frozen=True, eq=False)
class Texture:
    """A texture without end and without pixels: a colour and a sum of waves.

    Attributes:
        color: (3,), the mean, 0-255.
        waves: (K, 2), cycles a pixel of each wave along x and y.
        phases: (K,), in radians.
        amplitudes: (K, 3), of each wave in each channel.
    """

    color: np.ndarray
    waves: np.ndarray
    phases: np.ndarray
    amplitudes: np.ndarray

    def at(self, x, y):
        """Returns the colours (N, 3) of points given by x and y, each (N,)."""
        points = np.stack([x, y], -1).astype("float32")  # half the time of float64
        phases = points @ (2 * np.pi * self.waves.T).astype("float32")
        phases += self.phases.astype("float32")
        return self.color + np.cos(phases) @ self.amplitudes


@dataclass(frozen=True, eq=False)
class Layer:
    """One object, or the background, in two frames.

    Attributes:
        shape: A `Shape` in frame 1; None for the background, which is everywhere.
        texture: A `Texture` in frame 1.
        motion: (2, 3), the affine map M of points from frame 1 to frame 2: M[:, :2] p + M[:, 2].
        depth: Distance in metres.
    """

    shape: Shape | None
    texture: Texture
    motion: np.ndarray
    depth: float

    @property
    def label(self):
        """The number of the layer's class."""
        return 0 if self.shape is None else CLASSES.index(self.shape.kind)

    def contains(self, x, y):
        """Returns which points of frame 1 the layer covers."""
        return np.ones(np.shape(x), bool) if self.shape is None else self.shape.contains(x, y)

    def moved(self, x, y):
        """Returns where points of frame 1 are in frame 2, as (x, y)."""
        return _mapped(self.motion, x, y)

    def moved_back(self, x, y):
        """Returns where points of frame 2 were in frame 1, as (x, y)."""
        inverse = np.linalg.inv(np.vstack([self.motion, (0, 0, 1)]))
        return _mapped(inverse, x, y)


def _mapped(motion, x, y):
    (a, b, c), (d, e, f) = motion[:2]
    return a * x + b * y + c, d * x + e * y + f
