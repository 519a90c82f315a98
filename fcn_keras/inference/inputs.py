"""Batches of images as a segmenter takes them, with one input or several."""

import keras
import numpy as np

from fcn_keras.data.images.conversion import DEFAULT, to_input

MOST_PICTURE_CHANNELS = 4  # grey, RGB and RGBA; an array with more is no picture


def to_batch(images, shapes, read=DEFAULT):
    """Returns several images of one size as a batch.

    Args:
        images: A sequence of images, as `to_input` takes them.
        shapes: (H, W, channels) with None for an open size, or {input: (H, W, channels)}.
        read: The `ImageReader` of files.

    Returns:
        An array (batch, H, W, channels), or {input: such an array}.

    Raises:
        ValueError: for no images or different sizes; and as `to_input`.
    """
    arrays = [to_input(image, shapes, read) for image in images]
    sizes = sorted({size_of(array) for array in arrays})
    if len(sizes) != 1:
        shown = ", ".join(f"{rows}x{columns}" for rows, columns in sizes)
        raise ValueError(f"A batch holds images of one size; got {shown or 'none'}.")
    return keras.tree.map_structure(lambda *same: np.stack(same), *arrays)


def images_of(batch):
    """Returns the images of a batch of `to_batch`, a list: arrays, or dicts of arrays."""
    if not isinstance(batch, dict):
        return list(batch)
    names, arrays = batch.keys(), batch.values()
    return [dict(zip(names, images, strict=True)) for images in zip(*arrays, strict=True)]


def shapes_of(segmenter, image=None):
    """Returns the shape of the images that a `Segmenter` takes, as `to_input` takes it.

    The size is open: a segmenter of one size cuts other images into windows, or refuses them.

    Args:
        segmenter: A `Segmenter`.
        image: An image of the batch. Its own number of channels is taken if the segmenter does
            not tell its own and the image is an array with more channels than a picture.
    """
    if isinstance(segmenter.channels, dict):
        return {name: (None, None, channels) for name, channels in segmenter.channels.items()}
    if segmenter.channels is not None:
        return (None, None, segmenter.channels)
    shape = np.shape(image) if isinstance(image, np.ndarray) else ()
    channels = shape[-1] if len(shape) == 3 and shape[-1] > MOST_PICTURE_CHANNELS else 3
    return (None, None, channels)


def size_of(arrays, axis=0):
    """Returns (H, W) of an array, or of a dict of arrays, whose rows are axis `axis`."""
    return tuple(keras.tree.flatten(arrays)[0].shape[axis : axis + 2])
