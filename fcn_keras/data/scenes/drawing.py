"""Random scenes: which layers they have, where these are and how they move."""

import numpy as np

from fcn_keras.checks import number, whole_number
from fcn_keras.data.scenes.layers import CLASSES, Layer, Shape, Texture
from fcn_keras.data.scenes.rendering import render

SMALLEST = 32  # pixels of a side
OBJECTS = (4, 9)
DEPTHS = (3.0, 10.0)  # metres, of objects
BACKGROUNDS = (12.0, 20.0)  # metres
RADII = (0.3, 0.8)  # metres
FOCAL_LENGTH = 0.8  # of the longer side: a radius of r metres at z metres has 0.8 r / z of it
TURN, ZOOM = np.radians(4), 0.04  # largest rotation and change of size of a motion
FINEST = 0.09  # cycles a pixel: fine enough to be told apart, coarse enough for interpolation
CONTRAST = 80  # grey levels, of all waves together
HAZE, CLEAR = np.array([196.0, 204, 214]), 30.0  # its colour; metres in which 63 % becomes haze


def draw(seed, size=(96, 128), motion=6.0):
    """Returns a random scene: a background and 4 to 9 objects in front of it, each in motion.

    Objects have real sizes and lie in haze, so that the nearer are larger and clearer. Each moves
    by an affine map relative to the background, which moves too.

    Args:
        seed: A whole number or a list of them; the same seed draws the same scene.
        size: (H, W), at least (32, 32).
        motion: Largest shift of the background, and of an object against it, in pixels. With
            rotations and changes of size some points move farther; 0 stops all motion.

    Returns:
        A `Scene`.

    Raises:
        ValueError: for a size that is too small, or a negative `motion`.

    Example:

    ```python
    scene = fcn_keras.data.scenes.draw(seed=3, motion=4.0)
    moved = np.hypot(*np.moveaxis(scene.flow, -1, 0)).mean()    # pixels
    ```
    """
    for side in size:
        whole_number("size", side, SMALLEST)
    motion = number("motion", motion)
    rng = np.random.default_rng(seed)
    height, width = size
    everywhere = _affine(rng, ((width - 1) / 2, (height - 1) / 2), motion)
    count = int(rng.integers(OBJECTS[0], OBJECTS[1] + 1))
    depths = sorted(rng.uniform(*DEPTHS, count), reverse=True)
    far = rng.uniform(*BACKGROUNDS)
    layers = [Layer(None, _texture(rng, far), everywhere, far)]
    for depth in depths:
        shape = _shape(rng, size, depth)
        own = _affine(rng, shape.center, motion)
        layers.append(Layer(shape, _texture(rng, depth), _after(everywhere, own), depth))
    return render(layers, size)


def _affine(rng, center, motion):
    """A random motion about a centre, (2, 3)."""
    turn, zoom = rng.uniform(-1, 1, 2)
    length, direction = motion * np.sqrt(rng.random()), rng.uniform(0, 2 * np.pi)
    if not motion:
        return np.eye(2, 3)
    scale, angle = 1 + ZOOM * zoom, TURN * turn
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shift = length * np.array([np.cos(direction), np.sin(direction)])
    return np.column_stack([linear, center - linear @ center + shift])


def _after(second, first):
    """The motion that does `first`, then `second`."""
    linear = second[:, :2] @ first[:, :2]
    return np.column_stack([linear, second[:, :2] @ first[:, 2] + second[:, 2]])


def _shape(rng, size, depth):
    height, width = size
    kind = CLASSES[1 + int(rng.integers(len(CLASSES) - 1))]
    radii = FOCAL_LENGTH * max(size) * rng.uniform(*RADII, 2) / depth
    if kind == "triangle":
        radii[:] = radii.mean()
    waves = [(count, rng.uniform(0, 0.3 / count), rng.uniform(0, 2 * np.pi)) for count in (2, 3, 4)]
    center = rng.uniform(0, width - 1), rng.uniform(0, height - 1)
    return Shape(kind, center, tuple(radii), rng.uniform(0, 2 * np.pi), tuple(waves))


def _texture(rng, depth):
    """Noise, stripes or checks of a random colour, in the haze of its depth."""
    count = 8
    lengths, directions = rng.uniform(0.01, FINEST, count), rng.uniform(0, 2 * np.pi, count)
    waves = lengths[:, None] * np.stack([np.cos(directions), np.sin(directions)], -1)
    amplitudes = rng.normal(size=(count, 1)) + 0.4 * rng.normal(size=(count, 3))
    kind = rng.integers(3)
    if kind:  # stripes; two crossed waves are checks
        waves[1] = (waves[0] @ [[0, 1], [-1, 0]]) if kind == 2 else waves[0]
        amplitudes[:2] *= 4
    amplitudes *= CONTRAST / np.abs(amplitudes).sum(0).max()
    color = rng.uniform(CONTRAST, 255 - CONTRAST, 3)
    haze = 1 - np.exp(-depth / CLEAR)
    phases = rng.uniform(0, 2 * np.pi, count)
    return Texture(color + haze * (HAZE - color), waves, phases, (1 - haze) * amplitudes)
