"""A classifier cast into the dense trunk of a segmenter: its deepest features and its taps."""

from dataclasses import dataclass

import keras

from fcn_keras.geometry.field import trace
from fcn_keras.geometry.graph import walk
from fcn_keras.geometry.taps import STRIDES, traced_taps
from fcn_keras.layers import LeanHeNormal, PadToMultiple, WindowConv2D
from fcn_keras.surgery import Copier, Top, find_top
from fcn_keras.surgery.casting import FlatMap, cast
from fcn_keras.surgery.convolutionalize import copy_open
from fcn_keras.surgery.copying import with_batch_norm_momentum

L = keras.layers
CAFFE_PAD = 100
MERGES = (L.Add, L.Subtract, L.Multiply, L.Average, L.Maximum, L.Minimum, L.Concatenate)


@dataclass(frozen=True)
class Tap:
    """A map of the trunk: the tensor, its stride, and the centre of its first cell in pixels."""

    tensor: keras.KerasTensor
    stride: int
    offset: tuple


@dataclass(frozen=True)
class Trunk:
    """A dense trunk.

    Attributes:
        deepest: The features that are scored first, as a `Tap`.
        finer: `Tap`s of smaller stride, coarsest first.
        nested: Whether a map of half the stride has exactly twice the cells. Unpadded
            convolutions (Inception, Xception, NASNet) cost some.
    """

    deepest: Tap
    finer: tuple[Tap, ...]
    nested: bool = True

    def down_to(self, stride):
        """The finer taps from the coarsest to `stride`."""
        return [tap for tap in self.finer if tap.stride >= stride]


def dense_trunk(image, source, *, alignment, head_filters, dropout, batch_norm_momentum):
    """Casts `source.classifier` onto `image`.

    Args:
        image: KerasTensor (batch, H, W, C), pixel values 0-255.
        source: A `Source`.
        alignment: "same" or "caffe".
        head_filters: None for the classifier's own head, 0 for none, else filters of a new one.
        dropout: Rate behind each hidden layer of the head; None for the classifier's own.
        batch_norm_momentum: Momentum of the copied BatchNormalization layers; None keeps theirs.

    Returns:
        A `Trunk`.

    Raises:
        ValueError: if the classifier cannot be cast, or `alignment` does not exist for it.
    """
    classifier, top = source.classifier, _top(source.classifier)
    has_fc6 = bool(source.head) or (top.gathering is not None and top.flattens)
    if alignment == "caffe" and not has_fc6:
        raise ValueError(
            f"alignment='caffe' is that of the published nets and needs a classifier with an fc6 "
            f"(vgg16, vgg19, vgg_slim, or one that flattens its map); {classifier.name!r} has "
            "none. Use alignment='same'."
        )
    x = image if source.preprocess is None else source.preprocess(image)
    x = _padded(x, classifier, top, source.smallest, alignment)
    changes = [with_batch_norm_momentum(batch_norm_momentum)]
    if alignment == "caffe":
        changes.append(_as_caffe(classifier))
    copier = Copier(*changes, taken=("image", "preprocess"))
    features = _features(classifier, top, x, copier)
    finer = _taps(image, features)
    head = _Head(copier, top, alignment, source.dropout if dropout is None else dropout)
    window = top.window if top.gathering is not None and top.flattens else source.window
    deepest = _tap(image, head.apply(features, head_filters, source.head, window))
    taps = (deepest, *(tap for tap in finer if tap.stride < deepest.stride))
    nested = _nested(image, taps)
    if not nested:  # some map is of a size that its stride does not divide
        side = 8 * deepest.stride
        size = tuple(n or side for n in image.shape[1:3])
        taps = [_tap(image, tap.tensor, size) for tap in taps]
    return Trunk(taps[0], tuple(taps[1:]), nested)


def _top(classifier):
    """The classifier's `Top`; for a net built without one, its output and no gathering layer."""
    if len(classifier.output_shape) == 4:
        return Top(classifier.outputs[0], None, ())
    return find_top(classifier)


def _padded(x, classifier, top, smallest, alignment):
    if alignment == "caffe":
        return L.ZeroPadding2D(CAFFE_PAD, name="pad100")(x)
    strides = [
        t.grids[0].stride
        for t in trace(classifier)[0]
        if not t.grids[0].collapsed and t.grids[0].stride.denominator == 1
    ]
    return PadToMultiple(int(max(strides)), smallest, name="pad")(x)


def _as_caffe(classifier):
    """A `change` for `Copier`: the first convolution has no padding beside the 100 pixels, and
    pooling rounds up, which for windows as large as their stride is SAME padding.
    """
    first = next(t.operation for t in trace(classifier)[0] if isinstance(t.operation, L.Conv2D))

    def change(layer, config):
        if layer is first:
            config["padding"] = "valid"
        elif isinstance(layer, (L.Conv2D, L.DepthwiseConv2D)) and layer.padding == "valid":
            if set(layer.kernel_size) != {1}:
                raise ValueError(
                    f"The convolution {layer.name!r} of {classifier.name!r} is not padded; "
                    "alignment='caffe' takes the 100 pixels in front of the net for granted, and "
                    "padded convolutions behind the first, as VGG has. Use alignment='same'."
                )
        if isinstance(layer, (L.MaxPooling2D, L.AveragePooling2D)):
            if tuple(config["pool_size"]) != tuple(config["strides"]):
                raise ValueError(
                    f"The pooling {layer.name!r} has windows of {config['pool_size']} at stride "
                    f"{config['strides']}; alignment='caffe' rounds up only where they are equal."
                )
            config["padding"] = "same"
        return config

    return change


def _features(classifier, top, x, copier):
    """Walks the classifier on `x` up to the map that its top gathers."""
    found = []

    def call(node, args, kwargs):
        if any(value is None for value in keras.tree.flatten(args)):
            return [None] * len(node.outputs)
        if node.operation is top.gathering:
            found.append(args[0])
            return None
        return copy_open(copier, node.operation, args, kwargs)

    outputs = walk(classifier, [x], call)
    return found[0] if found else outputs[0]


class _Head:
    """What stands between the last map and its scores: fc6 and fc7, new or transplanted."""

    def __init__(self, copier, top, alignment, dropout):
        self.copier = copier
        self.top = top
        self.padding = "same" if alignment == "same" else "valid"
        self.dropout = dropout
        self.count = 0

    def apply(self, features, head_filters, registered, window):
        """The deepest features behind the head.

        Args:
            features: The classifier's last map.
            head_filters: None for the classifier's own head, 0 for none, or filters of a new one.
            registered: Filters of the registered classifier's fc6 and fc7, or ().
            window: Rows and columns of fc6.
        """
        flattens = self.top.gathering is not None and self.top.flattens
        if head_filters is None:
            if flattens:
                return self._transplanted(features)
            return self._fully_connected(features, registered, window)
        if head_filters == 0:
            return features
        if flattens or registered:
            return self._fully_connected(features, (head_filters, head_filters), window)
        return self._new(features, "head", 3, head_filters)

    def _fully_connected(self, x, filters, window):
        for number, count in enumerate(filters):
            x = self._new(x, f"fc{6 + number}", 1 if number else window, count)
        return x

    def _transplanted(self, features):
        """The hidden layers of a Flatten -> Dense -> ... -> Dense top, as convolutions."""
        dense = [i for i, layer in enumerate(self.top.layers) if isinstance(layer, L.Dense)]
        if not dense:
            return features
        merge = next((layer for layer in self.top.layers if isinstance(layer, MERGES)), None)
        if merge is not None:
            raise ValueError(
                f"The classifier's head branches and meets in layer {merge.name!r}, so it is no "
                "chain of fc6, fc7, ... to keep. Pass head_filters=0 for no head, or a number for "
                "a new one."
            )
        x = FlatMap(features, self.top.window)
        for layer in self.top.layers[: dense[-1]]:
            if isinstance(layer, L.Dropout):
                continue
            if isinstance(layer, L.Dense):
                if self.count:
                    x = self._dropped(x)
                self.count += 1
                name = f"fc{5 + self.count}"
                x = cast(layer, (x,), {}, self.copier, padding=self.padding, name=name)
            else:
                x = cast(layer, (x,), {}, self.copier)
        if isinstance(x, FlatMap):
            return features
        return self._dropped(x)

    def _new(self, x, name, window, filters):
        x = WindowConv2D(
            filters,
            window,
            padding=self.padding,
            activation="relu",
            kernel_initializer=LeanHeNormal(),
            name=name,
        )(x)
        self.count += 1
        return self._dropped(x)

    def _dropped(self, x):
        if not self.dropout:
            return x
        return L.Dropout(self.dropout, name=f"drop{5 + self.count}")(x)


def _tap(image, tensor, size=None):
    fields = trace(keras.Model(image, tensor), size)[1][0].fields
    if len(set(fields.stride)) != 1:
        raise ValueError(
            f"The classifier's stride differs by axis: {fields.stride} (rows, columns)."
        )
    return Tap(tensor, fields.stride[0], fields.offset)


def _taps(image, features):
    found = traced_taps(keras.Model(image, features))
    return [
        Tap(found[stride].tensor, stride, found[stride].fields.offset)
        for stride in reversed(STRIDES)
        if stride in found
    ]


def _nested(image, taps):
    """Whether each map has, at a size that the strides divide, exactly size / stride cells."""
    side = 8 * taps[0].stride
    rows, columns = (n or side for n in image.shape[1:3])
    padded = [-(-n // taps[0].stride) * taps[0].stride for n in (rows, columns)]
    for tap in taps:
        shape = keras.Model(image, tap.tensor).compute_output_shape(
            (1, rows, columns, image.shape[-1])
        )
        if tuple(shape[1:3]) != tuple(n // tap.stride for n in padded):
            return False
    return True
