"""Fresh BatchNormalization statistics for a trained model.

The moving averages lag behind the weights; the statistics of the data itself do not.
"""

import contextlib

import keras
import numpy as np
from keras import ops

from fcn_keras.training.distributed import whole_batch
from fcn_keras.training.every_layer import every_layer


def refresh_batch_norm(model, batches):
    """Recomputes the moving means and variances of a model over the given batches.

    The model runs over the batches with every BatchNormalization in training mode and every
    Dropout off. Each layer's mean becomes the average of its batch means, and its variance the
    average of its batch variances plus the variance between the batch means, both weighted by the
    batches' pixels: the statistics of all batches together. No weight changes, the momenta are
    as before, and frozen layers (`trainable=False`) keep what they have.

    Args:
        model: A Keras model. Shared BatchNormalization layers are refreshed from their last call.
        batches: Iterable of images (batch, H, W, C), RGB 0-255, or of (images, labels) as
            `dataset.batches(...)` gives them. A hundred images or so are enough.

    Returns:
        The number of layers refreshed; 0 for a model without any.

    Raises:
        ValueError: if there are layers to refresh but not one batch.

    Example:

    ```python
    data = fcn_keras.data.load("digits", split="train")
    fcn_keras.training.refresh_batch_norm(model, data.batches(8).take(20))
    ```

    Source: Wu and Johnson (2021), "Rethinking 'Batch' in BatchNorm", section 3.1; SegNet
    (Badrinarayanan et al. 2017) recomputes its statistics over the training set too.
    """
    layers = [layer for layer in every_layer(model) if _has_moving_statistics(layer)]
    if not layers:
        return 0
    before = [_statistics(layer) for layer in layers]
    total, means, squares = 0, [0.0] * len(layers), [0.0] * len(layers)
    with _last_batch_only(model, layers):
        try:
            for batch in batches:
                images = batch[0] if isinstance(batch, (tuple, list)) else batch
                images = whole_batch(images)
                model(ops.cast(images, "float32"), training=True)
                pixels = int(np.prod(images.shape[:-1]))
                total += pixels
                for number, layer in enumerate(layers):
                    mean, variance = _statistics(layer)
                    means[number] = means[number] + pixels * mean
                    squares[number] = squares[number] + pixels * (variance + mean**2)
        except BaseException:
            total = 0
            raise
        finally:
            if not total:
                _assign(layers, before)
    if not total:
        raise ValueError("refresh_batch_norm got no batches, so there is nothing to measure.")
    means = [mean / total for mean in means]
    squares = [square / total for square in squares]
    found = [(m, np.maximum(s - m**2, 0)) for m, s in zip(means, squares, strict=True)]
    _assign(layers, found)
    return len(layers)


@contextlib.contextmanager
def _last_batch_only(model, layers):
    """Within it a training-mode call leaves each layer with that batch's own statistics."""
    drops = [layer for layer in every_layer(model) if isinstance(layer, keras.layers.Dropout)]
    momenta = [layer.momentum for layer in layers]
    rates = [layer.rate for layer in drops]
    try:
        for layer in layers:
            layer.momentum = 0.0
        for layer in drops:
            layer.rate = 0.0
        yield
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
        for layer, rate in zip(drops, rates, strict=True):
            layer.rate = rate


def _has_moving_statistics(layer):
    return isinstance(layer, keras.layers.BatchNormalization) and layer.trainable


def _statistics(layer):
    """Moving mean and variance as float64 arrays."""
    return tuple(
        np.array(ops.convert_to_numpy(value), np.float64)
        for value in (layer.moving_mean, layer.moving_variance)
    )


def _assign(layers, statistics):
    for layer, (mean, variance) in zip(layers, statistics, strict=True):
        layer.moving_mean.assign(mean.astype("float32"))
        layer.moving_variance.assign(variance.astype("float32"))
