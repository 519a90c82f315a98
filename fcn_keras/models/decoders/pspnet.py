"""PSPNet: one map, beside the means of its 1, 4, 9 and 36 parts, and no finer level.

c8 --------------------------------- concatenated - 1x1, 512 - dropout - scores
 |- mean in 1x1 bins - 1x1 - resized -|
 |- mean in 2x2 bins - 1x1 - resized -|
 |- mean in 3x3 bins - 1x1 - resized -|
 |- mean in 6x6 bins - 1x1 - resized -|
"""

from fcn_keras.layers import BinPooling2D, ResizeToReference
from fcn_keras.models.decoders.base import Decoder

BINS = (1, 2, 3, 6)


class PSPNet(Decoder):
    """Pyramid pooling: a map is joined with its means in bins, from the whole image to its parts.

    The classifier ends at stride 8. With an `output_stride` all of it is used, dilated, as in the
    paper. `filters` is the number of features. The output depends on the whole image.

    Args:
        channels, alignment, suffix, filters, dropout, normalization, momentum: As `Decoder`. The
            dropout drops channels of the features.

    Source: Zhao, Shi, Qi, Wang, Jia (2017), "Pyramid Scene Parsing Network", section 3 and
    figure 3.
    """

    own_filters = 512
    own_dropout = 0.2
    depth = 3

    def features(self, levels):
        """Returns the features of the deepest level."""
        deepest = levels[0].tap
        x = with_pooled(self, deepest, deepest.tensor.shape[-1] // len(BINS), plain_mean=True)
        return self.dropped(self.convolved(x, self.filters, 1, "pyramid"))


def with_pooled(decoder, tap, filters, plain_mean=False):
    """Returns a `Tap` concatenated with its means in bins.

    Args:
        decoder: The `Decoder` whose convolutions follow the means.
        tap: A `Tap`.
        filters: Number of features of each grid of bins.
        plain_mean: Whether the mean of the whole map has no normalization: with one image in a
            step BatchNormalization makes it a constant.
    """
    parts = [tap]
    for bins in BINS:
        name = f"bins{bins}"
        x = tap.with_tensor(BinPooling2D(bins, name=f"{name}_mean")(tap.tensor))
        plain = {"normalization": "none"} if plain_mean and bins == 1 else {}
        x = decoder.convolved(x, max(1, filters), 1, name, **plain)
        resize = ResizeToReference(name=f"{name}_resized")
        parts.append(tap.with_tensor(resize([x.tensor, tap.tensor])))
    return decoder.joined(parts, "pyramid_concat")
