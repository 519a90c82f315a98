"""From what the user names (a classifier, weights, preprocessing) to a Keras classifier."""

import inspect
import os
import re
from dataclasses import dataclass

import keras

from fcn_keras import classifiers
from fcn_keras.geometry.field import trace
from fcn_keras.layers import Preprocess
from fcn_keras.surgery import widen_input
from fcn_keras.surgery.top import one_image

_NAMED = ("tf", "caffe", "torch")


@dataclass(frozen=True)
class Source:
    """A classifier ready to be cast.

    Attributes:
        classifier: Functional Keras classifier, with its top where its head has weights to keep.
        preprocess: Layer that turns RGB 0-255 into what it expects, or None.
        smallest: Smallest height and width it takes.
        dropout: Rate behind the hidden layers of its head.
        head: Filters of fc6 and fc7, to be made anew if the classifier has no top; else ().
        window: Rows and columns of fc6.
        average_window: Rows and columns of the average pooling in front of the scores that
            alignment="caffe" keeps as a window; 0: none.
        grey: Whether the image has one channel that stands for all of the classifier's.
    """

    classifier: keras.Model
    preprocess: keras.layers.Layer | None
    smallest: int
    dropout: float
    head: tuple[int, ...] = ()
    window: int = 7
    average_window: int = 0
    grey: bool = False


def resolve(classifier, weights, channels, preprocess, keep_head, suffix=""):
    """The `Source` for a registered name or a model of the user's.

    Args:
        classifier: A registered name, or a functional Keras classifier.
        weights: None, "imagenet" or the path of a weights file; ignored for a model.
        channels: Channels of the image.
        preprocess: "tf", "caffe", "torch", a layer, or None for the registered one.
        keep_head: Whether the weights of a registered classifier's fc6 and fc7 are wanted.
        suffix: Behind the name of the preprocessing layer.

    Raises:
        ValueError: for an unknown name, preprocessing or weights that do not fit.
        FileNotFoundError: for weights that are not there and cannot be downloaded.
    """
    if isinstance(classifier, keras.Model):
        one_image(classifier)
        grey = channels == 1 and classifier.inputs[0].shape[-1] == 3
        if classifier.inputs[0].shape[-1] != channels and not grey:
            raise ValueError(
                f"{classifier.name!r} takes {classifier.inputs[0].shape[-1]} channels, but "
                f"input_shape has {channels}. fcn_keras.surgery.widen_input(classifier, "
                f"{channels}) makes one that fits."
            )
        if preprocess is None:
            _note_missing_scaling(classifier)
        smallest = max((n for n in classifier.inputs[0].shape[1:3] if n), default=1)
        layer = _preprocessing(preprocess, suffix)
        return Source(classifier, layer, min(smallest, 32), 0.5, grey=grey)
    row = classifiers.get(classifier)
    if weights == "imagenet" and not row.imagenet:
        print(f"note: {row.name} has no ImageNet weights; it starts from random ones.")
        weights = None
    pretrained, grey = weights == "imagenet", weights == "imagenet" and channels == 1
    if pretrained and channels == 2:
        raise ValueError(
            "ImageNet weights take one channel (grey), three (RGB) or more (RGB and others), but "
            "input_shape has 2. Pass weights=None."
        )
    with_top = bool(keep_head and row.head and weights is not None)
    model = _build(row, weights, 3 if pretrained else channels, with_top)
    if preprocess is None:
        preprocess = _registered_preprocessing(row, model, 3 if grey else channels)
    if pretrained and channels > 3:
        model = widen_input(model, channels)
    return Source(
        model,
        _preprocessing(preprocess, suffix),
        row.smallest,
        row.dropout,
        row.head,
        row.window,
        row.average_window,
        grey,
    )


def _registered_preprocessing(row, model, channels):
    if row.preprocess is None:
        return None if _scales(model) else "tf"
    return row.preprocess if channels >= 3 else "tf"


def _build(row, weights, channels, with_top):
    side = row.size if with_top else row.built_at
    options = {"include_top": with_top, "weights": weights, "input_shape": (side, side, channels)}
    if channels != 3 and "include_preprocessing" in inspect.signature(row.build).parameters:
        options["include_preprocessing"] = False  # its means are those of three colours
    if weights not in (None, "imagenet") and not os.path.exists(weights):
        raise FileNotFoundError(
            f"There is no weights file {str(weights)!r}. `weights` is None, 'imagenet' or the path "
            f"of a weights file of {row.name}."
        )
    try:
        return row.build(**options)
    except ValueError:
        raise
    except Exception as error:
        if weights != "imagenet":
            raise
        raise FileNotFoundError(_where_to_put(row, error)) from error


def _where_to_put(row, error):
    found = re.search(r"https?://\S+", str(error))
    url = found.group(0).rstrip(":;,.") if found else "(Keras named no address)"
    home = os.environ.get("KERAS_HOME") or os.path.expanduser(os.path.join("~", ".keras"))
    folder = os.path.join(home, "models")
    return (
        f"The ImageNet weights of {row.name} are not here and could not be downloaded. Keras "
        f"wanted {os.path.basename(url)} from {url}. Put that file into {folder}, or pass "
        "weights=None to start from random weights, or weights='path/to/file'."
    )


def _preprocessing(preprocess, suffix):
    if preprocess is None or isinstance(preprocess, keras.layers.Layer):
        return preprocess
    if preprocess in _NAMED:
        return Preprocess(preprocess, dtype="float32", name=f"preprocess{suffix}")
    raise ValueError(
        f"`preprocess` must be one of {', '.join(_NAMED)}, a Keras layer, or None, "
        f"got {preprocess!r}."
    )


def _scales(classifier):
    """Whether the classifier has a layer that scales its pixels."""
    scaling = (keras.layers.Rescaling, keras.layers.Normalization, Preprocess)
    return any(isinstance(t.operation, scaling) for t in trace(classifier)[0])


def _note_missing_scaling(classifier):
    if not _scales(classifier):
        print(
            f"note: {classifier.name} has no Rescaling or Normalization layer, and the FCN feeds "
            "it RGB values of 0-255. If it was trained on other values, pass preprocess='tf', "
            "'caffe', 'torch' or a layer."
        )
