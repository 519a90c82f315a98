"""Ways up: what leads from a backbone's deepest map to its finest, level by level.

Each is a class with the steps of `WayUp`; a net takes one. Those of FCNs are here, the others in
`fcn_keras.models.decoders`.
"""

import keras

from fcn_keras.models.outputs import suffix_of

L = keras.layers


class WayUp:
    """The base of all ways up.

    Args:
        channels: Channels of the output.
        alignment: A `SameAlignment`, `CaffeAlignment` or `TorchAlignment`, which upsamples.
        suffix: End of the names of all layers.
        learned: Whether upsamplings are learned, starting from bilinear.
    """

    def __init__(self, channels, alignment, suffix="", learned=False):
        self.channels = channels
        self.alignment = alignment
        self.suffix = suffix
        self.learned = learned

    def features(self, levels):
        """Returns the `Tap` made of all levels, which is scored.

        Args:
            levels: The `Level`s of a net, the deepest first.
        """
        deepest, *finer = levels
        x = self.begin(deepest)
        for level in finer:
            x = self.step(x, level)
        return x

    def begin(self, level):
        """Returns the `Tap` that the deepest level gives."""
        raise NotImplementedError

    def step(self, coarse, level):
        """Returns the `Tap` of a level, made of the coarser one and of the level's own maps."""
        raise NotImplementedError

    def scores(self, fine):
        """Returns the `Tap` with the output's channels, made of that of the finest level."""
        raise NotImplementedError

    def upsampled(self, coarse, onto, level):
        """Returns a `Tap` upsampled onto a level's grid, and the level's own cropped to it."""
        name = f"{level.upsampling}{self.suffix}"
        fine = self.alignment.upsampled(coarse, onto, self.learned, name)
        return fine, self.alignment.cropped(onto, fine, f"score_{level.name}c{self.suffix}")

    def score(self, tap, name, initializer, window=1):
        """Returns a `Tap` with the output's channels, by a convolution of 1x1 or larger."""
        layer = L.Conv2D(
            self.channels,
            window,
            padding="same",
            kernel_initializer=initializer,
            name=f"score_{name}{self.suffix}",
        )
        return tap.with_tensor(layer(tap.tensor))

    def added(self, fine, skip, level):
        """Returns the sum of two `Tap`s."""
        add = L.Add(name=f"fuse_{level.name}{self.suffix}")
        return fine.with_tensor(add([fine.tensor, skip.tensor]))

    def mean(self, taps, name):
        """Returns the mean of the `Tap`s of several inputs; of one input its own."""
        first, *others = taps
        if not others:
            return first
        average = L.Average(name=f"{name}{self.suffix}")
        return first.with_tensor(average([tap.tensor for tap in taps]))


class AddedScores(WayUp):
    """Scores added: each level is scored by a 1x1 convolution, and the scores are summed.

    Args:
        channels, alignment, suffix, learned: As `WayUp`.
        initializer: Initializer of the score layers; None for zeros, as in the paper.

    Source: Long et al. (2015), section 4.2 and figure 3.
    """

    def __init__(self, channels, alignment, suffix="", learned=False, *, initializer=None):
        super().__init__(channels, alignment, suffix, learned)
        self.initializer = initializer or "zeros"

    def begin(self, level):
        """Returns the scores of the deepest level; of several inputs their mean."""
        scores = [
            self.score(tap, f"{level.name}{suffix_of(stream)}", self.initializer)
            for stream, tap in level.taps.items()
        ]
        return self.mean(scores, f"score_{level.name}_fused")

    def step(self, coarse, level):
        """Returns the sum of the upsampled scores and those of the level."""
        return self.added(*self.upsampled(coarse, self.begin(level), level), level)

    def scores(self, fine):
        """Returns the map as it is: it is made of scores."""
        return fine


class AddedFeatures(WayUp):
    """Features added: each level gives `level.filters` features, which are summed and mixed.

    Only the finest level is scored.

    Args:
        channels, alignment, suffix, learned: As `WayUp`.
        initializer: Initializer of the score layer; None for Glorot's, as zeros are slow after
            small features.
        momentum: Momentum of the BatchNormalization layers; None for Keras's.
    """

    def __init__(
        self, channels, alignment, suffix="", learned=False, *, initializer=None, momentum=None
    ):
        super().__init__(channels, alignment, suffix, learned)
        self.initializer = initializer or "glorot_uniform"
        self.momentum = {} if momentum is None else {"momentum": momentum}

    def begin(self, level):
        """Returns the deepest features; of several inputs their mean."""
        return self.mean([*level.taps.values()], "features_fused")

    def step(self, coarse, level):
        """Returns the sum of the upsampled features and those of the level, mixed by 3x3."""
        filters, name = level.filters, level.name
        skips = [
            self._convolved(tap, filters, 1, f"skip_{name}{suffix_of(stream)}")
            for stream, tap in level.taps.items()
        ]
        skip = self.mean(skips, f"skip_{name}_fused")
        narrow = self._convolved(coarse, filters, 1, f"narrow_{name}")
        added = self.added(*self.upsampled(narrow, skip, level), level)
        mixed = self._convolved(self._rectified(added, f"fuse_{name}"), filters, 3, f"mix_{name}")
        return self._rectified(mixed, f"mix_{name}")

    def scores(self, fine):
        """Returns the scores of the finest features."""
        return self.score(fine, "fused", self.initializer)

    def _convolved(self, tap, filters, window, name):
        convolve = L.Conv2D(
            filters,
            window,
            padding="same",
            use_bias=False,
            kernel_initializer="he_normal",
            name=f"{name}{self.suffix}",
        )
        normalize = L.BatchNormalization(name=f"{name}_bn{self.suffix}", **self.momentum)
        return tap.with_tensor(normalize(convolve(tap.tensor)))

    def _rectified(self, tap, name):
        return tap.with_tensor(L.ReLU(name=f"{name}_relu{self.suffix}")(tap.tensor))
