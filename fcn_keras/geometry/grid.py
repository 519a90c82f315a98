"""The sampling grid of one axis of one tensor, in input pixels.

Exact also where the stride is a fraction: after an upsampling the cells repeat with a period.
"""

import math
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Grid:
    """Which input pixels each cell of one axis sees.

    Cell `q * len(spans) + r` sees the pixels `q * shift + spans[r][0]` to
    `q * shift + spans[r][1]`, both inclusive. An ordinary net has one span; a map upsampled by
    f has f of them, since its cells see differently placed windows.

    Attributes:
        shift: Input pixels by which the pattern of spans moves from one period to the next.
        spans: First and last pixel seen by each cell of a period; empty once the axis is gone
            (global pooling, Flatten).
        unbounded: True where some branch sees the whole image.
    """

    shift: int
    spans: tuple[tuple[int, int], ...]
    unbounded: bool = False

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
        """The largest number of pixels a cell sees; infinite where unbounded."""
        if self.unbounded:
            return math.inf
        return max(last - first + 1 for first, last in self.spans)

    @property
    def offset(self):
        """The pixel on which cell 0 is centred (its mean over a period), a Fraction."""
        if self.collapsed:
            return None
        doubled = sum(first + last for first, last in self.spans)
        drift = self.stride * sum(range(len(self.spans)))
        return (Fraction(doubled, 2) - drift) / len(self.spans)

    def span(self, cell):
        """First and last input pixel seen by `cell`, not clipped to the image."""
        period, phase = divmod(cell, len(self.spans))
        first, last = self.spans[phase]
        return first + period * self.shift, last + period * self.shift

    def resample(self, period, advance, cells):
        """The grid of a map whose cell `r` sees the cells `cells(r)` of this one.

        Args:
            period: Cells of the new map after which the pattern repeats.
            advance: Cells of this map by which one such period moves on.
            cells: `cells(r)` -> the cells of this map that cell `r` of the new one sees.
        """
        if self.collapsed:
            return self
        whole = len(self.spans) // math.gcd(advance, len(self.spans))
        spans = []
        for cell in range(period * whole):
            seen = [self.span(c) for c in cells(cell)]
            spans.append((min(s[0] for s in seen), max(s[1] for s in seen)))
        shift = self.stride * advance * whole
        return Grid(int(shift), tuple(spans), self.unbounded).simplified()

    def window(self, size, stride=1, dilation=1, before=0):
        """The grid after a convolution or pooling window with `before` cells of padding."""
        return self.resample(
            1, stride, lambda r: [r * stride - before + tap * dilation for tap in range(size)]
        )

    def transposed(self, size, stride, before=0):
        """The grid after a transposed convolution that drops `before` cells at the start."""

        def cells(r):
            place = r + before
            return range(math.ceil(Fraction(place - size + 1, stride)), place // stride + 1)

        return self.resample(stride, 1, cells)

    def shifted(self, cells):
        """The grid without its first `cells` cells (a crop; negative: a padding)."""
        return self.resample(1, 1, lambda r: [r + cells])

    def simplified(self):
        """The same grid with its shortest period."""
        count = len(self.spans)
        for period in range(1, count):
            if count % period or (self.shift * period) % count:
                continue
            step = self.shift * period // count
            if all(
                self.spans[i] == tuple(p + step for p in self.spans[i - period])
                for i in range(period, count)
            ):
                return Grid(step, self.spans[:period], self.unbounded)
        return self

    def gone(self):
        """The grid after global pooling: no axis left, everything seen."""
        return Grid(0, (), True)

    def union(self, other):
        """What a merge of two maps sees; None where their strides differ."""
        unbounded = self.unbounded or other.unbounded
        if self.collapsed or other.collapsed:
            local = other if self.collapsed else self
            return Grid(local.shift, local.spans, unbounded)
        if self.stride != other.stride:
            return None
        count = math.lcm(len(self.spans), len(other.spans))
        pairs = [(self.span(r), other.span(r)) for r in range(count)]
        spans = tuple((min(a[0], b[0]), max(a[1], b[1])) for a, b in pairs)
        return Grid(int(self.stride * count), spans, unbounded).simplified()
