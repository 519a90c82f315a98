"""How a mask file is stored: lossy or not, pages, bits, palette, transparency; then its pixels."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from PIL import Image, ImageOps

from fcn_keras.data.images.opening import UNREADABLE, opened
from fcn_keras.data.images.pages import count_pages
from fcn_keras.data.images.wide_colors import check_bands, is_wide_color, is_wide_grey, lower_bytes
from fcn_keras.data.masks import causes as mask_causes
from fcn_keras.data.masks.label_error import LabelError
from fcn_keras.data.masks.lossy import lossy_format

_BITS, _PHOTOMETRIC = 258, 262  # tags of TIFF
_WHITE_IS_ZERO = 0
_MODES = ("1", "L", "P", "LA", "PA", "RGB", "RGBA", "F")


@dataclass(frozen=True)
class StoredMask:
    """The pixels of a mask file and how they are stored.

    Attributes:
        path: The file.
        lossy: Name of the lossy compression, or None.
        values: The numbers of grey and palette images, (H, W); None for images in colour.
        palette: The colours of a palette image, uint8 (N, 3), else None.
        rgb: The pixels of an image in colour, uint8 (H, W, 3), else None.
        alpha: The opacity, uint8 (H, W), or None where it is the same everywhere.
        white: The value that is shown as white: 1, 3, 15, 255 or 65535.
        white_is_zero: Whether it is a TIFF of grey whose stored numbers count from white to black;
            `values` are as shown.
        alpha_is_channel: Whether the opacity is a channel of its own, not that of one colour.
    """

    path: object
    lossy: str | None
    values: np.ndarray | None
    palette: np.ndarray | None = None
    rgb: np.ndarray | None = None
    alpha: np.ndarray | None = None
    white: int = 255
    white_is_zero: bool = False
    alpha_is_channel: bool = False

    @classmethod
    def of_array(cls, values, path):
        """Returns the `StoredMask` of an array (H, W) or (H, W, 1) from a .npy file.

        Raises:
            ValueError: for an array of another shape or type; the message names `path`.
        """
        if values.ndim == 3 and values.shape[-1] == 1:
            values = values[..., 0]
        if values.ndim != 2 or values.dtype.kind not in "uibf":
            raise ValueError(
                f"{path}: a label map must be whole numbers (H, W), "
                f"got {values.dtype} {values.shape}."
            )
        if values.dtype.kind == "b":
            return cls(path, None, values.astype("uint8"), white=1)
        return cls(path, None, values, white=255 if values.dtype == np.uint8 else 65535)

    @cached_property
    def colors(self):
        """The colours of a mask in colour or with a palette, uint8 (H, W, 3), else None.

        None also for a palette mask with an index that has no colour.
        """
        if self.rgb is not None or self.palette is None:
            return self.rgb
        if self.values.max(initial=0) >= len(self.palette):
            return None
        return self.palette[self.values]

    @cached_property
    def is_black_and_white(self):
        """Whether it is grey and holds 255, and besides it 0 alone."""
        if self.palette is not None or self.values is None or self.values.max(initial=0) != 255:
            return False
        return not ((self.values > 0) & (self.values < 255)).any()

    def with_whole_numbers(self, num_classes):
        """Returns the mask with floats as whole numbers.

        Raises:
            LabelError: for other floats.
        """
        values = self.values
        if values is None or values.dtype.kind != "f":
            return self
        if not (values == np.round(values)).all() or np.abs(values).max(initial=0) > 2**31:
            raise LabelError(mask_causes.broken_numbers(self.path, values, num_classes))
        return replace(self, values=values.astype("int64"))


def read_stored(path):
    """Returns the `StoredMask` of an image file, upright.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: naming the file, if it cannot be read, has several pages or frames, or is of a
            mode that no mask has.
    """
    try:
        with opened(path) as image:
            lossy, count = lossy_format(image, path), count_pages(image)
            wide = is_wide_color(image) or is_wide_grey(image)
            if count == 1:
                check_bands(image)
                low = lower_bytes(lambda: opened(path)) if wide and not lossy else None
                image.load()
    except FileNotFoundError:
        raise
    except UNREADABLE as error:
        raise ValueError(f"{path} cannot be read as an image: {error}") from error
    if count > 1:
        what = "pages" if image.format == "TIFF" else "frames"
        raise ValueError(
            f"{path} has {count} {what}, and a mask is one image. Save the one that is the mask "
            "as a file of its own."
        )
    narrow = _narrowed(image, low, path) if wide else image
    return _stored(_plain_mode(ImageOps.exif_transpose(narrow), path), image, path, lossy)


def _narrowed(image, low, path):
    """An image of 16 bits a channel with 8 bits, where that loses nothing.

    Pillow gives the higher bytes. In a mask they equal the lower bytes (8 bits widened), or one of
    the two is 0 everywhere.
    """
    high = np.asarray(image)
    if low is None:
        plain = bool(np.isin(high, (0, 255)).all())  # black and white
    else:
        plain = bool((high == low).all() or not low.any())
    if plain:
        return image
    colors = 3 if image.mode == "RGBA" else high.shape[-1]
    if low is None or high[..., :colors].any():
        raise ValueError(
            f"{path} has 16 bits a channel, and its values are not those of 8 bits. Save it as a "
            "grey PNG (class numbers), or with 8 bits a channel (colours)."
        )
    numbers = Image.fromarray(np.concatenate([low[..., :colors], high[..., colors:]], axis=-1))
    numbers.info = {key: image.info[key] for key in ("exif",) if key in image.info}
    return numbers


def _plain_mode(image, path):
    """The image in one of `_MODES` or a mode of whole numbers."""
    mode = {"RGBX": "RGB", "RGBa": "RGBA", "La": "LA"}.get(image.mode, image.mode)
    if mode not in _MODES and not mode.startswith("I"):
        raise ValueError(
            f"{path} is an image of mode {mode}; masks are index, palette or RGB images."
        )
    return image if mode == image.mode else image.convert(mode)


def _stored(image, opened, path, lossy):
    palette = rgb = values = None
    white = {"1": 1, "F": 1}.get(image.mode, 65535 if image.mode.startswith("I") else 255)
    if image.mode in ("RGB", "RGBA"):
        rgb = np.asarray(image.convert("RGB"))
    else:
        values = np.asarray(image.getchannel(0) if image.mode in ("LA", "PA") else image)
        if image.mode == "1":
            values = values.astype("uint8")
        elif image.mode in ("P", "PA"):
            palette = np.array(image.getpalette("RGB"), "uint8").reshape(-1, 3)
        elif (top := _top(opened, path)) is not None:
            values = np.round(values * (top / white)).astype(values.dtype)
            white = top
    reverse = _counts_from_white(opened)
    if reverse and image.mode.startswith("I;16"):  # Pillow turns those of 8 bits itself
        values = 65535 - values
    return StoredMask(
        path, lossy, values, palette, rgb, _alpha(image, values, rgb), white, reverse,
        alpha_is_channel=image.mode in ("LA", "PA", "RGBA"),
    )  # fmt: skip


def _counts_from_white(image):
    """Whether 0 is white in a TIFF of grey with more than one bit."""
    grey = image.format == "TIFF" and (image.mode == "L" or image.mode.startswith("I;16"))
    return grey and image.tag_v2.get(_PHOTOMETRIC) == _WHITE_IS_ZERO


def _top(image, path):
    """The largest number that a file can store, where Pillow stretches numbers to 255 or 65535."""
    if image.format == "PNG" and image.mode == "L":
        with open(path, "rb") as file:
            depth = file.read(25)[24]
        return 2**depth - 1 if depth < 8 else None
    if image.format == "TIFF" and image.mode == "L":
        depth = image.tag_v2.get(_BITS, (8,))[0]
        return 2**depth - 1 if depth < 8 else None
    if image.format == "PPM" and image.mode in ("L", "I"):
        top = _largest_of_pgm(path)
        return top if top not in (None, 255, 65535) else None
    return None


def _largest_of_pgm(path):
    """The fourth word of the header of a PGM: its largest value."""
    with open(path, "rb") as file:
        lines = file.read(4096).split(b"\n")
    words = b" ".join(line.partition(b"#")[0] for line in lines).split()
    is_pgm = words[0] in (b"P2", b"P5") and len(words) > 3 and words[3].isdigit()
    return int(words[3]) if is_pgm else None


def _alpha(image, values, rgb):
    """The opacity of each pixel, or None where it is the same everywhere."""
    key = image.info.get("transparency")
    if image.mode in ("LA", "PA", "RGBA"):
        alpha = np.asarray(image.getchannel("A"))
    elif key is None:
        return None
    elif image.mode == "P" and isinstance(key, bytes):
        opacity = np.full(256, 255, "uint8")
        opacity[: len(key)] = np.frombuffer(key, "uint8")
        alpha = opacity[values]
    else:
        key = int(key > 0) if image.mode == "1" else key
        there = (rgb == np.array(key)).all(axis=-1) if rgb is not None else values == key
        alpha = np.where(there, 0, 255).astype("uint8")
    return alpha if alpha.size and (alpha != alpha.flat[0]).any() else None
