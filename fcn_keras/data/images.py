"""Image files as RGB arrays, whatever they were saved as."""

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp")


def read_image(path):
    """Reads an image as RGB.

    The EXIF orientation is applied; grey and 16-bit images are converted (16 bits are scaled to
    8), transparency is put on white.

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
    return np.array(as_rgb(open_image(path)))


def open_image(path):
    """The decoded Pillow image of a file, not yet converted."""
    try:
        image = Image.open(path)
        image.load()
    except FileNotFoundError:
        raise
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise ValueError(f"{path} cannot be read as an image: {error}") from error
    return image


def as_rgb(image):
    """A Pillow image upright, as RGB."""
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, "float64")
        top = 65535 if values.max() > 255 else 255
        return Image.fromarray(np.round(values * (255 / top)).astype("uint8")).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")
