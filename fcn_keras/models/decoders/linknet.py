"""LinkNet: each level narrows the coarser features, upsamples them, and adds its own map.

stride 2:     + - 1x1 to a quarter - upsampled, learned - 1x1 to 32 - scores
              ^
stride 4:     + - 1x1 to a quarter - upsampled, learned - 1x1 to the channels of stride 2
              ^
             ...
"""

import keras

from fcn_keras.models.convolutions import normalized
from fcn_keras.models.decoders.base import Decoder

L = keras.layers
NARROW = 4


class LinkNet(Decoder):
    """Features added: the coarser ones, narrow while they are upsampled, and the level's own map.

    The upsampling is a transposed convolution of 4x4. `filters` is the number of the last features,
    those of the image's pixels.

    Args:
        channels, alignment, suffix, filters, dropout, normalization, momentum: As `Decoder`.

    Source: Chaurasia, Culurciello (2017), "LinkNet: Exploiting Encoder Representations for
    Efficient Semantic Segmentation", section 3 and figures 1 and 2.
    """

    own_filters = 32
    window = 1

    def begin(self, level):
        """Returns the deepest map."""
        return level.tap

    def step(self, coarse, level):
        """Returns the sum of the level's map and the coarser features, of as many channels."""
        wide = level.tap.tensor.shape[-1] if level.tap else self.filters
        narrow = max(1, coarse.tensor.shape[-1] // NARROW)
        x = self.convolved(coarse, narrow, 1, f"{level.name}_narrow")
        x = self._upsampled(x, level)
        x = self.convolved(x, wide, 1, f"{level.name}_wide")
        return self.summed([x, level.tap], f"add_{level.name}") if level.tap else x

    def _upsampled(self, coarse, level):
        """The coarser features on the level's cells, by a learned upsampling."""
        name = level.upsampling
        x = self.alignment.transposed(coarse, level.cells, name)
        x = x.with_tensor(normalized(x.tensor, name, self.normalization, self.momentum))
        return x.with_tensor(L.ReLU(name=f"{name}_relu")(x.tensor))
