"""Levels: the maps of a backbone as a way up takes them, the deepest first."""

from dataclasses import dataclass, replace

import keras
import numpy as np

from fcn_keras.checks import whole_number
from fcn_keras.geometry.field import trace
from fcn_keras.models.alignment import Tap

L = keras.layers
FEATURES = 16  # of a level by default, for each pixel of its stride


@dataclass(frozen=True)
class Level:
    """What a net has at one stride.

    Attributes:
        name: "fr" for the deepest level, "pool4", "pool3", ... for the others.
        taps: {input: `Tap`}, the maps of this stride; the only input of an ordinary net is None.
        upsampling: Name of the layer that upsamples the coarser map onto this level.
        filters: Features of this level, for ways up that have some; None for the others.
        grid: `Tap` on whose cells the coarser map is upsampled, for a level without maps of its
            own: the image's pixels.
    """

    name: str
    taps: dict[str | None, Tap]
    upsampling: str = ""
    filters: int | None = None
    grid: Tap | None = None

    @property
    def tap(self):
        """The map of the only input; None for a level without maps of its own."""
        return next(iter(self.taps.values()), None)

    @property
    def cells(self):
        """`Tap` on whose cells the level lies: its map, or its grid."""
        return self.tap or self.grid

    @property
    def stride(self):
        """Pixels from one cell to the next."""
        return self.cells.stride


def level_filters(given, count, what="skips"):
    """Returns the option `decoder_filters` as a tuple with a number of features for each level.

    Args:
        given: A number for each level, the coarsest first, or one for all.
        count: Number of levels.
        what: What the levels are, for the message.

    Raises:
        ValueError: for another number of them, or anything but whole numbers of at least 1.
    """
    filters = (given,) * count if np.ndim(given) == 0 else tuple(given)
    if len(filters) != count:
        raise ValueError(
            "`decoder_filters` needs one whole number of at least 1 for each of the "
            f"{count} {what}, got {given!r}."
        )
    return tuple(whole_number("decoder_filters", one) for one in filters)


def levels_over(backbone, image):
    """Returns the `Level`s of a net: the maps of a backbone, and the image's own pixels.

    Args:
        backbone: A `Backbone`.
        image: The net's input, a KerasTensor.

    Returns:
        A list, the deepest level first, called "center"; the others are named after their stride:
        "up16", ..., "up1", which has no maps. The deepest has a number of filters only where the
        backbone ends in a pooling, as VGG does, so that convolutions follow.
    """
    deepest, pixels = backbone.deepest, Tap(image, 1, (0, 0))
    bottom = None if _convolves(image, deepest) else deepest.tensor.shape[-1]
    levels = [Level("center", {None: deepest}, filters=bottom)]
    for tap in (*backbone.finer, pixels):
        taps = {} if tap is pixels else {None: tap}
        levels.append(Level(f"up{tap.stride}", taps, f"upsample{tap.stride}", grid=tap))
    return levels


def with_filters(levels, given):
    """Returns levels with a number of features for each but the deepest.

    Args:
        levels: A list of `Level`s, the deepest first.
        given: A number for each but the deepest, or one for all. Default: 16 for each pixel of
            its stride.

    Raises:
        ValueError: as `level_filters`.
    """
    deepest, *finer = levels
    if given is None:
        given = [FEATURES * level.stride for level in finer]
    filters = level_filters(given, len(finer), "levels of the way up")
    pairs = zip(finer, filters, strict=True)
    return [deepest, *(replace(level, filters=count) for level, count in pairs)]


def _convolves(image, deepest):
    """Whether a backbone has convolutions at its deepest stride; VGG ends in a pooling."""
    kinds = (L.Conv2D, L.DepthwiseConv2D, L.SeparableConv2D)
    found = trace(keras.Model(image, deepest.tensor))[0]
    strides = {t.fields.stride[0] for t in found if isinstance(t.operation, kinds)}
    return deepest.stride in strides
