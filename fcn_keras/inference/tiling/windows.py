"""Windows of an image, and the part of each window's output that is kept.

A tiling is the product of two axes, its rows and its columns.
"""

import functools
import itertools
import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Axis:
    """One axis of a tiling.

    Attributes:
        length: Pixels of the image along it.
        windows: (start, stop) of the windows, in order.
        blocks: (start, stop) of the parts that are written at once; they partition the axis.
        contributors: For each block the numbers of the windows whose outputs it is made of.
    """

    length: int
    windows: tuple[tuple[int, int], ...]
    blocks: tuple[tuple[int, int], ...]
    contributors: tuple[tuple[int, ...], ...]

    def blocks_of(self, window):
        """Returns the numbers of the blocks to which a window contributes."""
        return self._blocks[window]

    @functools.cached_property
    def _blocks(self):
        found = [[] for _ in self.windows]
        for block, windows in enumerate(self.contributors):
            for window in windows:
                found[window].append(block)
        return found

    def weights(self, window, block):
        """Returns the share of a window in each pixel of a block, float32."""
        places = np.arange(*self.blocks[block])
        shares = {n: self._depth(n, places) ** 2 for n in self.contributors[block]}
        return (shares[window] / sum(shares.values())).astype("float32")

    def _depth(self, window, places):
        """Distance of pixels from the ends of a window that are not ends of the image."""
        start, stop = self.windows[window]
        left = places - start + 1 if start else np.full(len(places), self.length)
        right = stop - places if stop < self.length else np.full(len(places), self.length)
        return np.minimum(left, right).astype("float64")

    @property
    def pixels(self):
        """Number of pixels of all windows together."""
        return sum(stop - start for start, stop in self.windows)


def exact_axis(length, tile, before, after, stride):
    """Returns an `Axis` of windows that overlap by a halo, which is dropped.

    All windows but the last have one size. Nothing is dropped where a window begins or ends with
    the image, so that the first window keeps `before` pixels more.

    Args:
        length: Pixels of the image.
        tile: Pixels kept of an inner window, at most; a multiple of `stride`.
        before, after: The halo.
        stride: What tiles must begin at multiples of.
    """
    count = max(1, math.ceil((length - before - after) / tile))
    step = math.ceil((length - before - after) / count / stride) * stride
    if count == 1:
        return Axis(length, ((0, length),), ((0, length),), ((0,),))
    window = before + step + after
    starts = [number * step for number in range(count)]
    cuts = [0, *(start + before for start in starts[1:]), length]
    windows = tuple((start, min(start + window, length)) for start in starts)
    numbers = tuple((number,) for number in range(count))
    return Axis(length, windows, tuple(itertools.pairwise(cuts)), numbers)


def blended_axis(length, window, overlap, stride):
    """Returns an `Axis` of evenly spread windows whose outputs are averaged where they overlap.

    Args:
        length: Pixels of the image.
        window: Pixels of a window.
        overlap: Pixels that two neighbours share, at least; at most `window - stride`.
        stride: What windows begin at multiples of.
    """
    if length <= window:
        return Axis(length, ((0, length),), ((0, length),), ((0,),))
    room = math.ceil((length - window) / stride) * stride  # where the last window begins
    step = (window - overlap) // stride * stride
    count = math.ceil(room / step) + 1
    starts = [round(n * room / (count - 1) / stride) * stride for n in range(count)]
    windows = tuple((start, min(start + window, length)) for start in starts)
    blocks = tuple(itertools.pairwise(sorted({cut for pair in windows for cut in pair})))
    contributors = tuple(
        tuple(n for n, (start, stop) in enumerate(windows) if start <= a and b <= stop)
        for a, b in blocks
    )
    return Axis(length, windows, blocks, contributors)


def fixed_axis(length, window, overlap):
    """Windows of one size, spread evenly, for a net that takes only that size.

    Between two windows each pixel goes to the one whose edge is farther. The window of an image
    that is smaller ends beyond the image.

    Args:
        length: Pixels of the image.
        window: Pixels of every window.
        overlap: Pixels that two neighbours share, at least; less than `window`.
    """
    count = 1 if length <= window else math.ceil((length - overlap) / (window - overlap))
    room = max(length - window, 0)  # where the last window begins
    starts = [round(number * room / (count - 1)) for number in range(count)] if room else [0]
    windows = tuple((start, start + window) for start in starts)
    cuts = [(stop + start) // 2 for (_, stop), (start, _) in itertools.pairwise(windows)]
    blocks = tuple(itertools.pairwise((0, *cuts, length)))
    return Axis(length, windows, blocks, tuple((number,) for number in range(count)))


@dataclass(frozen=True)
class Plan:
    """A tiling of an image.

    Attributes:
        rows, columns: Its two `Axis`.
        tile: (rows, columns) of a tile, as given or as found to fit.
    """

    rows: Axis
    columns: Axis
    tile: tuple[int, int]

    @property
    def windows(self):
        """The numbers (row, column) of the windows, row by row."""
        return list(itertools.product(*(range(len(axis.windows)) for axis in self._axes)))

    @property
    def blocks(self):
        """Number of blocks, (rows, columns)."""
        return tuple(len(axis.blocks) for axis in self._axes)

    @property
    def work(self):
        """Pixels of all windows divided by the pixels of the image."""
        return math.prod(axis.pixels / axis.length for axis in self._axes)

    @property
    def largest(self):
        """(rows, columns) of the largest window."""
        return tuple(max(b - a for a, b in axis.windows) for axis in self._axes)

    def window(self, number):
        """Returns the slices of a window in the image."""
        return self._slices("windows", number)

    def block(self, number):
        """Returns the slices of a block in the image."""
        return self._slices("blocks", number)

    def blocks_of(self, window):
        """Returns the numbers of the blocks to which a window contributes."""
        return list(
            itertools.product(
                *(axis.blocks_of(n) for axis, n in zip(self._axes, window, strict=True))
            )
        )

    def last_of(self, block):
        """Returns the last window that contributes to a block."""
        return tuple(axis.contributors[n][-1] for axis, n in zip(self._axes, block, strict=True))

    def share(self, window, block):
        """Returns the share of a window in a block, (H, W, 1); None where it is the only one."""
        alone = [len(a.contributors[n]) == 1 for a, n in zip(self._axes, block, strict=True)]
        if all(alone):
            return None
        rows, columns = (
            axis.weights(w, b) for axis, w, b in zip(self._axes, window, block, strict=True)
        )
        return np.multiply.outer(rows, columns)[..., None]

    def described(self, blend=False):
        """Returns a line with the number of windows and the cost of their overlap."""
        rows, columns = self.largest
        kept = [max(b - a for a, b in axis.blocks[1:-1] or axis.blocks) for axis in self._axes]
        how = "averaged where they overlap" if blend else f"of which {kept[0]}x{kept[1]} is kept"
        return (
            f"{len(self.windows)} windows of {rows}x{columns}, {how}: "
            f"{self.work:.2f} times the work of the whole image"
        )

    def to_config(self):
        """Returns the windows in JSON types."""
        return [[list(pair) for pair in axis.windows] for axis in self._axes]

    @property
    def _axes(self):
        return self.rows, self.columns

    def _slices(self, kind, number):
        return tuple(
            slice(*getattr(axis, kind)[n]) for axis, n in zip(self._axes, number, strict=True)
        )


def fixed_plan(image_size, window_size, overlap=0.25):
    """Returns the tiling of an image for a net that takes one size; see `fixed_axis`.

    Args:
        image_size: (H, W) of the image.
        window_size: (H, W) of the net.
        overlap: Share of a window that two neighbours have in common, at least.
    """
    axes = (
        fixed_axis(length, window, min(max(1, round(window * overlap)), window - 1))
        for length, window in zip(image_size, window_size, strict=True)
    )
    return Plan(*axes, tuple(window_size))
