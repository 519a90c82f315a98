"""Images as arrays: files of any format, and what a user passes to a net."""

import os
from typing import Protocol, runtime_checkable

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from fcn_keras.data.npy import is_npy, npy_header, read_npy
from fcn_keras.data.opening import opened

UNREADABLE = (
    UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError
)  # fmt: skip


@runtime_checkable
class _Array(Protocol):
    """What NumPy makes an array of: arrays and tensors of any library."""

    def __array__(self, dtype=None, copy=None): ...


def read_image(path):
    """Reads an image.

    Files of photographs become RGB: the EXIF orientation is applied, grey and 16-bit images are
    converted (65535 becomes 255), transparency is put on white. A .npy file of values 0-255 may
    have any number of channels.

    Args:
        path: File of any raster format that Pillow decodes itself; or a .npy file, (H, W) or
            (H, W, channels).

    Returns:
        uint8 (H, W, 3). Of a .npy file: (H, W, channels), uint8, or float32 if it holds floats.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: naming the file, if it cannot be read as an image.

    Example:

    ```python
    image = fcn_keras.data.read_image("photo.jpg")
    ```
    """
    try:
        if is_npy(path):
            return _from_npy(read_npy(path))
        return np.array(as_rgb(open_image(path)))
    except ValueError as error:
        if str(path) in str(error):
            raise
        raise ValueError(f"{path} cannot be used as an image: {error}") from error


def open_image(path):
    """Returns the decoded Pillow image of a file, not yet converted."""
    try:
        with opened(path) as image:
            image.load()
    except FileNotFoundError:
        raise
    except UNREADABLE as error:
        raise ValueError(f"{path} cannot be read as an image: {error}") from error
    return image


def as_rgb(image):
    """Returns a Pillow image upright and as RGB."""
    image = ImageOps.exif_transpose(image)
    if image.mode == "F":
        raise ValueError("its pixels are floats of unknown range; save it with 8 or 16 bits")
    if image.mode.startswith("I"):
        values = np.asarray(image).astype("float64")
        if values.min() < 0 or values.max() > 65535:
            raise ValueError(
                f"its pixels are {values.min():g} to {values.max():g}; save it with 8 or 16 bits"
            )
        # An image of at most 255 was widened, not taken, with 16 bits: scaling would blacken it.
        unit = 257 if values.max() > 255 else 1
        return Image.fromarray(np.round(values / unit).astype("uint8")).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


def stored_format(paths):
    """Returns (channels, dtype) of image files, as `read_image` gives them.

    Only the headers of .npy files are read; other files are uint8 RGB. The first file decides on
    the channels, one file of floats makes all float32.
    """
    channels, dtype = None, "uint8"
    for path in paths:
        header = npy_header(path) if is_npy(path) else ((0, 0, 3), np.dtype("uint8"))
        if header is None:
            continue
        shape, stored = header
        if channels is None:
            channels = shape[2] if len(shape) == 3 else 1
        if stored.kind == "f":
            dtype = "float32"
    return 3 if channels is None else channels, dtype


def to_input(image, shape=(None, None, 3)):
    """Returns an image as the array of 0-255 that a net takes.

    Training, evaluation, prediction, tiling and the exporters all convert images here.

    Args:
        image: A path, a PIL image, or an array (H, W) or (H, W, channels), integer or float, of
            values 0-255. Grey is repeated to RGB, RGB becomes grey for a net of one channel, and
            transparency is put on white. For a net with several inputs {input: image}.
        shape: Shape of an image that the net takes, (H, W, channels) with None for an open size.
            For other numbers of channels than 1 and 3, only arrays with as many are possible. For
            a net with several inputs {input: shape}.

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
        return _to_inputs(image, shape)
    if isinstance(image, (str, os.PathLike)):
        image = read_image(image)
    elif isinstance(image, Image.Image):
        image = np.array(as_rgb(image))
    elif not isinstance(image, _Array):
        raise TypeError(
            "An image is a path, a PIL image or an array (H, W, 3) of 0-255; "
            f"got {type(image).__name__}."
        )
    pixels = _with_channels(np.asarray(image), shape[-1])
    if not pixels.size:
        raise ValueError(f"The image has no pixels: its shape is {pixels.shape}.")
    if any(n not in (None, m) for n, m in zip(shape[:2], pixels.shape[:2], strict=True)):
        raise ValueError(
            f"The model takes images of {shape[0]}x{shape[1]} only, and this one is "
            f"{pixels.shape[0]}x{pixels.shape[1]}: resize it, or build the model with "
            f"input_shape=(None, None, {shape[-1]})."
        )
    return on_scale(pixels)


def on_scale(pixels):
    """Returns pixels as uint8, or as float32 if they are floats.

    Raises:
        ValueError: if they are no numbers of the scale 0-255.
    """
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype.kind not in "uif":
        raise ValueError(f"Pixels are numbers of 0-255; got an array of {pixels.dtype}.")
    lowest, highest = float(pixels.min()), float(pixels.max())
    if not (lowest >= 0 and highest <= 255):
        raise ValueError(
            f"Pixels are 0-255; got {pixels.dtype} values of {lowest:g} to {highest:g}. "
            "Scaling and mean subtraction belong to the model, which does them itself; "
            "16-bit images are divided by 257."
        )
    if pixels.dtype.kind == "f":
        if 0 < highest <= 1:
            raise ValueError(
                f"Pixels are 0-255; the float values of this image end at {highest:g}, as on the "
                "scale 0-1. Pass image * 255 (or uint8, if it really is that dark)."
            )
        return pixels.astype(np.float32)
    return pixels.astype(np.uint8)


def _from_npy(pixels):
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.ndim != 3 or not pixels.size:
        raise ValueError(f"its array is {pixels.shape}, not (H, W) or (H, W, channels)")
    return on_scale(pixels)


def _to_inputs(images, shapes):
    """The arrays of the images of one scene, one for each input."""
    if not isinstance(images, dict) or {*images} != {*shapes}:
        given = ", ".join(map(str, images)) if isinstance(images, dict) else type(images).__name__
        raise ValueError(f"The model takes a dict of the images {', '.join(shapes)}; got {given}.")
    arrays = {name: to_input(images[name], shape) for name, shape in shapes.items()}
    if len({array.shape[:2] for array in arrays.values()}) > 1:
        sizes = ", ".join(f"{n} {a.shape[0]}x{a.shape[1]}" for n, a in arrays.items())
        raise ValueError(f"The images of one scene must be of one size; got {sizes}.")
    return arrays


def _with_channels(pixels, channels):
    shape = pixels.shape
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.ndim == 4:
        raise ValueError(
            f"One image is (H, W, {channels}); got a batch of shape {shape}. Pass batch[i]."
        )
    depth = pixels.shape[-1] if pixels.ndim == 3 else None
    if depth == channels:
        return pixels
    if channels == 3 and depth == 4:
        return _on_white(pixels)
    if channels == 3 and depth == 1:
        return np.repeat(pixels, 3, axis=-1)
    if channels == 1 and depth == 3:
        return _grey(pixels)
    hint = ""
    if pixels.ndim == 3 and shape[0] in (channels, 1, 3, 4):
        hint = " The channels come last: try image.transpose(1, 2, 0)."
    raise ValueError(f"The model takes images (H, W, {channels}); got shape {shape}.{hint}")


def _grey(pixels):
    """The luma of ITU-R 601-2, (H, W, 1); of uint8 rounded, as Pillow does."""
    if pixels.dtype == np.uint8:
        return np.asarray(Image.fromarray(pixels).convert("L"))[..., None]
    return (pixels @ np.array([0.299, 0.587, 0.114], "float32"))[..., None]


def _on_white(pixels):
    if pixels.dtype == np.uint8:
        return np.array(as_rgb(Image.fromarray(pixels, "RGBA")))
    alpha = pixels[..., 3:] / 255
    return pixels[..., :3] * alpha + 255 * (1 - alpha)
