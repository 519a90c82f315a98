"""Feature pyramid: the deep features flow down a pyramid, whose levels are summed at stride 4.

c32 - 1x1 ------- p32 - 3x3, up, 3x3, up, 3x3, up \
                   | up                            \
c16 - 1x1 - add - p16 - 3x3, up, 3x3, up ----------- + - dropout - scores
                   | up                            /
c8  - 1x1 - add - p8 -- 3x3, up ------------------/
                   | up                          /
c4  - 1x1 - add - p4 -- 3x3 --------------------/
"""

import keras

from fcn_keras.models.decoders.base import Decoder

L = keras.layers


class FPN(Decoder):
    """A pyramid of features of one width, each level brought to stride 4 and summed.

    `filters` are those of the pyramid and those of the segmentation branches. The branches have
    GroupNormalization by default, whose statistics are those of the whole image; with
    normalization="batch" tiles are exact.

    Args:
        channels, alignment, suffix, filters, dropout, normalization, momentum: As `Decoder`. The
            dropout drops channels of the sum.

    Source: Lin et al. (2017), "Feature Pyramid Networks for Object Detection", figure 3; the
    branches are those of Kirillov et al. (2019), "Panoptic Feature Pyramid Networks", figure 3.
    """

    own_filters = (256, 128)
    filter_names = ("those of the pyramid", "those of its branches")
    own_dropout = 0.2
    own_normalization = "group"
    window = 1
    finest = 4

    def features(self, levels):
        """Returns the features of stride 4."""
        levels = self.used(levels)
        pyramid = []
        for level in levels:
            pyramid.append(self._merged(pyramid[-1] if pyramid else None, level))
        branches = [self._branch(p, levels[n + 1 :]) for n, p in enumerate(pyramid)]
        return self.dropped(self.summed(branches, "sum_levels") if branches[1:] else branches[0])

    def _merged(self, coarse, level):
        """The pyramid's features of a level: its map's, and those of the coarser level."""
        stride = level.stride
        own = L.Conv2D(self.filters[0], 1, kernel_initializer="he_normal", name=f"lateral{stride}")
        own = level.tap.with_tensor(own(level.tap.tensor))
        if coarse is None:
            return own
        return self.summed([self.onto(coarse, own, f"pyramid{stride}_up"), own], f"pyramid{stride}")

    def _branch(self, x, finer):
        """Features of one level on the cells of the finest, convolved before each upsampling."""
        start = x.stride
        for number, level in enumerate(finer or [None], start=1):
            name = f"branch{start}_{number}"
            x = self.convolved(x, self.filters[1], 3, name)
            x = self.onto(x, level.cells, f"{name}_up") if level else x
        return x
