"""The pixel that a net takes for nothing: what a smaller image is continued with."""

import keras
import numpy as np

from fcn_keras.layers import PadToMultiple

GREY = 116  # as batches show what lies outside of an image


def padding_pixel(model):
    """The pixel, one whole number of 0-255 a channel, that comes nearest to the net's own padding.

    A net pads with zeros behind its preprocessing. Where that is affine in the pixel's channels,
    the pixel that becomes zero is found by asking it for black and for each channel alone; it is
    grey where there is no padding, or no such pixel.
    """
    channels = model.input_shape[-1]
    paddings = [layer for layer in model.layers if _pads(layer)]
    if not paddings:
        return [GREY] * channels
    before = keras.Model(model.inputs, paddings[0].input)
    asked = np.vstack([np.zeros(channels), 255 * np.eye(channels)]).astype("float32")
    size = [n or 32 for n in model.input_shape[1:3]]
    images = np.ones((len(asked), *size, channels), "float32") * asked[:, None, None]
    given = keras.ops.convert_to_numpy(before([images], training=False))[:, 0, 0].astype(float)
    slopes = (given[1:] - given[0]) / 255
    if slopes.shape != (channels, channels) or np.linalg.matrix_rank(slopes) < channels:
        return [GREY] * channels
    pixel = np.linalg.solve(slopes.T, -given[0])
    return [int(value) for value in np.rint(np.clip(pixel, 0, 255))]


def _pads(layer):
    return isinstance(layer, (PadToMultiple, keras.layers.ZeroPadding2D))
