"""Encoders with pooling indices: a classifier whose max poolings keep where their maxima were.

Every convolution is normalized. The decoders of SegNet and DeconvNet mirror the encoder block by
block.
"""

from dataclasses import dataclass
from functools import partial

import keras
import numpy as np

from fcn_keras import classifiers
from fcn_keras.geometry.field import trace
from fcn_keras.geometry.taps import on_every_path
from fcn_keras.layers import CeilPooling2D, MaxPooling2DWithIndices, MaxUnpooling2D
from fcn_keras.models.backbone import features_of, resolve, top_of
from fcn_keras.models.inputs import preprocessed
from fcn_keras.models.options import name_of
from fcn_keras.surgery.convolutionalize import copy_open
from fcn_keras.surgery.copying import Copier, with_batch_norm_momentum

L = keras.layers
SHIFT = 0.001  # of the published nets
_BETWEEN = (L.MaxPooling2D, L.ZeroPadding2D, L.Dropout, L.SpatialDropout2D)


@dataclass(frozen=True)
class Block:
    """The convolutions from one pooling to the next.

    Attributes:
        number: 1 for the block at full size.
        given: KerasTensor, the map that it begins with: the image or what the last pooling gave.
        convolutions: ((rows, columns), input channels) of each of its convolutions.
        features: KerasTensor, the map that its pooling pools; in the last block, which need not
            end in a pooling, the encoder's last.
        indices: KerasTensor, the indices of its pooling, or None.
    """

    number: int
    given: keras.KerasTensor
    convolutions: tuple
    features: keras.KerasTensor
    indices: keras.KerasTensor | None

    @property
    def mirrored(self):
        """(number, window, filters) of the convolutions of its mirror image, in their order.

        They have the windows of the block's own, the last first, and as many filters as that one
        has inputs, so that the last gives the channels that the block begins with.
        """
        own = self.convolutions or (((3, 3), None),)
        filters = [self.given.shape[-1], *(inputs for _, inputs in own[1:])]
        numbered = enumerate(zip(own, filters, strict=True), start=1)
        return [(number, window, count) for number, ((window, _), count) in numbered][::-1]


@dataclass(frozen=True)
class Hidden:
    """A fully connected layer of the classifier as a convolution.

    Attributes:
        filters: Its number of filters.
        window: Rows and columns of a filter.
        weights: Kernel (rows, columns, channels, filters) and bias; () where there are none yet.
    """

    filters: int
    window: tuple[int, int]
    weights: tuple = ()


@dataclass(frozen=True)
class PooledEncoder:
    """An encoder.

    Attributes:
        deepest: KerasTensor, the map that it ends in.
        blocks: Its `Block`s, the finest first.
        head: The `Hidden` layers of the classifier behind that map, fc6 and fc7, where it has
            some and they were asked for; else ().
    """

    deepest: keras.KerasTensor
    blocks: tuple[Block, ...]
    head: tuple[Hidden, ...] = ()


def load_pooled_encoder(
    stream, classifier, weights, *, net, momentum=None, drop=None, keep_head=False
):
    """Returns a classifier as an encoder with pooling indices.

    Convolutions keep their weights; each is followed by BatchNormalization, unless the classifier
    has one there, and then by its activation. Max poolings round up.

    Args:
        stream: The input, a `Stream`.
        classifier: A registered name, or a functional Keras classifier, which is copied.
        weights: None, "imagenet", "auto" or the path of a weights file; ignored for a model.
        net: Name of the net, for messages.
        momentum: Momentum of the BatchNormalization layers; None for the classifier's and Keras's.
        drop: `drop(x, number, count)` returns what follows pooling `number` of `count`; None for
            nothing.
        keep_head: Whether the classifier's fully connected layers are wanted.

    Returns:
        A `PooledEncoder`.

    Raises:
        ValueError: for a classifier whose map shrinks by anything but max poolings of window 2x2
            and stride 2; the message names it and the layer. Else as `load_backbone`.
        FileNotFoundError: as `load_backbone`.
    """
    if isinstance(classifier, str) and weights is not None:  # before weights are downloaded
        halving_poolings(classifiers.get(classifier).load(None), classifier, net)
    spec = resolve(classifier, weights, stream, keep_head)
    called = name_of(classifier)
    poolings = halving_poolings(spec.classifier, called, net)
    x = preprocessed(stream, spec.preprocess, spec.grey)
    taken = {stream.image.name, *(layer.name for layer in keras.Model(stream.image, x).layers)}
    copier = Copier(with_batch_norm_momentum(momentum), taken=taken, suffix=stream.suffix)
    copy = _Copy(copier, poolings, _normalized(spec.classifier), momentum, drop)
    deepest = features_of(spec.classifier, x, copy)
    blocks = _blocks(stream.image, x, deepest, len(poolings), called, net)
    return PooledEncoder(deepest, blocks, hidden_layers(spec) if keep_head else ())


def convolution_unit(x, filters, window, name, *, momentum=None, activation="relu"):
    """Returns a map after a convolution, BatchNormalization and an activation.

    Args:
        x: KerasTensor (batch, H, W, channels).
        filters: Number of filters.
        window: Rows and columns of a filter, or one int.
        name: Name of the convolution; those of the others begin with it.
        momentum: Momentum of the BatchNormalization; None for Keras's.
        activation: "relu", or None for none.
    """
    convolve = L.Conv2D(filters, window, padding="same", kernel_initializer="he_normal", name=name)
    return normalized(convolve, x, momentum=momentum, activation=activation)


def normalized(convolve, x, *, momentum=None, activation="relu"):
    """Returns a map after a layer, BatchNormalization and an activation, named after the layer.

    Args:
        convolve: A convolution without activation.
        x: KerasTensor (batch, H, W, channels).
        momentum, activation: As `convolution_unit`.
    """
    x = _normalization(f"{convolve.name}_bn", momentum)(convolve(x))
    return L.ReLU(name=f"{convolve.name}_relu")(x) if activation == "relu" else x


def unpooled(x, block, name):
    """Returns a map at the size of a block, its values where the block's maxima were.

    Args:
        x: KerasTensor, a map of the size and channels that the block's pooling gave.
        block: A `Block`. Of one without a pooling the map is returned as it is.
        name: Name of the unpooling.
    """
    if block.indices is None:
        return x
    return MaxUnpooling2D(name=name)([x, block.indices, block.features])


class _Copy:
    """Calls what stands for a layer of the classifier in the encoder."""

    def __init__(self, copier, poolings, normalized, momentum, drop):
        self.copier = copier
        self.poolings = poolings
        self.normalized = normalized
        self.momentum = momentum
        self.drop = drop
        self.keys = {}

    def __call__(self, layer, args, kwargs):
        if layer in self.poolings:
            return self._pooled(layer, args[0])
        if not isinstance(layer, L.Conv2D) or layer in self.normalized:
            return copy_open(self.copier, layer, args, kwargs)
        x = self.copier.call(layer, args, kwargs, activation="linear")
        x = self._new(layer, "bn", partial(_normalization, momentum=self.momentum))(x)
        function = layer.activation
        if function is keras.activations.linear:
            return x
        return self._new(layer, function.__name__, partial(_activation, function))(x)

    def _pooled(self, layer, x):
        def make(name):
            return MaxPooling2DWithIndices(name=name)

        x, _ = self.copier.new(layer.name, make, key=layer)(x)
        if self.drop is None:
            return x
        return self.drop(x, self.poolings.index(layer) + 1, len(self.poolings))

    def _new(self, layer, word, make):
        """The layer that follows the copy of a convolution."""
        key = self.keys.setdefault((layer.name, word), object())  # kept, since Copier goes by id
        return self.copier.new(f"{layer.name}_{word}", make, key=key)


def _normalization(name, momentum=None):
    options = {} if momentum is None else {"momentum": momentum}
    shift = keras.initializers.Constant(SHIFT)
    return L.BatchNormalization(beta_initializer=shift, name=name, **options)


def _activation(function, name):
    if function is keras.activations.relu:
        return L.ReLU(name=name)
    return L.Activation(function, name=name)


def hidden_layers(spec):
    """The `Hidden` layers of a resolved classifier."""
    top = top_of(spec.classifier)
    dense = [layer for layer in top.layers if isinstance(layer, L.Dense)][:-1]
    if not dense or not top.flattens:
        windows = ((spec.window, spec.window), *((1, 1),) * len(spec.head))
        return tuple(map(Hidden, spec.head, windows))
    found = []
    for layer in dense:
        window = (1, 1) if found else top.window
        kernel, *bias = layer.get_weights()
        kernel = kernel.reshape(*window, -1, layer.units)
        weights = (kernel, *(bias or [np.zeros(layer.units, "float32")]))
        found.append(Hidden(layer.units, window, weights))
    return tuple(found)


def halving_poolings(classifier, called, net):
    """The max poolings of a classifier in their order; ValueError if it has other strides."""
    found, gathering = trace(classifier)[0], top_of(classifier).gathering
    poolings = []
    for traced in found:
        layer = traced.operation
        if layer is gathering:
            break
        if not traced.parents:
            continue
        before = {grid.stride for parent in traced.parents for grid in parent.grids}
        if _halves(layer):
            poolings.append(layer)
        elif {grid.stride for grid in traced.grids} != before:
            raise ValueError(
                f"{net} needs a classifier whose only strides are max poolings of 2x2 cells at "
                f"stride 2, such as vgg16, vgg19 and vgg_slim; in {called!r} the layer "
                f"{layer.name!r} ({type(layer).__name__}) {_described(layer)}."
            )
    if not poolings:
        raise ValueError(
            f"{net} needs a classifier with max poolings of 2x2 cells at stride 2, such as vgg16, "
            f"vgg19 and vgg_slim; {called!r} has none."
        )
    return poolings


def _halves(layer):
    """Whether a layer is a max pooling of window 2x2 and stride 2."""
    if isinstance(layer, CeilPooling2D):
        plain = layer.mode == "max" and layer.padding == (0, 0)
    else:
        plain = isinstance(layer, L.MaxPooling2D)
    return plain and tuple(layer.pool_size) == tuple(layer.strides) == (2, 2)


def _described(layer):
    window = getattr(layer, "pool_size", None) or getattr(layer, "kernel_size", None)
    words = "" if window is None else f" with a window of {'x'.join(map(str, window))}"
    strides = getattr(layer, "strides", None)
    return "has another stride" if strides is None else f"has stride {strides[0]}{words}"


def _normalized(classifier):
    """The convolutions that BatchNormalization follows, at once or behind their pooling."""
    found = []
    for traced in trace(classifier)[0]:
        if not isinstance(traced.operation, L.Conv2D):
            continue
        behind = traced
        while len(behind.children) == 1:
            (behind,) = behind.children
            if not isinstance(behind.operation, _BETWEEN):
                break
        if isinstance(behind.operation, L.BatchNormalization):
            found.append(traced.operation)
    return found


def _blocks(image, begin, deepest, count, called, net):
    """The `Block`s of the finished encoder, which has `count` poolings."""
    size = tuple(n or 2 ** (count + 1) + 1 for n in image.shape[1:3])
    found, (output,) = trace(keras.Model(image, deepest), size)
    through = on_every_path(found, output)
    blocks, given, convolutions = [], begin, []
    for place, traced in enumerate(found):
        layer = traced.operation
        if isinstance(layer, L.Conv2D) and traced in through:
            convolutions.append((layer.kernel_size, traced.parents[0].shape[-1]))
        if not isinstance(layer, MaxPooling2DWithIndices) or traced.place:
            continue
        (pooled,), indices = traced.parents, found[place + 1].tensor
        if traced not in through:
            raise ValueError(
                f"{net} needs poolings that every path to the deepest map passes; {layer.name!r} "
                f"of {called!r} is in one of several branches."
            )
        _check_size(pooled, size, layer, called, net)
        size = tuple(-(-n // 2) for n in size)
        number = len(blocks) + 1
        blocks.append(Block(number, given, tuple(convolutions), pooled.tensor, indices))
        given, convolutions = traced.tensor, []
    if convolutions:
        _check_size(output, size, output.operation, called, net)
        blocks.append(Block(len(blocks) + 1, given, tuple(convolutions), deepest, None))
    return tuple(blocks)


def _check_size(pooled, size, layer, called, net):
    if tuple(pooled.shape[1:3]) != size:
        raise ValueError(
            f"{net} needs padded convolutions, so that maps keep their size from one pooling to "
            f"the next; {layer.name!r} of {called!r} gets {pooled.shape[1]} rows where "
            f"{size[0]} are expected."
        )
