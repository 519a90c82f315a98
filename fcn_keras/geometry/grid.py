"""The sampling grid of one axis of one tensor, in input pixels.

Exact also where the stride is a fraction: after an upsampling the cells repeat with a period.
"""

import math
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Grid:
    """The input pixels that each cell of one axis depends on.

    Cell `q * len(spans) + r` depends on the pixels `q * shift + spans[r][0]` to
    `q * shift + spans[r][1]`, both inclusive. An ordinary net has one span; a map upsampled by
    f has f of them, since the windows of its cells are placed differently.

    Attributes:
        shift: Input pixels by which the pattern of spans moves from one period to the next.
        spans: First and last pixel of each cell of a period; empty once the axis is gone
            (global pooling, Flatten).
        unbounded: True where some branch depends on the whole image.
        centres: The pixel on which each cell of a period is centred. By default the middle of its
            span; where branches met that are centred differently, the mean of theirs.
    """

    shift: int
    spans: tuple[tuple[int, int], ...]
    unbounded: bool = False
    centres: tuple[Fraction, ...] = ()

    def __post_init__(self):
        if len(self.centres) != len(self.spans):
            middles = tuple(Fraction(first + last, 2) for first, last in self.spans)
            object.__setattr__(self, "centres", middles)

    @property
    def collapsed(self):
        """Whether the axis is gone: one value for the whole image."""
        return not self.spans

    @property
    def stride(self):
        """Input pixels from one cell to the next, a Fraction."""
        return Fraction(self.shift, len(self.spans)) if self.spans else None

    @property
    def size(self):
        """The largest number of pixels of a cell; infinite where unbounded."""
        if self.unbounded:
            return math.inf
        return max(last - first + 1 for first, last in self.spans)

    @property
    def offset(self):
        """The pixel on which cell 0 is centred (its mean over a period), a Fraction."""
        if self.collapsed:
            return None
        drift = self.stride * sum(range(len(self.spans)))
        return (sum(self.centres) - drift) / len(self.spans)

    def span(self, cell):
        """Returns the first and last input pixel of a cell, not clipped to the image."""
        period, phase = divmod(cell, len(self.spans))
        first, last = self.spans[phase]
        return first + period * self.shift, last + period * self.shift

    def centre(self, cell):
        """Returns the input pixel on which a cell is centred, a Fraction."""
        period, phase = divmod(cell, len(self.spans))
        return self.centres[phase] + period * self.shift

    def resample(self, period, advance, cells):
        """Returns the grid of a map whose cell `r` depends on the cells `cells(r)` of this one.

        Args:
            period: Cells of the new map after which the pattern repeats.
            advance: Cells of this map by which one such period moves on.
            cells: `cells(r)` -> the cells of this map that cell `r` of the new one depends on.
        """
        if self.collapsed:
            return self
        whole = len(self.spans) // math.gcd(advance, len(self.spans))
        spans, centres = [], []
        for cell in range(period * whole):
            used = list(cells(cell))
            spans.append(_hull(self.span(c) for c in used))
            centres.append(sum(map(self.centre, used)) / Fraction(len(used)))
        shift = self.stride * advance * whole
        return Grid(int(shift), tuple(spans), self.unbounded, tuple(centres)).simplified()

    def window(self, size, stride=1, dilation=1, before=0):
        """Returns the grid after a convolution or pooling window with `before` cells of padding."""
        return self.resample(
            1, stride, lambda r: [r * stride - before + tap * dilation for tap in range(size)]
        )

    def transposed(self, size, stride, before=0):
        """Returns the grid after a transposed convolution without its first `before` cells."""

        def cells(r):
            place = r + before
            return range(math.ceil(Fraction(place - size + 1, stride)), place // stride + 1)

        return self.resample(stride, 1, cells)

    def shifted(self, cells):
        """Returns the grid without its first `cells` cells (a crop; negative: a padding)."""
        return self.resample(1, 1, lambda r: [r + cells])

    def simplified(self):
        """Returns the same grid with its shortest period."""
        count = len(self.spans)
        for period in range(1, count):
            if count % period or (self.shift * period) % count:
                continue
            step = self.shift * period // count
            later = range(period, count)
            if all(
                self.spans[i] == tuple(p + step for p in self.spans[i - period])
                and self.centres[i] == self.centres[i - period] + step
                for i in later
            ):
                return Grid(step, self.spans[:period], self.unbounded, self.centres[:period])
        return self

    def gone(self):
        """Returns the grid after global pooling: no axis is left, and all pixels count."""
        return Grid(0, (), True)

    def union(self, *others):
        """Returns the grid of a merge of maps, or None where their strides differ.

        Its cells are centred on the mean of their centres. A map that is gone (a gate) only makes
        the merge unbounded.
        """
        unbounded = any(grid.unbounded for grid in (self, *others))
        local = [grid for grid in (self, *others) if not grid.collapsed]
        if not local:
            return self.gone()
        if len({grid.stride for grid in local}) > 1:
            return None
        cells = range(math.lcm(*(len(grid.spans) for grid in local)))
        spans = tuple(_hull(grid.span(r) for grid in local) for r in cells)
        centres = tuple(sum(grid.centre(r) for grid in local) / len(local) for r in cells)
        shift = int(local[0].stride * len(cells))
        return Grid(shift, spans, unbounded, centres).simplified()


def _hull(spans):
    firsts, lasts = zip(*spans, strict=True)
    return min(firsts), max(lasts)
