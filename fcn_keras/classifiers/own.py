"""What the classifiers that Keras does not have do alike: their default sizes and their weights."""

import keras


def image_shape(name, size, include_top, weights, input_shape):
    """The shape of a net's images: the one asked for, (size, size, 3) with top, open without.

    Raises:
        ValueError: for weights="imagenet", which no such net has.
    """
    if weights == "imagenet":
        raise ValueError(f"Keras has no ImageNet weights of {name}: pass weights=None or a file.")
    return input_shape or ((size, size, 3) if include_top else (None, None, 3))


def classifier(image, output, weights, name):
    """The model from `image` to `output`, filled from the file `weights` unless that is None."""
    model = keras.Model(image, output, name=name)
    if weights is not None:
        model.load_weights(weights)
    return model
