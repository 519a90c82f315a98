"""ImageReader: how the image files of a data set are read, decided once for all of them."""

import contextlib
import dataclasses
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps

from fcn_keras.checks import one_of, whole_number
from fcn_keras.data.images import alpha as alphas
from fcn_keras.data.images import tiff
from fcn_keras.data.images.npy import is_npy, read_npy
from fcn_keras.data.images.opening import UNREADABLE, opened, raised_limit, reading
from fcn_keras.data.images.pages import choose_page
from fcn_keras.data.images.scale import BITS, in_8_bits, on_scale
from fcn_keras.data.images.wide_colors import (
    check_bands,
    in_8_bit_colors,
    is_wide_color,
    lower_bytes,
)
from fcn_keras.options import Option

SCALED = ("JPEG2000", "PPM")  # Pillow scales their values to 16 bits
NOTED = {2**bits - 1: bits for bits in range(9, 16)}
TWELVE = (12,)  # BitsPerSample of a TIFF
ORIENTATION = 0x0112
OPTIONS = {
    "bits": Option("Bits of the values in images of 16 bits: 12 if 4095 is white.", kind=int),
    "alpha": Option(
        "Meaning of the images' alpha: ignore, composite (transparency, put on white) or band (a "
        "channel of its own).",
        kind=str,
        choices=alphas.ALPHAS,
    ),
    "page": Option("Page or frame of the images that hold several, from 0.", kind=int),
}


@dataclass(frozen=True)
class ImageReader:
    """Reads image files as images of 0-255; calling it with a path returns the array.

    Without options it reads what can be understood in one way, and refuses other files by name:
    16-bit files that do not use their range, TIFFs whose fourth band may or may not be
    transparency, files with several pages. A training stores the options in the net, and
    prediction reads files by them.

    Attributes:
        bits: Bits of the values that are stored in 16 bits, 8 to 16: with 12, 4095 becomes 255.
            None: 16 where a value is above 16383, 8 where none is above 255.
        alpha: "ignore", "composite" or "band". None: alpha of PNG, WebP and GIF files is
            transparency, which is put on white; where it is 255 everywhere it is left out.
        page: Page of a TIFF or frame of an animation, from 0. None: there must be but one.
        decided: Whether `bits` was looked for in the files of a data set already.
        found: Whether `bits` was found there.
        unsure: Whether that showed that `bits` is needed: files of 16 bits are refused without.

    Raises:
        ValueError: for options with other values.

    Example:

    ```python
    reader = fcn_keras.data.ImageReader(bits=12)
    image = reader("street.jpg")        # uint8 (H, W, 3)
    ```
    """

    bits: int | None = None
    alpha: str | None = None
    page: int | None = None
    decided: bool = dataclasses.field(default=False, compare=False, repr=False)
    found: bool = dataclasses.field(default=False, compare=False, repr=False)
    unsure: bool = dataclasses.field(default=False, compare=False, repr=False)

    def __post_init__(self):
        if self.bits is not None:
            whole_number("bits", self.bits, BITS[0], BITS[-1])
        if self.alpha is not None:
            one_of("alpha", self.alpha, alphas.ALPHAS)
        if self.page is not None:
            whole_number("page", self.page, 0)

    def __call__(self, path):
        """Returns the image in a file; see `read_image`."""
        with _naming(path):
            if is_npy(path):
                return self._from_npy(read_npy(path))
            picture = self._picture(path)
            return np.array(picture.convert("RGB") if picture.mode == "L" else picture)

    def picture(self, path):
        """Returns the image in a file of a format that Pillow reads, as a Pillow image.

        Returns:
            A Pillow image, upright, of mode L or RGB; with alpha="band" also LA or RGBA.

        Raises:
            FileNotFoundError, ValueError: as `read_image`.
        """
        with _naming(path):
            return self._picture(path)

    def converted(self, image):
        """Returns a Pillow image as `picture` does; the page is the one it is at.

        Raises:
            ValueError: for an image that cannot be converted, or not in one way only.
        """
        return self._converted(image, _low(image, lambda: _again(image)))

    def filled(self, other):
        """Returns the reader with the options of `other` where it was given none itself."""
        mine, theirs = self.to_config(), other.to_config()
        if self.found and "bits" in theirs:
            del mine["bits"]
        joined = {**theirs, **mine}
        return self if joined == self.to_config() else ImageReader(**joined, decided=self.decided)

    def warn_if_other(self, trained, data):
        """Warns where an option is another than in the reader of a training that has it too.

        Args:
            trained: The `ImageReader` of the training.
            data: Name of the data, for the message.
        """
        mine, theirs = self.to_config(), trained.to_config()
        difference = ", ".join(
            f"{name}={mine[name]} and {name}={theirs[name]}"
            for name in mine
            if theirs.get(name, mine[name]) != mine[name]
        )
        if difference:
            warnings.warn(
                f"The images of {data} are read with other options than those of the training: "
                f"{difference}.",
                stacklevel=4,
            )

    def to_config(self):
        """Returns the options that are set, {name: value} of JSON types."""
        named = {"bits": self.bits, "alpha": self.alpha, "page": self.page}
        return {name: value for name, value in named.items() if value is not None}

    @classmethod
    def from_config(cls, config):
        """Returns the reader that `to_config` described; None stands for no options."""
        return cls(**(config or {}))

    @staticmethod
    def declared_bits(image):
        """Returns the bits of a Pillow image's 16-bit values that its format tells, or None."""
        if image.format in SCALED:
            return 16
        return 12 if image.format == "TIFF" and image.tag_v2.get(tiff.DEPTHS) == TWELVE else None

    @staticmethod
    def noted_bits(image):
        """Returns the bits that a TIFF notes of its 16-bit values (MaxSampleValue), or None."""
        noted = image.tag_v2.get(tiff.HIGHEST) if image.format == "TIFF" else None
        highest = noted[0] if isinstance(noted, tuple) else noted
        return NOTED.get(highest)

    def _picture(self, path):
        with self._opened(path) as image:
            extra = tiff.extra_bands(image)
            if extra and self.alpha != "ignore" and image.mode in ("L", "RGB", "RGBA"):
                image = self._with_extra(path, image, extra)
            check_bands(image)
            low = _low(image, lambda: self._opened(path))
            with reading(path):
                image.load()
        return self._converted(image, low)

    @contextlib.contextmanager
    def _opened(self, path):
        """Gives the Pillow image of a file at its page, not yet decoded."""
        with contextlib.ExitStack() as stack:
            with reading(path):
                image = stack.enter_context(opened(path))
            try:
                choose_page(image, self.page)
            except ValueError:
                raise
            except UNREADABLE as error:
                raise ValueError(f"{path} cannot be read as an image: {error}") from error
            yield image

    def _with_extra(self, path, image, extra):
        """The opened image of a TIFF with more bands than Pillow reads."""
        bands = extra + len(image.getbands())
        if extra > 1:
            raise ValueError(
                f"it holds {bands} bands, of which Pillow reads {len(image.getbands())}: save it "
                'as .npy (H, W, channels), or give alpha="ignore" to leave the others out'
            )
        with raised_limit:
            whole = tiff.with_extra_band(path, self.page)
        lowest, highest = whole.getchannel(whole.getbands()[-1]).getextrema()
        if self.alpha is None and lowest == highest:
            return image
        if self.alpha is None:
            raise ValueError(
                f"it holds {bands} bands, the last of no stated meaning with values of {lowest} to "
                f"{highest}: {alphas.CHOICE}"
            )
        with raised_limit:
            return tiff.with_extra_band(path, self.page)

    def _converted(self, image, low):
        """The image upright and of 8 bits; `low` gives the lower bytes of a wide colour image."""
        kind = image.format
        white_is_zero = kind == "TIFF" and image.tag_v2.get(tiff.PHOTOMETRIC) == 0
        bits = self.declared_bits(image) or self.bits or self.noted_bits(image)
        bits = 0 if bits is None and self.unsure else bits
        if low is not None:
            turned = Image.Exif()
            turned[ORIENTATION] = image.getexif().get(ORIENTATION, 1)
            image = in_8_bit_colors(image, low, bits)
            image.info["exif"] = turned.tobytes()
        image = ImageOps.exif_transpose(image)
        if image.mode == "F":
            raise ValueError(
                "its pixels are floats of unknown range; save it with 8 or 16 bits, or as .npy of "
                "values 0-255"
            )
        if image.mode.startswith("I"):
            grey = in_8_bits(np.asarray(image), bits)
            return Image.fromarray(255 - grey if white_is_zero else grey)
        if alphas.has_alpha(image):
            return alphas.settled_alpha(image, self.alpha, kind)
        if image.mode == "LAB":
            raise ValueError("its colours are stored as L*a*b*; save it as RGB")
        return image if image.mode in ("L", "RGB") else image.convert("RGB")

    def _from_npy(self, pixels):
        if pixels.ndim == 2:
            pixels = pixels[..., None]
        if pixels.ndim != 3 or not pixels.size:
            raise ValueError(f"its array is {pixels.shape}, not (H, W) or (H, W, channels)")
        return self.scaled(pixels)

    def scaled(self, pixels):
        """Returns an array on the scale 0-255; whole numbers of 16 bits are scaled by `bits`.

        Raises:
            ValueError: for values that are not on that scale.
        """
        if self.bits is not None and pixels.dtype.kind in "ui" and pixels.dtype.itemsize > 1:
            return in_8_bits(pixels, self.bits)
        return on_scale(pixels)


def read_image(path, *, bits=None, alpha=None, page=None):
    """Reads an image.

    Files of photographs become RGB: the EXIF orientation is applied, grey and 16-bit images are
    converted, transparency is put on white. A .npy file (or .npz of one array) of values 0-255 may
    have any number of channels.

    Args:
        path: File of any format that Pillow reads; or a .npy or .npz file, (H, W) or
            (H, W, channels).
        bits: Bits of the values that are stored in 16 bits: with 12, 4095 becomes 255. Needed for
            16-bit files whose highest value is between 256 and 16383.
        alpha: What alpha, or the fourth band of a TIFF, is: "ignore" leaves it out, "composite"
            puts the image on white, "band" keeps it as a channel. Needed for TIFFs whose alpha has
            values between 0 and 255.
        page: Page or frame of a file that holds several, from 0; needed for these.

    Returns:
        uint8 (H, W, 3); with alpha="band" and a file with alpha (H, W, 4), or (H, W, 2) of grey.
        Of a .npy file: (H, W, channels), uint8, or float32 if it holds floats.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: naming the file, if it cannot be read as an image, or not in one way only.

    Example:

    ```python
    image = fcn_keras.data.read_image("photo.jpg")
    ```
    """
    return ImageReader(bits, alpha, page)(path)


def _low(image, reopen):
    """A function that gives the lower bytes of a wide colour image; None for other images."""
    return (lambda: lower_bytes(reopen)) if is_wide_color(image) else None


@contextlib.contextmanager
def _again(image):
    """Gives a Pillow image of a file, opened once more at its page."""
    if not getattr(image, "filename", ""):
        raise ValueError("its lower bytes cannot be read; pass its path, or an array")
    with opened(image.filename) as again:
        again.seek(image.tell())
        yield again


@contextlib.contextmanager
def _naming(path):
    """Within it a ValueError that does not name the file becomes one that does."""
    try:
        yield
    except ValueError as error:
        if str(path) in str(error):
            raise
        raise ValueError(f"{path} cannot be used as an image: {error}") from error
