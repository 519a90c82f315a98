"""Image files as RGB arrays, whatever they were saved as."""

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
