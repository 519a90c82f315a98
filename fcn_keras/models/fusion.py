"""What the levels of a net exchange: their scores, as in the paper, or features scored at the end.

Both offer the steps of figure 3: `deepest`; `narrowed`, `skip`, `fused` for each finer level; and
`scored`.
"""

import keras

from fcn_keras.models.outputs import suffix_of
from fcn_keras.models.trunk import Tap

L = keras.layers


class ScoreFusion:
    """Each level is scored by a 1x1 convolution, and the scores are added.

    Args:
        num_classes: Channels of the scores.
        initializer: Of the score layers; None for zeros, as in the paper.
        suffix: Behind the name of every layer.
    """

    def __init__(self, num_classes, initializer, suffix):
        self.num_classes = num_classes
        self.initializer = initializer or "zeros"
        self.suffix = suffix

    def deepest(self, taps):
        return self.skip(taps, "fr")

    def narrowed(self, tap, name):
        """What is upsampled onto a level."""
        return tap

    def skip(self, taps, name):
        """The scores of one level; over several streams their mean."""
        scores = [self._score(tap, f"{name}{suffix_of(stream)}") for stream, tap in taps]
        return _mean(scores, f"score_{name}_fused{self.suffix}")

    def fused(self, fine, skip, name):
        added = L.Add(name=f"fuse_{name}{self.suffix}")([fine.tensor, skip.tensor])
        return Tap(added, fine.stride, fine.offset)

    def scored(self, tap):
        """The scores of the finest map."""
        return tap

    def _score(self, tap, name):
        score = L.Conv2D(
            self.num_classes,
            1,
            kernel_initializer=self.initializer,
            name=f"score_{name}{self.suffix}",
        )
        return Tap(score(tap.tensor), tap.stride, tap.offset)


class FeatureFusion(ScoreFusion):
    """Each level is reduced to a few features; these are added and mixed by a 3x3 convolution.

    Args:
        num_classes: Channels of the scores.
        initializer: Of the score layer; None for Glorot's, as zeros are slow behind small
            features.
        suffix: Behind the name of every layer.
        filters: Features of each skip, coarsest first.
        momentum: Of the BatchNormalization layers; None for Keras's.
    """

    def __init__(self, num_classes, initializer, suffix, filters, momentum):
        super().__init__(num_classes, initializer or "glorot_uniform", suffix)
        self.filters = list(filters)
        self.momentum = {} if momentum is None else {"momentum": momentum}

    def deepest(self, taps):
        return _mean([tap for _, tap in taps], f"features_fused{self.suffix}")

    def narrowed(self, tap, name):
        return self._convolved(tap, self.filters[0], 1, f"narrow_{name}")

    def skip(self, taps, name):
        features = [
            self._convolved(tap, self.filters[0], 1, f"skip_{name}{suffix_of(stream)}")
            for stream, tap in taps
        ]
        return _mean(features, f"skip_{name}_fused{self.suffix}")

    def fused(self, fine, skip, name):
        added = super().fused(fine, skip, name)
        count = self.filters.pop(0)
        mixed = self._convolved(self._rectified(added, f"fuse_{name}"), count, 3, f"mix_{name}")
        return self._rectified(mixed, f"mix_{name}")

    def scored(self, tap):
        return self._score(tap, "fused")

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
        return Tap(normalize(convolve(tap.tensor)), tap.stride, tap.offset)

    def _rectified(self, tap, name):
        return Tap(L.ReLU(name=f"{name}_relu{self.suffix}")(tap.tensor), tap.stride, tap.offset)


def _mean(taps, name):
    if len(taps) == 1:
        return taps[0]
    averaged = L.Average(name=name)([tap.tensor for tap in taps])
    return Tap(averaged, taps[0].stride, taps[0].offset)
