"""A classifier of stride 8: its later poolings lose their stride, its later kernels get holes.

The trunk of DeepLab v1 and v2, whose first poolings are 2x2 or, centred on every second cell, 3x3.
"""

from dataclasses import dataclass

import keras
import numpy as np

from fcn_keras.geometry.field import trace
from fcn_keras.layers import CeilPooling2D, LeanHeNormal, PadToMultiple
from fcn_keras.models.alignment import SameAlignment, Tap
from fcn_keras.models.backbone import features_of, load_backbone, resolve, tap_of
from fcn_keras.models.inputs import preprocessed
from fcn_keras.models.pooled_encoder import halving_poolings, hidden_layers
from fcn_keras.surgery.convolutionalize import copy_open
from fcn_keras.surgery.copying import Copier, with_batch_norm_momentum

L = keras.layers
STRIDE = 8


@dataclass(frozen=True)
class Trunk:
    """A classifier of stride 8.

    Attributes:
        deepest: `Tap` of its features.
        finer: KerasTensors, the maps in front of it: the preprocessed image, and what each pooling
            gives, the finest first; of a classifier with other strides its maps of strides 2 and 4.
        head: The classifier's fully connected layers, a tuple of `Hidden`.
        align: The `SameAlignment` that lays scores on the pixels.
        pooled: Whether the classifier's only strides are poolings of 2x2.
    """

    deepest: Tap
    finer: tuple
    head: tuple
    align: SameAlignment
    pooled: bool


def load_trunk(stream, classifier, weights, net, *, pooling=3, momentum=None):
    """Returns the `Trunk` over one input of a net.

    Args:
        stream: The input, a `Stream`.
        classifier: A registered name or a functional Keras classifier. Of one whose map shrinks by
            max poolings of window 2x2 alone these are replaced; of others the strides beyond 8 are
            removed.
        weights: As `load_backbone`.
        net: Name of the net, for messages.
        pooling: Rows and columns of the poolings that replace them: 3 or 2.
        momentum: Momentum of the copied BatchNormalization; None keeps theirs.

    Raises:
        ValueError, FileNotFoundError: as `load_backbone`.
    """
    spec = resolve(classifier, weights, stream, keep_head=True)
    try:
        poolings = halving_poolings(spec.classifier, spec.classifier.name, net)
    except ValueError:  # strides of other kinds
        return _with_any_strides(stream, classifier, weights, momentum)
    corner = pooling > 2  # cells on every 8th pixel, so that no size needs padding
    x = preprocessed(stream, spec.preprocess, spec.grey)
    if not corner:
        x = PadToMultiple(STRIDE, name="pad")(x)
    taken = {stream.image.name, *(layer.name for layer in keras.Model(stream.image, x).layers)}
    changes = with_batch_norm_momentum(momentum), _with_holes(spec.classifier)
    copy = _Copy(Copier(*changes, taken=taken), poolings, corner)
    deepest = tap_of(stream.image, features_of(spec.classifier, x, copy))
    align = SameAlignment([stream.image], nested=not corner)
    return Trunk(deepest, (x, *copy.pooled.values()), hidden_layers(spec), align, True)


def hidden_features(trunk, x, window, hole, filters, rate, suffix=""):
    """Returns a map after fc6 and fc7, which begin with the classifier's own where these fit.

    Of larger ones they take evenly spaced cells of the window and filters.

    Args:
        trunk: The `Trunk`.
        x: KerasTensor, the map to begin with.
        window: Rows and columns of fc6.
        hole: Its dilation.
        filters: Filters of both.
        rate: Rate of the Dropout after each; 0 for none.
        suffix: End of the layers' names.
    """
    convolutions = []
    for number, size, dilation in ((6, window, hole), (7, 1, 1)):
        convolve = L.Conv2D(
            filters,
            size,
            dilation_rate=dilation,
            padding="same",
            activation="relu",
            kernel_initializer=LeanHeNormal(),
            name=f"fc{number}{suffix}",
        )
        x = dropped(convolve(x), rate, f"drop{number}{suffix}")
        convolutions.append(convolve)
    if _fit(trunk.head, convolutions):
        for hidden, convolve in zip(trunk.head, convolutions, strict=True):
            convolve.set_weights(_decimated(hidden.weights, convolve.kernel.shape))
    return x


def dropped(x, rate, name):
    """Returns a map after Dropout; of rate 0 the map itself."""
    return L.Dropout(rate, name=name)(x) if rate else x


def summed_scores(features, channels, suffix, fused, window=1, holes=()):
    """Returns the sum of the scores of several maps, a KerasTensor.

    Args:
        features: [(name, KerasTensor), ...], maps of one size; a layer is called "score_" and name.
        channels: Channels of the scores.
        suffix: End of the layers' names.
        fused: Name of the sum.
        window: Rows and columns of the convolutions that score.
        holes: The dilation of each; none have any by default.
    """
    scores = [
        L.Conv2D(
            channels,
            window,
            dilation_rate=hole,
            padding="same",
            kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
            name=f"score_{name}{suffix}",
        )(x)
        for (name, x), hole in zip(features, holes or [1] * len(features), strict=True)
    ]
    return L.Add(name=f"{fused}{suffix}")(scores) if len(scores) > 1 else scores[0]


def _with_any_strides(stream, classifier, weights, momentum):
    """The `Trunk` of a classifier with strides of any kind, those beyond 8 removed."""
    options = {"head_filters": 0, "output_stride": STRIDE, "batch_norm_momentum": momentum}
    backbone = load_backbone(stream, classifier, weights, SameAlignment, **options)
    finer = tuple(tap.tensor for tap in reversed(backbone.finer))
    align = SameAlignment([stream.image], backbone.nested)
    return Trunk(backbone.deepest, finer, (), align, False)


class _Copy:
    """Calls what stands for a layer of a classifier whose only strides are poolings.

    Attributes:
        pooled: {pooling: KerasTensor}, what each pooling gives.
    """

    def __init__(self, copier, poolings, corner):
        self.copier = copier
        self.poolings = poolings
        self.corner = corner
        self.pooled = {}

    def __call__(self, layer, args, kwargs):
        if layer not in self.poolings:
            return copy_open(self.copier, layer, args, kwargs)
        strides = 2 if 2 ** (self.poolings.index(layer) + 1) <= STRIDE else 1

        def make(name):
            if self.corner:
                return CeilPooling2D(3, strides, padding=1, name=name)
            return L.MaxPooling2D(2, strides, padding="same", name=name)

        self.pooled[layer] = self.copier.new(layer.name, make, key=layer)(*args)
        return self.pooled[layer]


def _with_holes(classifier):
    """A change for `Copier`: holes for the convolutions of maps coarser than stride 8."""
    holes = {}
    for traced in trace(classifier)[0]:
        if isinstance(traced.operation, (L.Conv2D, L.DepthwiseConv2D)) and traced.parents:
            holes[traced.operation] = max(1, int(traced.parents[0].grids[0].stride) // STRIDE)

    def change(layer, config):
        if holes.get(layer, 1) > 1:
            config["dilation_rate"] = holes[layer]
        return config

    return change


def _fit(head, convolutions):
    """Whether a pretrained head has two layers, which are at least as large as the net's."""
    return len(head) == len(convolutions) and all(
        hidden.weights and np.all(np.greater_equal(hidden.weights[0].shape, layer.kernel.shape))
        for hidden, layer in zip(head, convolutions, strict=True)
    )


def _decimated(weights, shape):
    """Evenly spaced cells, channels and filters of a larger kernel, and the filters' biases."""
    kernel, bias = weights
    for axis, count in enumerate(shape):
        chosen = np.linspace(0, kernel.shape[axis] - 1, count).round().astype(int)
        kernel = kernel.take(chosen, axis)
    return kernel, bias[chosen]
