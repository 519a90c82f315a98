"""Backbones: a classifier cast into a dense trunk, with its deepest features and its taps."""

import gc
from dataclasses import dataclass, replace
from functools import partial

import keras

from fcn_keras import classifiers
from fcn_keras.geometry.field import trace
from fcn_keras.geometry.graph import walk
from fcn_keras.geometry.taps import STRIDES, traced_taps
from fcn_keras.models.alignment import Tap
from fcn_keras.models.head import Head
from fcn_keras.models.inputs import preprocessed, preprocessing_layer, scales
from fcn_keras.surgery import widen_input
from fcn_keras.surgery.convolutionalize import copy_open
from fcn_keras.surgery.copying import Copier, with_batch_norm_momentum
from fcn_keras.surgery.dilate import rarefied
from fcn_keras.surgery.top import Top, find_top, one_image

L = keras.layers


@dataclass(frozen=True)
class BackboneSpec:
    """A classifier ready to become a backbone.

    Attributes:
        classifier: Functional Keras classifier, with its top where its head has weights to keep.
        preprocess: Layer that scales RGB 0-255 as the classifier expects it, or None.
        smallest: Smallest height and width it takes.
        dropout: Dropout rate after the hidden layers of its head.
        head: Filters of fc6 and fc7, to be made anew if the classifier has no top; else ().
        window: Rows and columns of fc6.
        average_window: Rows and columns of the average pooling in front of the scores that
            alignment="caffe" keeps as a window; 0: none.
        grey: Whether the image has one channel, which is repeated for the classifier.
    """

    classifier: keras.Model
    preprocess: keras.layers.Layer | None
    smallest: int
    dropout: float
    head: tuple[int, ...] = ()
    window: int = 7
    average_window: int = 0
    grey: bool = False


@dataclass(frozen=True)
class Backbone:
    """A dense trunk.

    Attributes:
        deepest: The features that a net begins with, as a `Tap`.
        finer: `Tap`s of smaller stride, coarsest first.
        nested: Whether a map of half the stride has exactly twice the cells. Unpadded
            convolutions (Inception, Xception, NASNet) cost some.
    """

    deepest: Tap
    finer: tuple[Tap, ...]
    nested: bool = True

    @property
    def strides(self):
        """The strides of all its maps, ascending."""
        return sorted(tap.stride for tap in (self.deepest, *self.finer))

    def down_to(self, stride):
        """Returns the finer taps from the coarsest to `stride`."""
        return [tap for tap in self.finer if tap.stride >= stride]


def load_backbone(
    stream,
    classifier,
    weights,
    alignment,
    *,
    head_filters=None,
    dropout=None,
    batch_norm_momentum=None,
    output_stride=None,
    before_pooling=False,
    depth=None,
    all_stages=False,
):
    """Returns the backbone over one input of a net.

    Args:
        stream: The input, a `Stream`.
        classifier: A registered name, or a functional Keras classifier, which is copied.
        weights: None, "imagenet", "auto" or the path of a weights file; ignored for a model.
        alignment: `SameAlignment`, `CaffeAlignment` or `TorchAlignment`, the class.
        head_filters: None for the classifier's own head, 0 for none, else filters of a new one.
        dropout: Dropout rate after each hidden layer of the head; None for the classifier's own.
        batch_norm_momentum: Momentum of the copied BatchNormalization layers; None keeps theirs.
        output_stride: Stride of the deepest features; strides beyond it are removed and the later
            kernels dilated. None leaves the classifier's.
        before_pooling: As `fcn_keras.geometry.taps.traced_taps`.
        depth: Strides of the classifier that are used: 3 ends at stride 8. None for all. The
            classifier's head goes with what is left out.
        all_stages: Whether maps of strides that `output_stride` removed are taps all the same.

    Returns:
        A `Backbone`.

    Raises:
        ValueError: for an unknown name, preprocessing or weights that do not fit, a classifier
            that cannot be cast, or an alignment that it does not have.
        FileNotFoundError: for weights that are not there and cannot be downloaded.
    """
    spec = resolve(classifier, weights, stream, keep_head=head_filters is None)
    if depth is not None:
        spec = replace(spec, classifier=_shortened(spec.classifier, depth, before_pooling))
    top = top_of(spec.classifier)
    flattens = top.gathering is not None and top.flattens
    alignment.check_classifier(spec.classifier, spec.head or flattens or spec.average_window)
    x = preprocessed(stream, spec.preprocess, spec.grey)
    x = alignment.padded(x, spec.classifier, spec.smallest, stream.suffix)
    taken = {stream.image.name, *(layer.name for layer in keras.Model(stream.image, x).layers)}
    changes = [with_batch_norm_momentum(batch_norm_momentum)]
    changes += alignment.changes(spec.classifier)
    copier = Copier(*changes, taken=taken, suffix=stream.suffix)
    features = features_of(spec.classifier, x, partial(copy_open, copier))
    if alignment.head_padding == "valid" and spec.average_window:
        pool = L.AveragePooling2D(spec.average_window, strides=1, name=f"pool5{stream.suffix}")
        features = pool(features)
    rate = spec.dropout if dropout is None else dropout
    head = Head(copier, top, alignment.head_padding, rate, stream.suffix)
    window = top.window if flattens else spec.window
    deepest = head.apply(features, head_filters, spec.head, window)
    stages = ()
    if output_stride is not None:
        if all_stages:
            stages = [tap.tensor for tap in _taps(stream.image, deepest, before_pooling)]
        name = spec.classifier.name
        deepest, *stages = _finer(stream.image, (deepest, *stages), output_stride, name)
    del spec, top, head, copier
    gc.collect()  # the classifier's weights were copied; a graph's cycles would keep them
    return _tapped(stream.image, deepest, before_pooling, stages)


def resolve(classifier, weights, stream, keep_head):
    """Returns the `BackboneSpec` for a registered name or a model of the user's.

    Args:
        classifier: A registered name, or a functional Keras classifier.
        weights: None, "imagenet", "auto" or the path of a weights file; ignored for a model.
        stream: The input, a `Stream`.
        keep_head: Whether the weights of a registered classifier's fc6 and fc7 are wanted.

    Raises:
        ValueError, FileNotFoundError: as `load_backbone`.
    """
    if isinstance(classifier, keras.Model):
        return _own(classifier, stream)
    row, channels, how = classifiers.get(classifier), stream.channels, stream.preprocess
    refused = weights == "imagenet" and row.imagenet_or_error
    if weights in ("imagenet", "auto") and not row.imagenet and not refused:
        if weights == "imagenet":
            print(f"note: {row.name} has no ImageNet weights; it starts from random ones.")
        weights = None
    pretrained = weights in ("imagenet", "auto")
    if pretrained and channels == 2:
        raise ValueError(
            "ImageNet weights take one channel (grey), three (RGB) or more (RGB and others), but "
            "input_shape has 2. Pass weights=None."
        )
    grey = pretrained and channels == 1
    with_top = bool(keep_head and row.head and weights is not None)
    weights = "imagenet" if pretrained else weights
    model = row.load(weights, 3 if pretrained else channels, with_top)
    if how is None:
        how = _registered_preprocessing(row, model, 3 if grey else channels)
    if pretrained and channels > 3:
        model = widen_input(model, channels)
    return BackboneSpec(
        model,
        preprocessing_layer(how, stream.suffix),
        row.smallest,
        row.dropout,
        row.head,
        row.window,
        row.average_window,
        grey,
    )


def _own(classifier, stream):
    """The `BackboneSpec` of a user's model."""
    one_image(classifier)
    taken, channels = classifier.inputs[0].shape[-1], stream.channels
    grey = channels == 1 and taken == 3
    if taken != channels and not grey:
        raise ValueError(
            f"{classifier.name!r} takes {taken} channels, but input_shape has {channels}. "
            f"fcn_keras.surgery.widen_input(classifier, {channels}) makes one that fits."
        )
    if stream.preprocess is None and not scales(classifier):
        print(
            f"note: {classifier.name} has no Rescaling or Normalization layer, and the net feeds "
            "it RGB values of 0-255. If it was trained on other values, pass preprocess='tf', "
            "'caffe', 'torch' or a layer."
        )
    smallest = max((n for n in classifier.inputs[0].shape[1:3] if n), default=1)
    layer = preprocessing_layer(stream.preprocess, stream.suffix)
    return BackboneSpec(classifier, layer, min(smallest, 32), 0.5, grey=grey)


def _registered_preprocessing(row, model, channels):
    if row.preprocess is None:
        return None if scales(model) else "tf"
    return row.preprocess if channels >= 3 else "tf"


def top_of(classifier):
    """Returns the classifier's `Top`; of a net without one, its output and no gathering layer."""
    if len(classifier.output_shape) == 4:
        return Top(classifier.outputs[0], None, ())
    return find_top(classifier)


def features_of(classifier, x, copy):
    """Returns the map that the classifier's top gathers, computed anew on an image.

    Args:
        classifier: A functional Keras classifier.
        x: KerasTensor, the image after preprocessing.
        copy: `copy(layer, args, kwargs)` calls what stands for a layer of the classifier.
    """
    gathering, found = top_of(classifier).gathering, []

    def call(node, args, kwargs):
        if any(value is None for value in keras.tree.flatten(args)):
            return [None] * len(node.outputs)
        if node.operation is gathering:
            found.append(args[0])
            return None
        return copy(node.operation, args, kwargs)

    outputs = walk(classifier, [x], call)
    return found[0] if found else outputs[0]


def _shortened(classifier, depth, before_pooling):
    """A classifier that ends with its map of stride 2**depth."""
    found = traced_taps(classifier, before_pooling)
    if 2**depth not in found:
        depths = ", ".join(str(stride.bit_length() - 1) for stride in found)
        raise ValueError(
            f"{classifier.name!r} has no map of stride {2**depth}, as encoder_depth={depth} asks "
            f"for. Its maps have the strides {', '.join(map(str, found))}: encoder_depth {depths}."
        )
    return keras.Model(classifier.inputs, found[2**depth].tensor, name=classifier.name)


def _finer(image, maps, output_stride, name):
    """The maps, the first at `output_stride`."""
    try:
        return rarefied(keras.Model(image, list(maps), name=name), [image], output_stride)
    except ValueError as error:
        raise ValueError(f"`output_stride`: {error}") from error


def _tapped(image, deepest, before_pooling, stages=()):
    """The `Backbone` that ends in the tensor `deepest`; its taps are `stages` where there are."""
    deepest = tap_of(image, deepest)
    if stages:
        taps = [tap_of(image, tensor) for tensor in stages if tensor is not deepest.tensor]
        finer = sorted(taps, key=lambda tap: -tap.stride)
    else:
        taps = _taps(image, deepest.tensor, before_pooling)
        finer = [tap for tap in taps if tap.stride < deepest.stride]
    taps = (deepest, *finer)
    nested = _nested(image, taps)
    if not nested:  # some map is of a size that its stride does not divide
        side = 8 * deepest.stride
        size = tuple(n or side for n in image.shape[1:3])
        taps = [tap_of(image, tap.tensor, size) for tap in taps]
    return Backbone(taps[0], tuple(taps[1:]), nested)


def tap_of(image, tensor, size=None):
    """Returns the `Tap` of a tensor over an image, both KerasTensors.

    Args:
        image: The Input of the net.
        tensor: Any map of it.
        size: (H, W) of the images for which its place is computed. Default: any.

    Raises:
        ValueError: for a map whose stride differs between rows and columns.
    """
    fields = trace(keras.Model(image, tensor), size)[1][0].fields
    if len(set(fields.stride)) != 1:
        raise ValueError(
            f"The classifier's stride differs by axis: {fields.stride} (rows, columns)."
        )
    return Tap(tensor, fields.stride[0], fields.offset)


def _taps(image, features, before_pooling):
    found = traced_taps(keras.Model(image, features), before_pooling)
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
