"""The base of the decoders: their options, and the units that they are made of."""

import keras
import numpy as np

from fcn_keras.checks import whole_number
from fcn_keras.models.alignment import SameAlignment, on_pixels
from fcn_keras.models.convolutions import convolved
from fcn_keras.models.levels import levels_over
from fcn_keras.models.outputs import suffix_of
from fcn_keras.models.ways_up import WayUp

L = keras.layers


def decoded(backbone, image, make, tasks):
    """Returns {output: logits} of a decoder over a backbone.

    Args:
        backbone: A `Backbone`.
        image: The net's input, a KerasTensor.
        make: `make(channels, alignment, suffix)` gives the `Decoder`.
        tasks: {output: `Task`}.
    """
    align = SameAlignment([image], backbone.nested)
    features = make(0, align).features(levels_over(backbone, image))
    logits = {}
    for output, task in tasks.items():
        suffix = suffix_of(output)
        scores = make(task.channels, align, suffix).scores(features)
        logits[output] = on_pixels(align, scores, image, task, suffix=suffix)
    return logits


class Decoder(WayUp):
    """The base of the decoders. It has features that all outputs share, and scores of each output.

    Args:
        channels, alignment, suffix: As `WayUp`.
        filters: Number or numbers of features; None for the decoder's own.
        dropout: Rate of the dropout that the decoder has; None for the decoder's own.
        normalization: "batch", "group" or "none" behind each convolution; None for the decoder's
            own.
        momentum: Momentum of the BatchNormalization layers; None for Keras's.

    Attributes:
        own_filters: Features by default: a number, or one for each name in `filter_names`.
        filter_names: What the numbers of features are for, or ().
        own_dropout: Rate of the dropout by default.
        own_normalization: Normalization by default.
        window: Rows and columns of the convolution that scores.
        depth: Strides of the classifier that are used by default; None for all.
        output_stride: Stride of the classifier's deepest map by default; None for its own.
        all_stages: Whether a map whose stride was removed is a level all the same.
        finest: Stride of the finest level that is used.
    """

    own_filters = None
    filter_names = ()
    own_dropout = 0
    own_normalization = "batch"
    window = 3
    depth = None
    output_stride = None
    all_stages = False
    finest = 1

    def __init__(
        self,
        channels,
        alignment,
        suffix="",
        *,
        filters=None,
        dropout=None,
        normalization=None,
        momentum=None,
    ):
        super().__init__(channels, alignment, suffix)
        self.filters = self.own_filters if filters is None else self._checked(filters)
        self.rate = self.own_dropout if dropout is None else dropout
        self.normalization = normalization or self.own_normalization
        self.momentum = momentum

    def _checked(self, filters):
        """The numbers of features: one, or one for each of `filter_names`."""
        count = len(self.filter_names) or 1
        given = (filters,) * count if np.ndim(filters) == 0 else tuple(filters)
        if len(given) != count:
            wanted = f"{' and '.join(self.filter_names)}: {count} numbers" if count > 1 else "one"
            raise ValueError(
                f"`decoder_filters` of {type(self).__name__} must be {wanted}, got {filters!r}."
            )
        given = tuple(whole_number("decoder_filters", one) for one in given)
        return given if self.filter_names else given[0]

    def used(self, levels):
        """Returns the levels down to the finest that the decoder takes, the deepest first.

        Of a classifier without such a fine map they are all of its maps.
        """
        return [level for level in levels if level.tap and level.stride >= self.finest]

    def scores(self, fine):
        """Returns the scores of the features."""
        return self.score(fine, "conv", "glorot_uniform", self.window)

    def convolved(self, tap, filters, window, name, **options):
        """Returns a `Tap` after a convolution, the decoder's normalization, and ReLU.

        Args:
            tap: A `Tap`.
            filters, window, name, **options: As `fcn_keras.models.convolutions.convolved`.
        """
        given = {"normalization": self.normalization, "momentum": self.momentum, **options}
        return tap.with_tensor(convolved(tap.tensor, filters, window, name, **given))

    def onto(self, coarse, cells, name):
        """Returns a `Tap` upsampled bilinearly onto the cells of another."""
        same = (coarse.stride, coarse.offset) == (cells.stride, cells.offset)
        if same and self.alignment.nested:
            return coarse
        return self.alignment.upsampled(coarse, cells, False, name)

    def summed(self, taps, name):
        """Returns the sum of `Tap`s on the same cells."""
        return taps[0].with_tensor(L.Add(name=name)([tap.tensor for tap in taps]))

    def joined(self, taps, name):
        """Returns `Tap`s on the same cells, concatenated."""
        return taps[0].with_tensor(L.Concatenate(name=name)([tap.tensor for tap in taps]))

    def dropped(self, tap, layer=L.SpatialDropout2D):
        """Returns a `Tap` after the decoder's dropout, of whole channels by default."""
        return tap.with_tensor(layer(self.rate, name="drop")(tap.tensor)) if self.rate else tap
