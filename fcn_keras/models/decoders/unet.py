"""U-Net's way up: features upsampled and concatenated with those of each level, then mixed.

up1 - two 3x3, 16 - scores
  ^ upsampled
up2 - with stride 2, two 3x3, 32
  ^ upsampled
 ...
up16 - with stride 16, two 3x3, 256
  ^ upsampled
the deepest map
"""

import keras

from fcn_keras.models.convolutions import convolved_twice
from fcn_keras.models.decoders.base import Decoder
from fcn_keras.models.levels import with_filters

L = keras.layers


class UNet(Decoder):
    """Features concatenated: the coarser ones, upsampled, beside those of the level, then mixed.

    A level without maps of its own, the image's pixels, is upsampled and mixed. `filters` are one
    number for each level, the coarsest first, or one for all.

    Args:
        channels, alignment, suffix, filters, dropout, normalization, momentum: As `Decoder`. The
            dropout is behind the deepest features.

    Source: Ronneberger, Fischer, Brox (2015), "U-Net", section 2 and figure 1.
    """

    def _checked(self, filters):
        return filters  # checked with the levels, whose number the classifier decides

    def features(self, levels):
        """Returns the features of the image's pixels."""
        return super().features(with_filters(levels, self.filters))

    def begin(self, level):
        """Returns the deepest features, mixed if the level has filters for it."""
        deepest = self.mixed(level.tap, level.filters, level.name) if level.filters else level.tap
        if not self.rate:
            return deepest
        drop = L.Dropout(self.rate, name=f"drop_{level.name}")
        return deepest.with_tensor(drop(deepest.tensor))

    def step(self, coarse, level):
        """Returns the mixed features of the level and those upsampled."""
        skips = [level.tap] if level.tap else []
        return self.node(coarse, skips, level, level.filters, level.name)

    def node(self, below, beside, level, filters, name):
        """Returns features of a level, mixed from those below and those beside.

        Args:
            below: `Tap` of a coarser level.
            beside: `Tap`s of the level, or ().
            level: The `Level`.
            filters: Number of features.
            name: Name of the convolutions.
        """
        x = self.onto(below, level.cells, name.replace("up", "upsample", 1))
        if beside:
            x = self.joined([x, *beside], f"concat_{name}")
        return self.mixed(x, filters, name)

    def mixed(self, tap, filters, name):
        """Returns a `Tap` after two convolutions of 3x3."""
        given = {"normalization": self.normalization, "momentum": self.momentum}
        return tap.with_tensor(convolved_twice(tap.tensor, filters, name, **given))
