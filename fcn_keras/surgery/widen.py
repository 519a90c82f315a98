"""Early fusion: the first convolution of a pretrained net is widened to further channels."""

import keras
import numpy as np

from fcn_keras.geometry.graph import walk
from fcn_keras.layers import Preprocess
from fcn_keras.surgery.copying import Copier
from fcn_keras.surgery.top import one_image

L = keras.layers
_PER_CHANNEL = (L.Normalization, L.Rescaling)


def widen_input(classifier, channels):
    """Returns a copy of a classifier of colour images that takes further channels, such as depth.

    Each new channel begins with the mean of the first convolution's weights over the old ones,
    and with the average of the constants that scale the old ones, as if it were a grey copy of
    the image.

    Args:
        classifier: A functional Keras model with one image input. It is not changed.
        channels: Channels of the new net, more than the classifier has.

    Returns:
        A functional `keras.Model` with input (batch, H, W, channels), else as the given one.

    Raises:
        ValueError: for fewer channels, or if a layer other than a scaling, a padding or a
            convolution takes the image.

    Example:

    ```python
    colour = fcn_keras.classifiers.vgg_slim(classes=10, input_shape=(64, 64, 3))
    with_depth = fcn_keras.surgery.widen_input(colour, 4)
    with_depth.input_shape      # (None, 64, 64, 4)
    ```

    Source: Long et al. (2015), section 5, NYUDv2: RGB-D by "early fusion".
    """
    one_image(classifier)
    given = classifier.inputs[0].shape[-1]
    if channels <= given:
        raise ValueError(
            f"{classifier.name!r} takes {given} channels; it can be widened to more, not to "
            f"{channels}."
        )
    image = keras.Input(
        (*classifier.inputs[0].shape[1:3], channels), name="image", dtype=classifier.inputs[0].dtype
    )
    outputs = walk(classifier, [image], _Widening(given, channels).node)
    return keras.Model(image, outputs if len(outputs) > 1 else outputs[0], name=classifier.name)


class _Widening:
    """Copies layers; those that take the image itself get the new number of channels."""

    def __init__(self, given, channels):
        self.given = given
        self.channels = channels
        self.copier = Copier()

    def node(self, node, args, kwargs):
        layer, x = node.operation, keras.tree.flatten(args)[0]
        inputs = keras.tree.flatten(node.arguments.args)
        takes_image = (
            len(inputs) == 1 and inputs[0].shape[-1] == self.given and x.shape[-1] == self.channels
        )
        if not takes_image:
            return self.copier.call(layer, args, kwargs)
        if isinstance(layer, L.Conv2D) and layer.groups == 1:
            return self._convolution(layer, x)
        if isinstance(layer, _PER_CHANNEL):
            return self._scaling(layer, x)
        if isinstance(layer, (L.ZeroPadding2D, L.Cropping2D, L.Activation, L.Identity, Preprocess)):
            return self.copier.call(layer, args, kwargs)
        raise ValueError(
            f"The layer {layer.name!r} ({type(layer).__name__}) takes the image, and cannot be "
            "given further channels: only scalings, paddings and convolutions can."
        )

    def _convolution(self, layer, x):
        kernel, *bias = layer.get_weights()
        mean = kernel.mean(axis=2, keepdims=True)
        further = np.repeat(mean, self.channels - self.given, axis=2)
        copy = type(layer).from_config(layer.get_config())
        result = copy(x)
        copy.set_weights([np.concatenate([kernel, further], axis=2), *bias])
        return result

    def _scaling(self, layer, x):
        config = layer.get_config()
        if isinstance(layer, L.Normalization):
            config["mean"] = self._extended(keras.ops.convert_to_numpy(layer.mean))
            config["variance"] = self._extended(keras.ops.convert_to_numpy(layer.variance))
        else:
            config["scale"], config["offset"] = (
                self._extended(value) for value in (layer.scale, layer.offset)
            )
        return type(layer).from_config(config)(x)

    def _extended(self, constants):
        """Constants of the old channels, and their average for each new one."""
        values = np.ravel(constants).astype("float64")
        if len(values) == 1:
            return float(values[0])
        return [*values.tolist(), *[values.mean()] * (self.channels - self.given)]
