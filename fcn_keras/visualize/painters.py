"""How the maps of each task are coloured and explained. A new task is one line in `PAINTERS`."""

import numpy as np

from fcn_keras.labels import LabelSet
from fcn_keras.tasks import entry_for
from fcn_keras.visualize.flow_colors import color_wheel, flow_colors, longest
from fcn_keras.visualize.legends import beside, legend
from fcn_keras.visualize.normals import colors_of_normals, normals_ball
from fcn_keras.visualize.overlay import mixed, overlay, paint, rgb
from fcn_keras.visualize.values import COLORMAP, colors_of, limits_of, scale_bar


class Painter:
    """Colours targets and decoded predictions of one task, and draws the key to the colours.

    `shown` collects what several maps hold, so that they share colours and one key.
    """

    def shown(self, maps, shares=False):
        """Returns what the key of some maps lists; the other methods take it.

        Args:
            maps: A list of targets or decoded predictions.
            shares: Whether the key gives the share of each class, where there are classes.
        """
        raise NotImplementedError

    def paint(self, values, shown=None):
        """Returns a map in colours, uint8 (H, W, 3).

        Args:
            values: A target or a decoded prediction.
            shown: What `shown` returned; None takes this map alone.
        """
        raise NotImplementedError

    def overlay(self, image, values, alpha=0.5, shown=None):
        """Returns an image with a map laid over it, uint8 (H, W, 3).

        Args:
            image: (H, W, 3) or (H, W), 0-255.
            values: A target or a decoded prediction of the same height and width.
            alpha: How much of the colour covers the image, 0 to 1.
            shown: What `shown` returned; None takes this map alone.
        """
        raise NotImplementedError

    def key(self, shown, text_size, **room):
        """Returns the key to the colours, a `PIL.Image.Image`, or None where it lists nothing.

        Args:
            shown: What `shown` returned.
            text_size: Height of the text, in pixels.
            **room: `height` or `width` in pixels.
        """
        raise NotImplementedError

    def with_key(self, picture, shown, text_size):
        """Returns a PIL picture with the key beside it, or below it where it is a wide band."""
        return beside(picture, lambda **room: self.key(shown, text_size, **room))


class LabelPainter(Painter):
    """Colours label maps by the palette of a `LabelSet`; the key is a legend."""

    def __init__(self, labels):
        self.labels = labels

    def shown(self, maps, shares=False):
        """Returns the values that occur, or {value: share of the pixels}."""
        if not shares:
            return np.unique(np.concatenate([np.unique(labels) for labels in maps]))
        values = np.concatenate([np.ravel(labels) for labels in maps])
        if values.dtype == np.uint8:  # no sorting needed
            counts = np.bincount(values)
            present = np.flatnonzero(counts)
            counts = counts[present]
        else:
            present, counts = np.unique(values, return_counts=True)
        return dict(zip(present.tolist(), (counts / values.size).tolist(), strict=True))

    def paint(self, values, shown=None):
        """Returns a label map in its classes' colours."""
        return paint(values, self.labels)

    def overlay(self, image, values, alpha=0.5, shown=None):
        """Returns an image with its label map laid over it."""
        return overlay(image, values, self.labels, alpha)

    def key(self, shown, text_size, **room):
        """Returns the legend of the classes that occur."""
        return legend(self.labels, shown, text_size=text_size, **room) if len(shown) else None


class ValuePainter(Painter):
    """Colours maps of values by a Matplotlib colormap; the key is a scale bar with the unit.

    Of several channels the Euclidean norm is shown. NaN is grey.

    Args:
        task: A `fcn_keras.tasks.Regression`.
        colormap: Name of a Matplotlib colormap.
    """

    def __init__(self, task, colormap=COLORMAP):
        self.task, self.colormap = task, colormap

    def shown(self, maps, shares=False):
        """Returns ((lowest, highest), whether any pixel has no value)."""
        maps = [self._magnitudes(values) for values in maps]
        return limits_of(maps), any(np.isnan(values).any() for values in maps)

    def paint(self, values, shown=None):
        """Returns a map of values in colours, NaN grey."""
        limits, _ = self.shown([values]) if shown is None else shown
        return colors_of(self._magnitudes(values), limits, self.colormap)

    def overlay(self, image, values, alpha=0.5, shown=None):
        """Returns an image with the colours laid over it where there is a value."""
        image, magnitudes = rgb(image), self._magnitudes(values)
        laid = mixed(image, self.paint(values, shown), alpha)
        return np.where(np.isnan(magnitudes)[..., None], image, laid)

    def key(self, shown, text_size, **room):
        """Returns the scale bar."""
        limits, unknown = shown
        title = ", ".join(filter(None, (self.task.name, self.task.unit)))
        return scale_bar(
            limits, title, colormap=self.colormap, text_size=text_size, unknown=unknown, **room
        )

    def _magnitudes(self, values):
        values = np.asarray(values, "float64")
        if values.ndim != self.task.axes:
            raise ValueError(
                f"A map of the task {self.task.kind!r} with {self.task.channels} channel(s) has "
                f"{self.task.axes} axes, got shape {values.shape}."
            )
        return values if values.ndim == 2 else np.linalg.norm(values, axis=-1)


class FlowPainter(Painter):
    """Colours optical flow by Middlebury's colour wheel, which is the key too; NaN is black.

    Args:
        task: A `fcn_keras.tasks.Flow`.
    """

    def __init__(self, task):
        self.task = task

    def shown(self, maps, shares=False):
        """Returns (largest length in pixels, whether the flow of any pixel is not known)."""
        unknown = any(np.isnan(flow).any() for flow in maps)
        return max(longest(flow) for flow in maps), unknown

    def paint(self, values, shown=None):
        """Returns flow in colours."""
        return flow_colors(values, None if shown is None else shown[0])

    def overlay(self, image, values, alpha=0.5, shown=None):
        """Returns an image with the colours laid over it where the flow is known."""
        image = rgb(image)
        laid = mixed(image, self.paint(values, shown), alpha)
        return np.where(np.isnan(values).any(-1)[..., None], image, laid)

    def key(self, shown, text_size, **room):
        """Returns the colour wheel."""
        largest, unknown = shown
        title = f"{self.task.name}, {self.task.unit}"
        lying = "width" in room
        return color_wheel(largest, title, text_size=text_size, lying=lying, unknown=unknown)


class BoundaryPainter(ValuePainter):
    """Colours boundary probabilities from white, 0, to black, 1.

    Args:
        task: A `fcn_keras.tasks.Boundaries`.
    """

    def __init__(self, task):
        super().__init__(task, "gray_r")

    def shown(self, maps, shares=False):
        """Returns ((0, 1), whether any pixel has no value)."""
        return (0, 1), super().shown(maps)[1]


class NormalsPainter(Painter):
    """Colours normals: red to the right, green upwards, blue towards the camera; NaN is grey.

    The key is a ball in these colours.

    Args:
        task: A `fcn_keras.tasks.Normals`.
    """

    def __init__(self, task):
        self.task = task

    def shown(self, maps, shares=False):
        """Returns nothing: the key is the same for all maps."""

    def paint(self, values, shown=None):
        """Returns normals in colours, uint8 (H, W, 3): -1 to 1 become 0 to 255."""
        return colors_of_normals(values)

    def overlay(self, image, values, alpha=0.5, shown=None):
        """Returns an image with the colours laid over it where there is a normal."""
        image = rgb(image)
        unknown = np.isnan(np.asarray(values)).any(-1, keepdims=True)
        return np.where(unknown, image, mixed(image, self.paint(values), alpha))

    def key(self, shown, text_size, **room):
        """Returns the ball."""
        return normals_ball(text_size)


PAINTERS = {
    "classes": lambda task: LabelPainter(task.labels or LabelSet.numbered(task.num_classes)),
    "regression": ValuePainter,
    "boundaries": BoundaryPainter,
    "normals": NormalsPainter,
    "depth": lambda task: ValuePainter(task, "magma_r"),  # what is near is light
    "flow": FlowPainter,
}


def for_task(task):
    """Returns what colours the targets and predictions of a task.

    Args:
        task: A `fcn_keras.tasks.Task`, or a `LabelSet`.

    Returns:
        A painter: `paint(map)` and `overlay(image, map)` return uint8 (H, W, 3);
        `with_key(picture, shown([map]), text_size)` puts the legend, or the scale bar with the
        unit, beside a PIL picture.

    Raises:
        ValueError: for a task that cannot be drawn.

    Example:

    ```python
    painter = fcn_keras.visualize.for_task(fcn_keras.tasks.Regression("distance", unit="px"))
    distances = np.hypot(*np.mgrid[:60, :80])
    picture = PIL.Image.fromarray(painter.paint(distances))
    painter.with_key(picture, painter.shown([distances]), text_size=12).save("distance.png")
    ```
    """
    if isinstance(task, LabelSet):
        return LabelPainter(task)
    return entry_for(task, PAINTERS, "picture")(task)
