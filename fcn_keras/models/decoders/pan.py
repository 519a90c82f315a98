"""PAN: attention over a pyramid on the deepest map, and gates from each level to the next finer.

c16, dilated - pyramid attention - x
                                   | mean - 1x1 - sigmoid
c16 - 3x3 ------------------- times - add - x         (x upsampled)
                                   | mean - 1x1 - sigmoid
c8  - 3x3 ------------------- times - add - x
                                   | mean - 1x1 - sigmoid
c4  - 3x3 ------------------- times - add - x - scores
"""

import keras

from fcn_keras.layers import BilinearUpsampling2D
from fcn_keras.models.alignment import Tap
from fcn_keras.models.decoders.base import Decoder

L = keras.layers


class PAN(Decoder):
    """Attention: the deepest features are weighted place by place, finer ones by channel.

    `filters` is the number of features. The stride of the deepest map is 16, its kernels are
    dilated. The output depends on the whole image.

    Args:
        channels, alignment, suffix, filters, dropout, normalization, momentum: As `Decoder`. The
            dropout drops channels of the features.

    Source: Li, Xiong, An, Wang (2018), "Pyramid Attention Network for Semantic Segmentation",
    section 3 and figures 3 and 4.
    """

    own_filters = 32
    output_stride = 16
    all_stages = True
    finest = 4

    def convolved(self, tap, filters, window, name, **options):
        """Returns a `Tap` after a convolution with biases, as `Decoder.convolved`."""
        return super().convolved(tap, filters, window, name, use_bias=True, **options)

    def features(self, levels):
        """Returns the features of stride 4."""
        deepest, *finer = self.used(levels)
        x = self._pyramid_attention(deepest.tap)
        for number, level in enumerate(finer, start=1):
            x = self._gated(x, level, f"gated{number}")
        return self.dropped(x)

    def _pyramid_attention(self, tap):
        """The map, weighted by a pyramid of windows of 7x7, 5x5 and 3x3, and its mean added."""
        mean = self._mean(tap, "attention_mean")
        middle = self.convolved(tap, self.filters, 1, "attention_middle")
        first = self.convolved(self._halved(tap, 1), 1, 7, "attention_down1")
        second = self.convolved(self._halved(first, 2), 1, 5, "attention_down2")
        third = self.convolved(self._halved(second, 3), 1, 3, "attention_down3")
        third = self.convolved(third, 1, 3, "attention_up3")
        second = self.convolved(second, 1, 5, "attention_up2")
        first = self.convolved(first, 1, 7, "attention_up1")
        second = self.summed([self._doubled(third, second, 3), second], "attention_add2")
        first = self.summed([self._doubled(second, first, 2), first], "attention_add1")
        weights = self._doubled(first, tap, 1)
        weighted = L.Multiply(name="attention")([middle.tensor, weights.tensor])
        return self.summed([tap.with_tensor(weighted), mean], "attention_add")

    def _gated(self, coarse, level, name):
        """The level's features, weighted by the mean of the coarser ones, which are added."""
        gate = self._mean(coarse, f"{name}_mean", relu=False)
        gate = L.Activation("sigmoid", name=f"{name}_sigmoid")(gate.tensor)
        own = self.convolved(level.tap, self.filters, 3, name)
        own = own.with_tensor(L.Multiply(name=f"{name}_times")([own.tensor, gate]))
        return self.summed([self.onto(coarse, own, f"{name}_up"), own], f"{name}_add")

    def _mean(self, tap, name, **options):
        """The mean of a map, convolved: one cell."""
        mean = L.GlobalAveragePooling2D(keepdims=True, name=f"{name}_pool")(tap.tensor)
        return self.convolved(tap.with_tensor(mean), self.filters, 1, name, **options)

    def _halved(self, tap, number):
        """The maxima of 2x2 cells; at the end of a map with odd sides, of those that are there."""
        pool = L.MaxPooling2D(2, padding="same", name=f"attention_pool{number}")
        offset = tuple(place + tap.stride / 2 for place in tap.offset)
        return Tap(pool(tap.tensor), 2 * tap.stride, offset)

    def _doubled(self, coarse, onto, number):
        """A map that `_halved` made, on the cells that it was made of."""
        upsample = BilinearUpsampling2D(2, name=f"attention_upsample{number}")
        return onto.with_tensor(upsample([coarse.tensor, onto.tensor]))
