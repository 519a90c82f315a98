"""Depth from one image: any net of the package over a classifier, with one channel of log depth."""

import math

import keras

from fcn_keras import models
from fcn_keras.checks import one_of
from fcn_keras.models.options import (
    DEPTH_DECODERS,
    check_options,
    net_of_decoder,
    task_made_for,
)
from fcn_keras.tasks import Depth


def depth(
    classifier="vgg16", decoder="unet", *, task=None, start_depth=None, name="depth", **options
):
    """Builds a net that tells how far away what each pixel shows is.

    Args:
        classifier: A registered name (`fcn_keras.classifiers.names()`) or a functional Keras
            classifier of yours, as `fcn_keras.models.fcn`.
        decoder: The net over the classifier: the name of one of `fcn_keras.models.NETS`, such as
            "unet", which goes up to the image's own pixels, or "fcn8s"; or a decoder of
            `fcn_keras.models.segmenter`, such as "fpn".
        task: A `fcn_keras.tasks.Depth`. Default: depth in metres.
        start_depth: About the depth that the untrained net answers everywhere, such as the mean of
            the data; a training then need not find it first. Default: 1. Not with `init_from`.
        name: Name of the model.
        **options: The keyword arguments of the decoder's builder: `weights`, `input_shape`,
            `decoder_filters`, ...

    Returns:
        A functional `keras.Model`: RGB 0-255 (batch, H, W, 3), any H and W, to the natural
        logarithm of the depth, float32 (batch, H, W, 1). `fcn_keras.segment` returns the depth
        itself, float32 (H, W).

    Raises:
        ValueError: for another task than depth, an unknown decoder or an option that it does not
            have, and as the decoder's builder.
        FileNotFoundError: for weights that are neither here nor reachable.

    Example:

    ```python
    model = fcn_keras.depth("vgg_slim", "fcn8s", weights=None)
    fcn_keras.segment(model, np.zeros((97, 131, 3), "uint8")).shape     # (97, 131), in metres
    ```

    Source: log depth: Eigen, Puhrsch, Fergus (2014). A classifier made fully convolutional for
    depth: Laina et al. (2016).
    """
    task = Depth() if task is None else task_made_for("depth", task)
    one_of("decoder", decoder, DEPTH_DECODERS)
    net, chosen = net_of_decoder(decoder)
    check_options(net, options)
    check_options("depth", {"start_depth": start_depth})
    if start_depth is not None and options.get("init_from") is not None:
        raise ValueError("`start_depth` is for a new net; `init_from` brings its own start.")
    model = models.NETS[net](task, classifier, name=name, **chosen, **options)
    if start_depth is not None:
        scores = [layer for layer in model.layers if layer.name.startswith("score_")]
        last = [layer for layer in scores if getattr(layer, "bias", None) is not None][-1]
        last.bias.assign(keras.ops.full(last.bias.shape, math.log(start_depth)))
    return model
