"""Copies a segmenter into layers that TFLite's builtin operations can represent.

The copy has the same weights and computes in float32, whatever the precision of the net is.
"""

import keras
from keras import ops

from fcn_keras.layers import GroupedConv2D, PadToMultiple, WindowConv2D
from fcn_keras.surgery.copying import give_weights


class ShapedPad(PadToMultiple):
    """A `PadToMultiple` that keeps the number of channels.

    The converter loses it where the amount of padding depends on the image.
    """

    def call(self, x):
        padded = super().call(x)
        rows, columns = ops.shape(padded)[1:3]
        return ops.reshape(padded, (x.shape[0] or -1, rows, columns, x.shape[-1]))


def convertible(model):
    """Returns a copy of a functional model, in float32, of layers that convert well.

    fc6 becomes a convolution, whose weights TFLite quantizes by channel. A convolution in groups
    becomes one convolution for each group. Padding keeps the number of channels.
    """
    copy = keras.models.clone_model(model, clone_function=_in_form, recursive=True)
    give_weights(copy, model.get_weights())
    return copy


def _in_form(layer):
    config = layer.get_config()
    if "dtype" in config:
        config["dtype"] = "float32"
    return _form(layer).from_config(config)


def _form(layer):
    if isinstance(layer, WindowConv2D):
        return keras.layers.Conv2D
    if type(layer) is keras.layers.Conv2D and layer.groups > 1:
        return GroupedConv2D
    if isinstance(layer, PadToMultiple):
        return ShapedPad
    return type(layer)
