"""Rendering: two frames of layers, and the truth of each of their pixels."""

from dataclasses import dataclass

import numpy as np

SAMPLES = (-0.25, 0.25)  # offsets of the samples of a pixel, along each axis


@dataclass(frozen=True, eq=False)
class Scene:
    """Two frames of a scene and its truth, which is that of the centres of frame 1's pixels.

    Attributes:
        frames: uint8 (2, H, W, 3), the mean of four samples in each pixel.
        labels: uint8 (H, W), the class.
        instances: int32 (H, W), the number of the object, 0 for the background: the larger the
            nearer, so it is the order in depth too.
        boundaries: bool (H, W), whether the pixel to the right or below is of another object.
        depth: float32 (H, W), in metres.
        flow: float32 (H, W, 2), from frame 1 to frame 2, in pixels along x and y.
        occluded: bool (H, W), whether the point is hidden in frame 2 or outside of it.
        backward_flow: float32 (H, W, 2), from the pixels of frame 2 to frame 1.

    Example:

    ```python
    scene = fcn_keras.data.scenes.draw(seed=0, size=(96, 128))
    scene.frames.shape, scene.flow.shape    # (2, 96, 128, 3), (96, 128, 2)
    ```
    """

    frames: np.ndarray
    labels: np.ndarray
    instances: np.ndarray
    boundaries: np.ndarray
    depth: np.ndarray
    flow: np.ndarray
    occluded: np.ndarray
    backward_flow: np.ndarray


def render(layers, size):
    """Returns the `Scene` of layers.

    Args:
        layers: `Layer`s, the farthest first; the first is a background.
        size: (H, W).

    Raises:
        ValueError: if the first layer is no background.

    Example:

    ```python
    from fcn_keras.data.scenes import Layer, Shape, Texture, render

    grey = Texture(np.full(3, 90.0), np.zeros((1, 2)), np.zeros(1), np.zeros((1, 3)))
    back = Layer(None, grey, motion=np.eye(2, 3), depth=20.0)
    disc = Shape("ellipse", center=(20, 20), radii=(9, 9))
    front = Layer(disc, grey, motion=np.array([[1, 0, 5], [0, 1, 0]]), depth=5.0)
    render([back, front], (40, 60)).flow[20, 20]       # array([5., 0.], dtype=float32)
    ```
    """
    if layers[0].shape is not None:
        raise ValueError(f"The first layer must be a background, got the shape {layers[0].shape}.")
    height, width = size
    y, x = (grid.astype(float) for grid in np.mgrid[:height, :width])
    top = _top(layers, x, y, moved=False)
    there = _of_layers(top, layers, lambda layer, inside: layer.moved(x[inside], y[inside]))
    seen = _top(layers, *np.moveaxis(there, -1, 0), moved=True)
    outside = (there < -0.5) | (there > np.array([width, height]) - 0.5)
    then = _top(layers, x, y, moved=True)
    origin = _of_layers(then, layers, lambda layer, inside: layer.moved_back(x[inside], y[inside]))
    here = np.stack([x, y], -1)
    boundaries = np.zeros(size, bool)
    boundaries[:, :-1] |= top[:, 1:] != top[:, :-1]
    boundaries[:-1] |= top[1:] != top[:-1]
    return Scene(
        frames=np.stack([_frame(layers, x, y, moved) for moved in (False, True)]),
        labels=np.array([layer.label for layer in layers], "uint8")[top],
        instances=top.astype("int32"),
        boundaries=boundaries,
        depth=np.array([layer.depth for layer in layers], "float32")[top],
        flow=(there - here).astype("float32"),
        occluded=(seen != top) | outside.any(-1),
        backward_flow=(origin - here).astype("float32"),
    )


def _top(layers, x, y, moved):
    """The number of the nearest layer at points of frame 1, or of frame 2 where `moved`."""
    top = np.zeros(x.shape, np.int64)
    for number, layer in enumerate(layers):
        top[layer.contains(*(layer.moved_back(x, y) if moved else (x, y)))] = number
    return top


def _of_layers(top, layers, points):
    """(..., 2): the points that a function of (layer, where it is on top) returns."""
    found = np.empty((*top.shape, 2))
    for number, layer in enumerate(layers):
        inside = top == number
        found[inside] = np.stack(points(layer, inside), -1)
    return found


def _frame(layers, x, y, moved):
    """The picture of a frame, uint8 (H, W, 3)."""
    total = np.zeros((*x.shape, 3))
    for across in SAMPLES:
        for along in SAMPLES:
            total += _colors(layers, x + across, y + along, moved)
    return np.clip(np.rint(total / len(SAMPLES) ** 2), 0, 255).astype("uint8")


def _colors(layers, x, y, moved):
    """The colours of points, (..., 3)."""
    top = _top(layers, x, y, moved)
    colors = np.empty((*x.shape, 3))
    for number, layer in enumerate(layers):
        inside = top == number
        points = x[inside], y[inside]
        colors[inside] = layer.texture.at(*(layer.moved_back(*points) if moved else points))
    return colors
