"""The inputs of a net, each with a dense trunk of its own (late fusion)."""

import gc
from dataclasses import dataclass

import keras

from fcn_keras.models.outputs import named, suffix_of
from fcn_keras.models.request import inputs_wanted
from fcn_keras.models.source import resolve
from fcn_keras.models.trunk import Trunk, dense_trunk


@dataclass(frozen=True)
class Stream:
    """One input and what is made of it; `name` is None where it is the only one."""

    name: str | None
    image: keras.KerasTensor
    trunk: Trunk


def open_streams(input_shape, preprocess, classifier, weights, *, head_filters, **options):
    """A `Stream` for each input, in the order of `input_shape`.

    Args:
        input_shape: (H, W, channels), or {input: shape}.
        preprocess: What `resolve` takes, or {input: ...}.
        classifier: A registered name or a model; every stream has a copy of its own.
        weights: As `resolve` takes them.
        head_filters, options: As `dense_trunk` takes them.
    """
    streams = []
    for name, shape in inputs_wanted(input_shape, preprocess).items():
        keep_head = head_filters is None
        suffix, how = suffix_of(name), named(preprocess, name)
        source = resolve(classifier, weights, shape[-1], how, keep_head, suffix)
        image = keras.Input(shape, name=name or "image", dtype="float32")
        trunk = dense_trunk(image, source, head_filters=head_filters, suffix=suffix, **options)
        streams.append(Stream(name, image, trunk))
        del source
        gc.collect()  # the classifier's weights were copied; a graph's cycles would keep them
    return streams
