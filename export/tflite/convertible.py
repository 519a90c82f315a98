"""A copy of a segmenter whose layers have the form that TFLite's builtin operations have.

The same weights and numbers, in float32, whatever precision the net was trained under.
"""

import keras
from keras import ops

from fcn_keras.layers import GroupedConv2D, PadToMultiple, WindowConv2D
from fcn_keras.surgery.copying import give_weights


class ShapedPad(PadToMultiple):
    """`PadToMultiple` that says how many channels there are: of a padding known only when the
    image is there, the converter forgets them.
    """

    def call(self, x):
        padded = super().call(x)
        rows, columns = ops.shape(padded)[1:3]
        return ops.reshape(padded, (x.shape[0] or -1, rows, columns, x.shape[-1]))


def convertible(model):
    """A copy of a functional model, in float32, of layers that convert well.

    fc6 becomes a convolution again, whose weights TFLite quantizes by channel; a convolution in
    groups its parts; padding for open sizes keeps the channels.
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
