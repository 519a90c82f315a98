"""Shared parts of the classifiers that Keras does not have: default sizes and weights files."""

from pathlib import Path

import keras

from fcn_keras.checkpoints import read_checkpoint
from fcn_keras.checkpoints.errors import naming
from fcn_keras.checkpoints.filling import fill

TORCH = (".pth", ".pt", ".bin", ".safetensors")


def image_shape(name, size, include_top, weights, input_shape):
    """Returns the shape of a net's images: the given one, or (size, size, 3) with top, or open.

    Raises:
        ValueError: for weights="imagenet", which no such net has.
    """
    if weights == "imagenet":
        raise ValueError(f"Keras has no ImageNet weights of {name}: pass weights=None or a file.")
    return input_shape or ((size, size, 3) if include_top else (None, None, 3))


def classifier(image, output, weights, name, torch_names=None, spare=()):
    """Returns the model from `image` to `output`, with the weights of a file if one is given.

    Args:
        image, output: KerasTensors, or a dict of outputs.
        weights: None, or the path of a Keras weights file or, with `torch_names`, of a torch
            checkpoint.
        name: Name of the model.
        torch_names: {layer: its name in torch checkpoints}, for nets that torch has too.
        spare: As in `checkpoints.fill`.
    """
    model = keras.Model(image, output, name=name)
    if torch_names and weights is not None and Path(weights).suffix in TORCH:
        tensors = read_checkpoint(weights)
        with naming(weights):
            fill(model, tensors, torch_names, name, spare)
    elif weights is not None:
        model.load_weights(weights)
    return model
