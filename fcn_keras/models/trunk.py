"""A classifier cast into the dense trunk of a segmenter: its deepest features and its taps."""

from dataclasses import dataclass

import keras

from fcn_keras.geometry.field import trace
from fcn_keras.geometry.graph import walk
from fcn_keras.geometry.taps import STRIDES, traced_taps
from fcn_keras.layers import PadToMultiple
from fcn_keras.models.head import Head
from fcn_keras.surgery import Copier, Top, find_top
from fcn_keras.surgery.convolutionalize import copy_open
from fcn_keras.surgery.copying import with_batch_norm_momentum
from fcn_keras.surgery.dilate import rarefied

L = keras.layers
CAFFE_PAD = 100


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


def dense_trunk(
    image,
    source,
    *,
    alignment,
    head_filters,
    dropout,
    batch_norm_momentum,
    output_stride=None,
    suffix="",
):
    """Casts `source.classifier` onto `image`.

    Args:
        image: KerasTensor (batch, H, W, C), pixel values 0-255.
        source: A `Source`.
        alignment: "same" or "caffe".
        head_filters: None for the classifier's own head, 0 for none, else filters of a new one.
        dropout: Rate behind each hidden layer of the head; None for the classifier's own.
        batch_norm_momentum: Momentum of the copied BatchNormalization layers; None keeps theirs.
        output_stride: Stride of the deepest features; strides beyond it are removed and the later
            kernels dilated. None leaves the classifier's.
        suffix: Behind the name of every layer.

    Returns:
        A `Trunk`.

    Raises:
        ValueError: if the classifier cannot be cast, or `alignment` does not exist for it.
    """
    classifier, top = source.classifier, _top(source.classifier)
    if alignment == "caffe":
        _check_caffe(source, top)
    x = L.Concatenate(name=f"grey{suffix}")([image] * 3) if source.grey else image
    x = x if source.preprocess is None else source.preprocess(x)
    x = _padded(x, classifier, top, source.smallest, alignment, suffix)
    changes = [with_batch_norm_momentum(batch_norm_momentum)]
    if alignment == "caffe":
        changes.append(_as_caffe(classifier))
    taken = {image.name, *(layer.name for layer in keras.Model(image, x).layers)}
    copier = Copier(*changes, taken=taken, suffix=suffix)
    features = _features(classifier, top, x, copier)
    if alignment == "caffe" and source.average_window:
        window = source.average_window
        features = L.AveragePooling2D(window, strides=1, name=f"pool5{suffix}")(features)
    head = Head(copier, top, alignment, source.dropout if dropout is None else dropout, suffix)
    window = top.window if top.gathering is not None and top.flattens else source.window
    deepest = head.apply(features, head_filters, source.head, window)
    if output_stride is not None:
        net = keras.Model(image, deepest, name=classifier.name)
        try:
            (deepest,) = rarefied(net, [image], output_stride)
        except ValueError as error:
            raise ValueError(f"`output_stride`: {error}") from error
    return _trunk(image, deepest)


def _trunk(image, deepest):
    deepest = _tap(image, deepest)
    finer = [tap for tap in _taps(image, deepest.tensor) if tap.stride < deepest.stride]
    taps = (deepest, *finer)
    nested = _nested(image, taps)
    if not nested:  # some map is of a size that its stride does not divide
        side = 8 * deepest.stride
        size = tuple(n or side for n in image.shape[1:3])
        taps = [_tap(image, tap.tensor, size) for tap in taps]
    return Trunk(taps[0], tuple(taps[1:]), nested)


def _check_caffe(source, top):
    has_fc6 = bool(source.head) or (top.gathering is not None and top.flattens)
    if not has_fc6 and not source.average_window:
        raise ValueError(
            f"alignment='caffe' is that of the published nets and needs a classifier with an fc6 "
            f"(vgg16, vgg19, vgg_slim, alexnet, or one that flattens its map) or googlenet; "
            f"{source.classifier.name!r} has none. Use alignment='same'."
        )


def _top(classifier):
    """The classifier's `Top`; for a net built without one, its output and no gathering layer."""
    if len(classifier.output_shape) == 4:
        return Top(classifier.outputs[0], None, ())
    return find_top(classifier)


def _padded(x, classifier, top, smallest, alignment, suffix):
    if alignment == "caffe":
        return L.ZeroPadding2D(CAFFE_PAD, name=f"pad100{suffix}")(x)
    strides = [
        t.grids[0].stride
        for t in trace(classifier)[0]
        if not t.grids[0].collapsed and t.grids[0].stride.denominator == 1
    ]
    return PadToMultiple(int(max(strides)), smallest, name=f"pad{suffix}")(x)


def _as_caffe(classifier):
    """A `change` for `Copier`: the first convolution has no padding beside the 100 pixels, and
    pooling rounds up, which for windows as large as their stride is SAME padding.
    """
    layers = [traced.operation for traced in trace(classifier)[0]]
    first = next(layer for layer in layers if isinstance(layer, L.Conv2D))
    before_first = layers[: layers.index(first)]

    def change(layer, config):
        if layer is first:
            config["padding"] = "valid"
        elif isinstance(layer, L.ZeroPadding2D) and layer in before_first:
            config["padding"] = 0
        elif isinstance(layer, (L.Conv2D, L.DepthwiseConv2D)) and layer.padding == "valid":
            if set(layer.kernel_size) != {1}:
                raise ValueError(
                    f"The convolution {layer.name!r} of {classifier.name!r} is not padded; "
                    "alignment='caffe' takes the 100 pixels in front of the net for granted, and "
                    "padded convolutions behind the first, as VGG has. Use alignment='same'."
                )
        if isinstance(layer, (L.MaxPooling2D, L.AveragePooling2D)) and set(layer.strides) != {1}:
            if tuple(config["pool_size"]) != tuple(config["strides"]):
                raise ValueError(
                    f"The pooling {layer.name!r} has windows of {config['pool_size']} at stride "
                    f"{config['strides']}; alignment='caffe' rounds up only where they are equal. "
                    "fcn_keras.layers.CeilPooling2D rounds up for any window."
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
