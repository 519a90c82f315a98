"""UPerNet: pyramid pooling on the deepest map, a feature pyramid, and its levels concatenated.

c32 - pyramid pooling, 3x3 - p32 -------- up -|
                              | up            |
c16 - 1x1 -------------- add - p16 - 3x3 - up -|
                              | up             concatenated - 3x3, 256 - scores
c8  - 1x1 -------------- add - p8 -- 3x3 - up -|
                              | up            |
c4  - 1x1 -------------- add - p4 -- 3x3 -----|
"""

import keras

from fcn_keras.models.decoders.base import Decoder
from fcn_keras.models.decoders.pspnet import with_pooled

L = keras.layers


class UPerNet(Decoder):
    """A feature pyramid over pyramid pooling, its levels concatenated at stride 4 and mixed.

    Each map is normalized over its channels first. `filters` is the number of features of all
    convolutions. The output depends on the whole image.

    Args:
        channels, alignment, suffix, filters, dropout, normalization, momentum: As `Decoder`. The
            dropout drops channels of the features.

    Source: Xiao, Liu, Zhou, Jiang, Sun (2018), "Unified Perceptual Parsing for Scene
    Understanding", section 3 and figure 4.
    """

    own_filters = 256
    window = 1
    finest = 4

    def features(self, levels):
        """Returns the features of stride 4."""
        deepest, *finer = self.used(levels)
        x = with_pooled(self, self._normalized(deepest), self.filters)
        x = self.convolved(x, self.filters, 3, "pyramid_pooled")
        pyramid = [x]
        for level in finer:
            stride = level.stride
            own = self.convolved(self._normalized(level), self.filters, 1, f"lateral{stride}")
            x = self.summed([self.onto(x, own, f"pyramid{stride}_up"), own], f"pyramid{stride}")
            pyramid.append(self.convolved(x, self.filters, 3, f"mixed{stride}"))
        finest = pyramid[-1]
        parts = [self.onto(part, finest, f"joined{part.stride}_up") for part in pyramid]
        x = self.joined(parts, "joined_levels") if finer else finest
        return self.dropped(self.convolved(x, self.filters, 3, "joined"))

    def _normalized(self, level):
        normalize = L.LayerNormalization(epsilon=1e-6, name=f"normalized{level.stride}")
        return level.tap.with_tensor(normalize(level.tap.tensor))
