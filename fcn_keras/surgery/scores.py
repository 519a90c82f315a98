"""Score rows from a classifier: a net begins with the classes that a classifier knows."""

import keras
import numpy as np

from fcn_keras.keras_internals import all_layers

SCORE = "score"  # how names of score layers begin


def scores_from_classifier(model, classifier, classes=None):
    """Copies the rows of a classifier's last layer into the score layer of a net, in place.

    With average pooling before the classifier's last layer, the mean of the net's scores over an
    image is the classifier's score, so that the net finds the classes where they are before it is
    trained on pixels. Losses of tags need such a start: from random scores `MILSoftmax` ends with
    background everywhere.

    Args:
        model: A Keras segmenter; its deepest score layer is the first with a name `score...` and
            as many input channels as the classifier's last layer.
        classifier: A Keras classifier whose last layer with weights is Dense or a 1x1 convolution,
            trained on tags, or on ImageNet.
        classes: For each class of the net the classifier's class, or None for a row of zeros, as
            the background. Default: zeros for class 0 and the classifier's classes for the
            others; or one for one where there are as many.

    Returns:
        The model.

    Raises:
        ValueError: for a net or classifier without such a layer, numbers of channels that differ,
            or classes that do not fit.

    Example:

    ```python
    net = fcn_keras.fcn32s(3, "vgg_slim", weights=None)
    inputs = keras.Input((128,))        # the features before the scores of vgg_slim
    classifier = keras.Model(inputs, keras.layers.Dense(2)(inputs))
    fcn_keras.surgery.scores_from_classifier(net, classifier)
    ```

    Source: Pathak, Shelhamer, Long, Darrell (2014), section 3: the background begins at 0.
    """
    kernel, bias = _last_layer(classifier)
    layer = _score_layer(model, len(kernel))
    count = layer.kernel.shape[-1]
    rows = _rows(classes, count, kernel.shape[-1])
    chosen = np.zeros((len(kernel), count), "float32"), np.zeros(count, "float32")
    for label, row in enumerate(rows):
        if row is not None:
            chosen[0][:, label], chosen[1][label] = kernel[:, row], bias[row]
    layer.kernel.assign(np.reshape(chosen[0], layer.kernel.shape))
    if layer.bias is not None:
        layer.bias.assign(chosen[1])
    return model


def _last_layer(classifier):
    """The kernel (channels, classes) and bias of a classifier's last layer with weights."""
    layers = [layer for layer in all_layers(classifier) if layer.weights and not all_layers(layer)]
    last = layers[-1] if layers else None
    shape = getattr(last, "kernel", np.zeros(0)).shape
    scoring = isinstance(last, (keras.layers.Dense, keras.layers.Conv2D))
    if not scoring or any(side != 1 for side in shape[:-2]):
        raise ValueError(
            f"The last layer with weights of {classifier.name!r} must be Dense or a 1x1 "
            f"convolution, got {last and last.name!r}."
        )
    kernel = keras.ops.convert_to_numpy(last.kernel).reshape(shape[-2:])
    bias = np.zeros(shape[-1]) if last.bias is None else keras.ops.convert_to_numpy(last.bias)
    return kernel, bias


def _score_layer(model, channels):
    """The first score layer of a net with so many input channels."""
    found = [
        layer
        for layer in all_layers(model)
        if layer.name.startswith(SCORE) and isinstance(layer, keras.layers.Conv2D)
    ]
    for layer in found:
        if tuple(layer.kernel.shape[:-1]) == (1, 1, channels):
            return layer
    there = ", ".join(f"{layer.name} with {layer.kernel.shape[-2]}" for layer in found)
    raise ValueError(
        f"The classifier's last layer has {channels} input channels, and no score layer of "
        f"{model.name!r} has: there is {there or 'none'}. Take the classifier that the net is over."
    )


def _rows(classes, count, known):
    """The classifier's class of each class of a net."""
    if classes is None:
        if known not in (count, count - 1):
            raise ValueError(
                f"The classifier has {known} classes and the net {count}: give `classes`, the "
                "classifier's class of each, or None."
            )
        return [*range(known)] if known == count else [None, *range(known)]
    rows = list(classes)
    wrong = [row for row in rows if row is not None and not 0 <= row < known]
    if len(rows) != count or wrong:
        raise ValueError(
            f"`classes` must be one number from 0 to {known - 1}, or None, for each of the {count} "
            f"classes of the net, got {classes!r}."
        )
    return rows
