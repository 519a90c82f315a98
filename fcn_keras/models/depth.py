"""Depth from one image: any net of the package over a classifier, with one channel of log depth."""

from fcn_keras import models
from fcn_keras.checks import one_of
from fcn_keras.models.options import (
    DEPTH_DECODERS,
    check_options,
    net_of_decoder,
    task_made_for,
)
from fcn_keras.tasks import Depth


def depth(classifier="vgg16", decoder="unet", *, task=None, name="depth", **options):
    """Builds a net that tells how far away what each pixel shows is.

    Args:
        classifier: A registered name (`fcn_keras.classifiers.names()`) or a functional Keras
            classifier of yours, as `fcn_keras.models.fcn`.
        decoder: The net over the classifier: the name of one of `fcn_keras.models.NETS`, such as
            "unet", which goes up to the image's own pixels, or "fcn8s"; or a decoder of
            `fcn_keras.models.segmenter`, such as "fpn".
        task: A `fcn_keras.tasks.Depth`. Default: depth in metres.
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
    return models.NETS[net](task, classifier, name=name, **chosen, **options)
