"""Padding of images that are smaller than a net, by the pixel nearest to the net's own padding."""

import keras
import numpy as np

from fcn_keras.layers import PadToMultiple

GREY = 116  # as batches pad images


def padding_pixel(model):
    """Returns the pixel that comes nearest to the net's own padding, whole numbers of 0-255.

    A net pads with zeros after its preprocessing. If that is affine in the channels of a pixel,
    the pixel that becomes zero follows from its results for black and for each channel alone. The
    pixel is grey if the net does not pad, or if there is no such pixel.
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


def cut_padded(image, window, padding):
    """Returns the pixels in a window of an image.

    Args:
        image: (H, W, channels).
        window: Slices of rows and columns; they may end beyond the image.
        padding: The pixel for what lies beyond it, one number a channel.
    """
    rows, columns = (span.stop - span.start for span in window)
    pixels = np.empty((rows, columns, image.shape[-1]), image.dtype)
    pixels[:] = padding
    part = image[window]
    pixels[: part.shape[0], : part.shape[1]] = part
    return pixels


def _pads(layer):
    return isinstance(layer, (PadToMultiple, keras.layers.ZeroPadding2D))
