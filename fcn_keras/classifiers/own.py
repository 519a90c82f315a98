"""Shared parts of the classifiers that Keras does not have: default sizes and weights files."""

import keras


def image_shape(name, size, include_top, weights, input_shape):
    """Returns the shape of a net's images: the given one, or (size, size, 3) with top, or open.

    Raises:
        ValueError: for weights="imagenet", which no such net has.
    """
    if weights == "imagenet":
        raise ValueError(f"Keras has no ImageNet weights of {name}: pass weights=None or a file.")
    return input_shape or ((size, size, 3) if include_top else (None, None, 3))


def classifier(image, output, weights, name):
    """Returns the model from `image` to `output`, with the weights of a file if one is given."""
    model = keras.Model(image, output, name=name)
    if weights is not None:
        model.load_weights(weights)
    return model
