"""Images as the arrays that a net takes: files, and what a user passes to a net."""

import os
from typing import Protocol, runtime_checkable

import numpy as np
from PIL import Image

from fcn_keras.data.images.alpha import array_on_white
from fcn_keras.data.images.npy import is_npy, npy_header
from fcn_keras.data.images.reader import ImageReader

DEFAULT = ImageReader()


@runtime_checkable
class _Array(Protocol):
    """What NumPy makes an array of: arrays and tensors of any library."""

    def __array__(self, dtype=None, copy=None): ...


def stored_format(paths, read=DEFAULT):
    """Returns (channels, dtype) of image files, as an `ImageReader` gives them.

    Only the headers of .npy files are read; other files are uint8 RGB, unless alpha is a band. The
    first file decides on the channels, one file of floats makes all float32.
    """
    channels, dtype = None, "uint8"
    for path in paths:
        header = npy_header(path) if is_npy(path) else _format_of(path, read, channels)
        if header is None:
            continue
        shape, stored = header
        if channels is None:
            channels = shape[2] if len(shape) == 3 else 1
        if stored.kind == "f":
            dtype = "float32"
    return 3 if channels is None else channels, dtype


def _format_of(path, read, channels):
    """(shape, dtype) of a file of a format that Pillow reads; None if it cannot be read."""
    if read.alpha != "band" or channels is not None:
        return (0, 0, 3), np.dtype("uint8")
    try:
        return read(path).shape, np.dtype("uint8")
    except (OSError, ValueError):
        return None


def to_input(image, shape=(None, None, 3), read=DEFAULT):
    """Returns an image as the array of 0-255 that a net takes.

    Training, evaluation, prediction, tiling and the exporters all convert images here.

    Args:
        image: A path, a PIL image, or an array (H, W) or (H, W, channels), integer or float, of
            values 0-255. Grey is repeated to RGB, RGB becomes grey for a net of one channel, and
            transparency is put on white. For a net with several inputs {input: image}. For a net
            of frames a tuple of images of one size, whose channels are joined: two RGB images for
            optical flow.
        shape: Shape of an image that the net takes, (H, W, channels) with None for an open size.
            For other numbers of channels than 1 and 3, only images with as many are possible. For
            a net with several inputs {input: shape}.
        read: The `ImageReader` of files and PIL images.

    Returns:
        uint8 (H, W, channels); float32 if a float array was given. For several inputs a dict.

    Raises:
        FileNotFoundError: if the file is missing.
        ValueError: if the file is no image, the array's shape is no image's or not the net's, it
            is empty, its values are not on the scale 0-255, or the images of several inputs have
            other names or sizes than they should.
        TypeError: if it is none of the above.

    Example:

    ```python
    to_input(np.zeros((4, 6), "uint8")).shape   # (4, 6, 3)
    ```
    """
    if isinstance(shape, dict):
        return _to_inputs(image, shape, read)
    if isinstance(image, tuple):
        return _joined(image, shape, read)
    source = ""
    if isinstance(image, (str, os.PathLike)):
        image, source = read(image), f"{image}: "
    elif isinstance(image, Image.Image):
        image = np.array(read.converted(image))
    elif not isinstance(image, _Array):
        raise TypeError(
            "An image is a path, a PIL image or an array (H, W, 3) of 0-255; "
            f"got {type(image).__name__}."
        )
    try:
        pixels = _with_channels(np.asarray(image), shape[-1], read.alpha)
    except ValueError as error:
        raise ValueError(f"{source}{error}") from None
    if not pixels.size:
        raise ValueError(f"The image has no pixels: its shape is {pixels.shape}.")
    if any(n not in (None, m) for n, m in zip(shape[:2], pixels.shape[:2], strict=True)):
        raise ValueError(
            f"The model takes images of {shape[0]}x{shape[1]} only, and this one is "
            f"{pixels.shape[0]}x{pixels.shape[1]}: resize it, or build the model with "
            f"input_shape=(None, None, {shape[-1]})."
        )
    return read.scaled(pixels)


def _joined(frames, shape, read):
    """The arrays of several frames as one, with the channels of all."""
    if not frames or shape[-1] % len(frames):
        raise ValueError(
            f"The model takes images of {shape[-1]} channels, which {len(frames)} frames do not "
            "share evenly."
        )
    each = (*shape[:2], shape[-1] // len(frames))
    arrays = [to_input(frame, each, read) for frame in frames]
    return stacked(arrays, "The images")


def stacked(frames, name):
    """Returns frames of one size as one image, (H, W, all their channels).

    Args:
        frames: Arrays (H, W, channels).
        name: What they are, for the message.

    Raises:
        ValueError: for different sizes.
    """
    if len({frame.shape[:2] for frame in frames}) > 1:
        sizes = " and ".join("{}x{}".format(*frame.shape[:2]) for frame in frames)
        raise ValueError(f"{name}: frames that belong together have one size, got {sizes}.")
    return np.concatenate(frames, -1)


def _to_inputs(images, shapes, read):
    """The arrays of the images of one scene, one for each input."""
    if not isinstance(images, dict) or {*images} != {*shapes}:
        given = ", ".join(map(str, images)) if isinstance(images, dict) else type(images).__name__
        raise ValueError(f"The model takes a dict of the images {', '.join(shapes)}; got {given}.")
    arrays = {name: to_input(images[name], shape, read) for name, shape in shapes.items()}
    if len({array.shape[:2] for array in arrays.values()}) > 1:
        sizes = ", ".join(f"{n} {a.shape[0]}x{a.shape[1]}" for n, a in arrays.items())
        raise ValueError(f"The images of one scene must be of one size; got {sizes}.")
    return arrays


def check_channels(shape, channels, alpha=None):
    """Raises ValueError unless an image of a shape can be converted to a number of channels.

    Args:
        shape: (H, W) or (H, W, channels) of the image.
        channels: Number of channels that a net takes.
        alpha: The option of the `ImageReader`: with "band" a fourth channel is not left out.
    """
    depth = 1 if len(shape) == 2 else shape[-1]
    known = {(channels, channels), (1, 3), (3, 1), *([(4, 3)] if alpha != "band" else [])}
    if len(shape) in (2, 3) and (depth, channels) in known:
        return
    if len(shape) == 4:
        raise ValueError(
            f"One image is (H, W, {channels}); got a batch of shape {shape}. Pass batch[i]."
        )
    hint = ""
    if len(shape) == 3 and shape[0] in (channels, 1, 3, 4):
        hint = " The channels come last: try image.transpose(1, 2, 0)."
    raise ValueError(f"The model takes images (H, W, {channels}); got shape {shape}.{hint}")


def _with_channels(pixels, channels, alpha=None):
    check_channels(pixels.shape, channels, alpha)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    depth = pixels.shape[-1]
    if depth == channels:
        return pixels
    if depth == 4:
        return pixels[..., :3] if alpha == "ignore" else array_on_white(pixels, alpha is not None)
    return np.repeat(pixels, 3, axis=-1) if depth == 1 else _grey(pixels)


def _grey(pixels):
    """The luma of ITU-R 601-2, (H, W, 1); of uint8 rounded, as Pillow does."""
    if pixels.dtype == np.uint8:
        return np.asarray(Image.fromarray(pixels).convert("L"))[..., None]
    return (pixels @ np.array([0.299, 0.587, 0.114], "float32"))[..., None]
