"""Images as the arrays of a net's input: one or several inputs, one image or a batch."""

import keras
import numpy as np

from fcn_keras.data.images import to_input

MOST_PICTURE_CHANNELS = 4  # grey, RGB and RGBA; an array with more is no picture


def to_inputs(image, shapes):
    """Returns an image as the array that a net takes, or a dict of images as a dict of arrays.

    Args:
        image: As `fcn_keras.segment` takes it; {input: image} for a net with several inputs.
        shapes: (H, W, channels) with None for an open size, or {input: (H, W, channels)}.

    Returns:
        uint8 or float32 (H, W, channels), or {input: such an array}.

    Raises:
        ValueError: for other names than the inputs', images of different sizes, or an image that
            cannot be used.
        FileNotFoundError, TypeError: as `fcn_keras.data.images.to_input`.
    """
    if not isinstance(shapes, dict):
        return to_input(image, shapes)
    if not isinstance(image, dict) or {*image} != {*shapes}:
        given = ", ".join(map(str, image)) if isinstance(image, dict) else type(image).__name__
        raise ValueError(f"The model takes a dict of the images {', '.join(shapes)}; got {given}.")
    arrays = {name: to_input(image[name], shape) for name, shape in shapes.items()}
    if len({array.shape[:2] for array in arrays.values()}) > 1:
        sizes = ", ".join(f"{n} {a.shape[0]}x{a.shape[1]}" for n, a in arrays.items())
        raise ValueError(f"The images of one scene must be of one size; got {sizes}.")
    return arrays


def to_batch(images, shapes):
    """Returns several images of one size as a batch.

    Args:
        images: A sequence of images, as `to_inputs` takes them.
        shapes: As for `to_inputs`.

    Returns:
        An array (batch, H, W, channels), or {input: such an array}.

    Raises:
        ValueError: for no images or different sizes; and as `to_inputs`.
    """
    arrays = [to_inputs(image, shapes) for image in images]
    sizes = sorted({size_of(array) for array in arrays})
    if len(sizes) != 1:
        shown = ", ".join(f"{rows}x{columns}" for rows, columns in sizes)
        raise ValueError(f"A batch holds images of one size; got {shown or 'none'}.")
    return keras.tree.map_structure(lambda *same: np.stack(same), *arrays)


def shapes_of(segmenter, image=None):
    """Returns the shape of the images that a `Segmenter` takes, as `to_inputs` takes it.

    Args:
        segmenter: A `Segmenter`.
        image: An image of the batch. Its own number of channels is taken if the segmenter does
            not tell its own and the image is an array with more channels than a picture.
    """
    size = segmenter.size or (None, None)
    if isinstance(segmenter.channels, dict):
        return {name: (*size, channels) for name, channels in segmenter.channels.items()}
    if segmenter.channels is not None:
        return (*size, segmenter.channels)
    shape = np.shape(image) if isinstance(image, np.ndarray) else ()
    channels = shape[-1] if len(shape) == 3 and shape[-1] > MOST_PICTURE_CHANNELS else 3
    return (*size, channels)


def size_of(arrays, axis=0):
    """Returns (H, W) of an array, or of a dict of arrays, whose rows are axis `axis`."""
    return tuple(keras.tree.flatten(arrays)[0].shape[axis : axis + 2])
