"""The halo: the pixels around a tile that a net needs for the tile's exact outputs.

It is counted cell by cell: zeros of a window's own padding must not reach the cells that are kept.
"""

import math
from dataclasses import asdict, dataclass

from fcn_keras.geometry import rules
from fcn_keras.geometry.field import trace
from fcn_keras.geometry.graph import functional
from fcn_keras.geometry.grid import Grid
from fcn_keras.geometry.protocol import described


@dataclass(frozen=True)
class Halo:
    """The pixels that a net needs around a tile, each as (rows, columns).

    Attributes:
        before: Above and left of the tile.
        after: Below and right of it.
        stride: What the corners of tiles must be multiples of.

    Example:

    ```python
    halo = fcn_keras.geometry.halo(model)
    window = [a + tile + b for a, b, tile in zip(halo.before, halo.after, (512, 512))]
    ```
    """

    before: tuple[int, int]
    after: tuple[int, int]
    stride: tuple[int, int]

    def to_config(self):
        """Returns the halo as a dict of JSON types."""
        return {name: list(pair) for name, pair in asdict(self).items()}

    @classmethod
    def from_config(cls, config):
        """Returns the halo that `to_config` described.

        Raises:
            ValueError: if `config` describes no halo.
        """
        try:
            return cls(**{name: tuple(map(int, pair)) for name, pair in config.items()})
        except (TypeError, AttributeError, ValueError) as error:
            raise ValueError(
                "A halo is described by `before`, `after` and `stride`, two whole numbers each, "
                f"got {config!r}."
            ) from error


def joined_halo(halos):
    """Returns the smallest `Halo` with which all nets of some halos can be tiled together.

    Args:
        halos: `Halo`s, one or more.
    """
    strides = [math.lcm(*steps) for steps in zip(*(one.stride for one in halos), strict=True)]

    def most(margins):
        pairs = zip(zip(*margins, strict=True), strides, strict=True)
        return tuple(-(-max(pixels) // stride) * stride for pixels, stride in pairs)

    before, after = most(one.before for one in halos), most(one.after for one in halos)
    return Halo(before, after, tuple(strides))


def halo(model, size=None):
    """Returns the smallest halo with which a segmenter's tiles equal parts of its whole output.

    A window of an image ends in padding where the image goes on. The outputs that are kept must
    not depend on that padding, in any layer: the halo is what has to be dropped. It covers
    receptive fields, decoders, the neighbours that upsampling reads, and cells that padding or
    cropping would have put elsewhere. Where a window ends with the image nothing is dropped.

    Args:
        model: A functional Keras segmenter of open size.
        size: (H, W) of the whole image. Needed only for nets that do not pad the image to a
            multiple of their stride themselves, as those of this package do.

    Returns:
        A `Halo`. `before` is a multiple of `stride`; so is `after`, or, for a net whose cells lie
        elsewhere at sizes that its stride does not divide, the number that makes a window's size
        leave the same remainder as the image's.

    Raises:
        ValueError: if no exact halo exists, because a layer depends on the whole image (global
            pooling, squeeze-and-excitation, group normalization), which the message names; if the
            model takes images of one size only, its output is not of the image's size, or a
            layer's geometry is unknown.

    Example:

    ```python
    net = fcn_keras.fcn8s(21, "vgg_slim", weights=None)
    fcn_keras.geometry.halo(net).before         # (224, 224), for a receptive field of 418
    ```
    """
    _check_open(model)
    found, outputs = trace(model)
    _check_bounded(model, found, outputs)
    period = tuple(_period(found, axis) for axis in (0, 1))
    side = tuple(_side(outputs, axis, step, found) for axis, step in enumerate(period))
    found, outputs, side = _settled(model, period, side, size)
    befores, afters = zip(
        *(_dropped(model, found, outputs, axis, side[axis], period[axis]) for axis in (0, 1)),
        strict=True,
    )
    return Halo(befores, afters, period)


def recorded_halo(model):
    """Returns the halo of a model as exporters store it.

    Args:
        model: A Keras segmenter of any kind.

    Returns:
        A dict of JSON types, `Halo.to_config()`; None where there is no exact halo.

    Example:

    ```python
    from fcn_keras.geometry.halo import recorded_halo

    recorded_halo(fcn_keras.fcn32s(21, "vgg_slim", weights=None))
    # {'before': [224, 224], 'after': [224, 224], 'stride': [32, 32]}
    ```
    """
    try:
        return halo(model).to_config()
    except ValueError:
        return None


def _check_open(model):
    for tensor in functional(model).inputs:
        if any(n is not None for n in tensor.shape[1:3]):
            rows, columns, channels = tensor.shape[1:]
            raise ValueError(
                f"{model.name!r} takes images of {rows}x{columns} only, so it cannot be tiled. "
                f"Build it with input_shape=(None, None, {channels})."
            )


def _check_bounded(model, found, outputs):
    needed, waiting = set(), list(outputs)
    while waiting:
        traced = waiting.pop()
        if id(traced) not in needed:
            needed.add(id(traced))
            waiting.extend(traced.parents)
    if not any(grid.unbounded for traced in outputs for grid in traced.grids):
        return
    for traced in found:
        if id(traced) in needed and any(grid.unbounded for grid in traced.grids):
            kind = type(traced.operation).__name__
            raise ValueError(
                f"There is no exact halo for {model.name!r}: its layer {traced.operation.name!r} "
                f"({kind}) depends on the whole image, and so do the outputs of each tile."
            )


def _period(found, axis):
    """Pixels by which an image can be moved so that every map moves by whole cells."""
    strides = [t.grids[axis].stride for t in found if not t.grids[axis].collapsed]
    multiples = [described(t.operation).multiple for t in found]
    return math.lcm(*(stride.numerator for stride in strides), *multiples)


def _side(outputs, axis, step, found):
    """A window's length beyond which nothing changes but the number of cells."""
    field = max(traced.grids[axis].size for traced in outputs)
    return step * (8 + math.ceil(2 * max(field, _minimum(found)) / step))


def _minimum(found):
    return max(described(traced.operation).minimum for traced in found)


def _settled(model, period, side, size):
    """The net at a size at which its cells lie as in the whole image."""
    plain = trace(model, side)
    rest = (0, 0) if size is None else tuple(n % p for n, p in zip(size, period, strict=True))
    if any(rest):
        longer = tuple(n + more for n, more in zip(side, rest, strict=True))
        own = trace(model, longer)
        if any(a.grids != b.grids for a, b in zip(plain[0], own[0], strict=True)):
            return *own, longer
    return *plain, side


def _dropped(model, found, outputs, axis, length, period):
    """(pixels before, pixels after) along one axis of a window of `length`."""
    grids = _tainted(found, axis, length)
    before = after = 0
    for traced in outputs:
        grid = grids[id(traced)]
        if grid.stride != 1 or traced.shape[1 + axis] != length:
            raise ValueError(
                f"The output {traced.operation.name!r} of {model.name!r} has "
                f"{traced.shape[1 + axis]} cells for {length} pixels: a segmenter gives outputs "
                "of the image's size."
            )
        steps = len(grid.spans)
        for phase, (first, last) in enumerate(grid.spans):
            good = -(first // steps) * steps + phase  # the first without a pixel before 0
            bad = (length - 1 - last) // steps * steps + steps + phase
            before = max(before, good - steps + 1)
            after = max(after, length - bad)
    before = -(-before // period) * period
    after = length - (length - after) // period * period
    lacking = _minimum(found) - before - after
    return before, after + max(0, -(-lacking // period) * period)


def _tainted(found, axis, length):
    """{id of a `Traced`: its grid} in which cells that a window lacks reach beyond the window."""
    grids = {}
    for traced in found:
        if not traced.parents:
            grids[id(traced)] = traced.grids[axis]
            continue
        parents = [grids[id(parent)] for parent in traced.parents]
        shapes = [parent.shape for parent in traced.parents]
        grid = rules.apply(traced.operation, parents, axis, shapes)
        if not grid.collapsed:
            grid = _reaching(grid, traced.shape[1 + axis], length)
        grids[id(traced)] = grid
    return grids


def _reaching(grid, cells, length):
    """The grid with the cells that a window lacks, before the first and from number `cells` on,
    made to reach pixels before 0 and from `length` on.
    """
    steps, spans = len(grid.spans), []
    for phase, (first, last) in enumerate(grid.spans):
        beyond = -((phase - cells) // steps)  # the first period of which this cell is lacking
        spans.append((min(first, grid.shift - 1), max(last, length - beyond * grid.shift)))
    return Grid(grid.shift, tuple(spans), grid.unbounded, grid.centres)
