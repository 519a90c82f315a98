"""build: a published net with the weights of its .caffemodel."""

import math
import warnings

import numpy as np

from fcn_keras import models
from fcn_keras.data_format import channels_last
from fcn_keras.labels import LabelSet
from fcn_keras.layers import Preprocess
from fcn_keras.published import nets, weights
from fcn_keras.published.caffemodel import CaffeModel
from fcn_keras.published.wire import CaffeModelError

_BUILDERS = {32: models.fcn32s, 16: models.fcn16s, 8: models.fcn8s}


@channels_last()
def build(name, path):
    """Returns a published net with the weights of its .caffemodel.

    Every layer is looked up in the file, and every shape is compared, before any weight is copied.
    Bilinear upsampling filters, as in all published files, become this package's fixed upsampling;
    other filters are kept, in transposed convolutions.

    Args:
        name: A name of `fcn_keras.published.names()`, or a `Net` (for example a published one with
            another classifier, made by `dataclasses.replace`).
        path: The .caffemodel file.

    Returns:
        A functional `keras.Model` in alignment "caffe": input float32 (batch, H, W, 3), RGB 0-255,
        any H and W; output float32 logits (batch, H, W, classes), equal to Caffe's `score` within
        rounding. The SIFT Flow nets return {"semantic": logits, "geometric": logits}.
        nyud-fcn32s-color-hha takes {"color": RGB, "hha": HHA}; nyud-fcn32s-hha takes HHA images,
        0-255, with the channels in the order of the file; nyud-fcn32s-color-d takes R, G, B, log
        depth. The model has the class names (`fcn_keras.labels_of`).

    Raises:
        ValueError: for an unknown name.
        FileNotFoundError: if there is no such file.
        CaffeModelError: for a file that is damaged, lacks a layer, or holds another net; the
            message names the layer, what was expected, and the published net that fits.

    Example:

    ```python
    import os

    for name in ("voc-fcn32s", "voc-fcn8s"):
        file = fcn_keras.published.get(name).file
        if os.path.exists(file):
            fcn_keras.published.build(name, file).save(f"{name}.keras")
    ```

    Source: Long et al. (2015), Shelhamer et al. (2016).
    """
    net = nets.get(name) if isinstance(name, str) else name
    with CaffeModel(path) as file:
        return build_from(net, file, [nets.get(name) for name in nets.names()])


def build_from(net, file, table):
    """Returns a net with the weights of an open file.

    Args:
        net: A `Net`.
        file: A `CaffeModel`, or what else has a `path` and `layers` of `Blob`s in Caffe's shapes.
        table: The `Net`s that the file may hold instead, for messages.

    Raises:
        CaffeModelError: as `build`.
    """
    try:
        return _build(net, file, table)
    except CaffeModelError as error:
        hint = _looks_like(file, net, table)
        raise CaffeModelError(f"{file.path}: {error}{hint}") from None


def _build(net, file, table):
    _check_layers(net, file, table)
    classes = _classes(net, file)
    upsampling = _upsampling(net, file)
    model = _BUILDERS[net.stride](
        classes,
        net.classifier,
        weights=None,
        input_shape=_per_stream({s: (None, None, n) for s, n in net.channels.items()}),
        alignment="caffe",
        preprocess=_per_stream({stream: _preprocess(net, stream) for stream in net.means}),
        skip_scales=_scales(net, file),
        learn_upsampling=upsampling,
        labels=_labels(net, classes),
        name=net.name.replace("-", "_"),
    )
    caffe = {**net.layers, **{ours: row[0] for ours, row in net.upsamplings.items()}}
    wanted = [
        (name, weights.forms(model.get_layer(ours)), file.layers[name])
        for ours, name in caffe.items()
        if model.get_layer(ours).weights
    ]
    for name, forms, blobs in wanted:
        weights.check(name, forms, blobs, net.name)
    for ours, (name, *_) in net.upsamplings.items():
        count = model.get_layer(ours).output.shape[-1]
        _check_classes(net, name, file.layers[name][0].shape[0], count, file)
    for _, forms, blobs in wanted:
        for form, blob in zip(forms, blobs, strict=True):
            weights.fill(form, blob)
    return model


def _check_layers(net, file, table):
    missing = [name for name in net.caffe_names if name not in file.layers]
    if missing:
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise CaffeModelError(f"{net.name} needs a layer {missing[0]!r}{more}; the file has none.")
    unused = [name for name in file.layers if name not in net.caffe_names]
    if unused:
        hint = _looks_like(file, net, table)
        text = f"{net.name} has no layer {', '.join(map(repr, unused))}, but the file has."
        if hint:
            raise CaffeModelError(text)
        warnings.warn(f"{file.path}: {text} Left out.", stacklevel=4)


def _looks_like(file, net, table):
    """Returns a sentence that names the other published nets that the file fits, or ""."""
    found = [other.name for other in table if other.name != net.name and _fits(other, file)]
    if not found or _fits(net, file):
        return ""
    return f" This file looks like {' or '.join(found)}."


def _fits(net, file):
    """Returns whether the file has exactly the layers of the net, with its numbers of classes."""
    if set(net.caffe_names) != set(file.layers):
        return False
    given = {name: weights.filters(file.layers[name][0]) for name in net.outputs}
    return given in (net.outputs, _fewer(net))


def _fewer(net):
    return {name: n - 1 for name, n in net.outputs.items()} if net.without_background else None


def _classes(net, file):
    """Returns `num_classes` for the builder, as many as the file has."""
    for name, count in net.outputs.items():
        found = weights.filters(file.layers[name][0])
        if net.without_background and found == count - 1:
            return found
        _check_classes(net, name, found, count, file)
    return net.num_classes


def _check_classes(net, name, found, count, file):
    if found != count:
        shape = weights.shown([file.layers[name][0].shape])
        raise CaffeModelError(
            f"layer {name!r}: {net.name} has {count} classes, the file's filters are {shape}."
        )


def _labels(net, classes):
    if not net.without_background or classes == net.num_classes:
        return net.labels
    return LabelSet(net.labels.names[1:])


def _upsampling(net, file):
    """Returns `learn_upsampling` for the builder: which filters are not bilinear."""
    learned = False
    for name, factor, rows in net.upsamplings.values():
        blobs = file.layers[name]
        shape = blobs[0].shape
        if len(blobs) != 1 or len(shape) != 4 or shape[2:] != (rows, rows):
            raise CaffeModelError(
                f"layer {name!r}: {net.name} needs filters of {rows}x{rows} and no bias, the file "
                f"has {weights.shown([blob.shape for blob in blobs])}."
            )
        if not weights.is_bilinear(blobs[0].read(), factor):
            last = factor == net.stride
            learned = "all" if last else learned or True
    return learned


def _scales(net, file):
    """Returns `skip_scales` for the builder: for each skip a factor, or one for each channel."""
    found = []
    for name in net.scales:
        blobs = file.layers[name]
        score = file.layers[name.replace("scale", "score")][0]
        channels = math.prod(score.shape) // weights.filters(score)
        if len(blobs) != 1 or weights.squeezed(blobs[0].shape) != channels:
            raise CaffeModelError(
                f"layer {name!r}: {net.name} needs {channels} factors, the file has "
                f"{weights.shown([blob.shape for blob in blobs])}."
            )
        factors = blobs[0].read().ravel()
        same = bool(np.all(factors == factors[0]))
        found.append(float(factors[0]) if same else factors.tolist())
    return found or None


def _preprocess(net, stream):
    mode = "caffe" if stream in net.reversed else "mean"
    name = "preprocess" if stream is None else f"preprocess_{stream}"
    return Preprocess(mode, mean=net.means[stream], dtype="float32", name=name)


def _per_stream(values):
    """Returns the value of a single stream itself, those of several streams as a dict."""
    return values[None] if None in values else values
