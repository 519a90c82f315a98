"""Label maps drawn from the outlines of objects: polygons, run lengths and boxes."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fcn_keras.data.coco.polygons import Window, inside_polygon, inside_runs, window_of
from fcn_keras.data.images.opening import open_image
from fcn_keras.data.masks.reader import MaskReader


class Outline(NamedTuple):
    """One annotated object.

    Attributes:
        label: Its class, or void.
        parts: What together is the object: lists of x, y of a polygon, or dicts of run lengths.
        first: Whether every other object covers it, however small it is.
        number: Its id, for messages.
    """

    label: int
    parts: list
    first: bool
    number: int | str


class Sketch(NamedTuple):
    """The outlines of one image and its size.

    Attributes:
        size: (H, W), or None: that of the image file.
        outlines: List of `Outline`.
    """

    size: tuple[int, int] | None
    outlines: list[Outline]


class Patch(NamedTuple):
    """The pixels of an object: bool of the size of a `Window`."""

    window: Window
    inside: np.ndarray


@dataclass(frozen=True)
class OutlineReader(MaskReader):
    """A `MaskReader` that draws the label map of an image from its outlines.

    Attributes:
        sketches: From an image's path to its `Sketch`.
        file: The file of the outlines, for messages.
        outside: The label of pixels in no outline.
        layered: Whether later outlines cover earlier ones. Otherwise smaller objects cover larger
            ones, counted in the pixels that they have in the image.
    """

    sketches: dict[str, Sketch] = field(default_factory=dict)
    file: Path | None = None
    outside: int = 0
    layered: bool = False

    def read(self, path):
        """Returns the label map of the image at `path`.

        Raises:
            ValueError: for outlines that do not fit their image.
        """
        size, outlines = self.sketches[str(path)]
        size = size or _size_of(path)
        drawn = []
        for outline in outlines:
            try:
                drawn.append((outline, _patch(outline.parts, size)))
            except (ValueError, TypeError, KeyError, OverflowError) as error:
                raise ValueError(
                    f"{self.file}: the outline of annotation {outline.number} in {path} is wrong: "
                    f"{error}"
                ) from error
        label = np.full(size, self.outside, self.labels.dtype)
        if not self.layered:
            drawn.sort(key=lambda pair: (not pair[0].first, -np.count_nonzero(pair[1].inside)))
        for outline, (window, inside) in drawn:
            label[window.slices][inside] = outline.label
        return label


def _size_of(path):
    """(H, W) of an image file, upright."""
    from PIL import ImageOps

    return ImageOps.exif_transpose(open_image(path)).size[::-1]


def _patch(parts, size):
    """The `Patch` of an object's parts together."""
    runs = [part for part in parts if isinstance(part, dict)]
    if runs:
        inside = np.zeros(size, bool)
        for part in parts:
            inside |= _runs(part, size) if isinstance(part, dict) else inside_polygon(part, size)
        return _cut(inside)
    corners = np.concatenate([np.asarray(part, "float64") for part in parts])
    if not np.isfinite(corners).all():
        raise ValueError("a polygon has a coordinate that is no number")
    window = window_of(corners, size)
    inside = np.zeros((window.bottom - window.top, window.right - window.left), bool)
    for part in parts:
        inside |= inside_polygon(part, size, window)
    return Patch(window, inside)


def _runs(part, size):
    given = tuple(int(n) for n in part["size"])
    if given != tuple(size):
        turned = " They are of the turned image." if given == tuple(size)[::-1] else ""
        raise ValueError(
            f"run lengths of size {list(given)} for an image of {list(size)} (height, width)."
            + turned
        )
    return inside_runs(part["counts"], size)


def _cut(inside):
    """The `Patch` of a mask of the whole image."""
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    if not len(rows):
        return Patch(Window(0, 0, 0, 0), inside[:0, :0])
    window = Window(rows[0], rows[-1] + 1, columns[0], columns[-1] + 1)
    return Patch(window, inside[window.slices].copy())
