"""Images as arrays: files of any format, and what a user passes to a net."""

import os

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

UNREADABLE = (
    UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError
)  # fmt: skip
SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp")


def is_image_name(path):
    """Whether a file in a folder counts as an image: by its suffix, hidden files left out."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def read_image(path):
    """Reads an image as RGB.

    The EXIF orientation is applied; grey and 16-bit images are converted (65535 becomes 255),
    transparency is put on white.

    Args:
        path: File of any format that Pillow reads.

    Returns:
        uint8 (H, W, 3).

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: naming the file, if it cannot be read as an image.

    Example:

    ```python
    image = fcn_keras.data.read_image("photo.jpg")
    ```
    """
    image = open_image(path)
    try:
        return np.array(as_rgb(image))
    except ValueError as error:
        raise ValueError(f"{path} cannot be used as an image: {error}") from error


def open_image(path):
    """The decoded Pillow image of a file, not yet converted."""
    try:
        with Image.open(path) as image:
            image.load()
    except FileNotFoundError:
        raise
    except UNREADABLE as error:
        raise ValueError(f"{path} cannot be read as an image: {error}") from error
    return image


def as_rgb(image):
    """A Pillow image upright, as RGB."""
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


def to_input(image, shape=(None, None, 3)):
    """Returns an image as the array of 0-255 that a model takes.

    Args:
        image: A path, a PIL image, or an array (H, W) or (H, W, channels), integer or float, of
            values 0-255. Grey is repeated to RGB; transparency is put on white.
        shape: What the model takes, (H, W, channels) with None for an open size. Of other channel
            counts than 1 and 3 only arrays of that depth will do.

    Returns:
        uint8 (H, W, channels); float32 if a float array was given.

    Raises:
        FileNotFoundError: if the file is missing.
        ValueError: if the file is no image, the array's shape is no image's or not the model's,
            it is empty, or its values are not on the scale 0-255.
        TypeError: if it is none of the above.

    Example:

    ```python
    to_input(np.zeros((4, 6), "uint8")).shape   # (4, 6, 3)
    ```
    """
    if isinstance(image, (str, os.PathLike)):
        image = read_image(image)
    elif isinstance(image, Image.Image):
        image = np.array(as_rgb(image))
    elif not hasattr(image, "__array__"):
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
    return pixels if pixels.dtype == np.uint8 else _on_scale(pixels)


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
    if channels == 1 and depth == 3 and pixels.dtype == np.uint8:
        return np.asarray(Image.fromarray(pixels).convert("L"))[..., None]
    hint = ""
    if pixels.ndim == 3 and shape[0] in (channels, 1, 3, 4):
        hint = " The channels come last: try image.transpose(1, 2, 0)."
    raise ValueError(f"The model takes images (H, W, {channels}); got shape {shape}.{hint}")


def _on_white(pixels):
    if pixels.dtype == np.uint8:
        return np.array(as_rgb(Image.fromarray(pixels, "RGBA")))
    alpha = pixels[..., 3:] / 255
    return pixels[..., :3] * alpha + 255 * (1 - alpha)


def _on_scale(pixels):
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
