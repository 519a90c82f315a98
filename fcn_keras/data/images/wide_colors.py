"""Colour files of 16 bits a channel, of which Pillow alone gives the higher eight bits."""

import sys

import numpy as np
from PIL import Image

from fcn_keras.data.images.scale import SURE, in_8_bits, unsure

DEPTHS, COMPRESSION, PLANAR = 258, 259, 284  # TIFF tags; planar is 2: each band is by itself
_SWAPPED = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}


def is_wide_color(image):
    """Returns whether an opened Pillow image, not yet loaded, has 16 bits a channel of several."""
    if image.mode not in ("RGB", "RGBA", "CMYK"):
        return False
    depths = getattr(image, "tag_v2", {}).get(DEPTHS, (8,))
    return max(depths) > 8 or any(";16" in rawmode for rawmode in _rawmodes(image))


def is_wide_grey(image):
    """Returns whether an opened Pillow image, not yet loaded, has alpha and grey of 16 bits."""
    return image.mode == "LA" and any(";16" in rawmode for rawmode in _rawmodes(image))


def check_bands(image):
    """Raises ValueError for an opened TIFF of 16 bits whose bands Pillow would mix up."""
    tag = getattr(image, "tag_v2", {})
    if tag.get(PLANAR, 1) == 2 and tag.get(COMPRESSION, 1) == 1 and max(tag[DEPTHS]) > 8:
        raise ValueError(
            "its bands of 16 bits are stored one after the other, without compression, which "
            "Pillow cannot read; save it pixel by pixel, or as .npy (H, W, channels)"
        )


def in_8_bit_colors(image, low, bits):
    """Returns a colour image of 16 bits a channel with 8 bits.

    Args:
        image: The loaded Pillow image, with the higher bytes.
        low: Function without arguments that returns the lower bytes, an array like the image; or
            None where there are none.
        bits: As for `in_8_bits`. With 16 the higher bytes are the result.

    Raises:
        ValueError: as `in_8_bits`; for other bits than 16 where the lower bytes cannot be read.
    """
    high = np.asarray(image)
    colors = 3 if image.mode == "RGBA" else high.shape[-1]  # alpha may be full where colours end
    highest = int(high[..., :colors].max(initial=0))
    if bits == 16 or bits is None and highest >= SURE // 256:
        return image.copy()
    lower = low()
    if lower is None:
        raise ValueError(
            (unsure(256 * highest + 255) if bits is None else f"bits={bits} cannot be applied")
            + "; only its higher eight bits can be read, so save it with 8 bits"
        )
    values = high.astype("uint16") * np.uint16(256) + lower
    result = in_8_bits(values[..., :colors], bits)
    if colors < high.shape[-1]:
        alpha = values[..., colors:]
        fits = bits is not None and alpha.max(initial=0) < 2**bits
        result = np.concatenate([result, in_8_bits(alpha, bits if fits else 16)], -1)
    return Image.fromarray(result)


def lower_bytes(reopen):
    """Returns the lower bytes of a colour file of 16 bits, or None where Pillow cannot give them.

    Pillow keeps the first of the two bytes that the order of the file's bytes says. Read in the
    other order it keeps the second.

    Args:
        reopen: Function without arguments that opens the file anew at the page.
    """
    with reopen() as image:
        tag = getattr(image, "tag_v2", {})
        one_order = any("LA;16" in mode or "a;16" in mode for mode in _rawmodes(image))
        if one_order or tag.get(PLANAR, 1) == 2:
            return None
        image.tile = [tile._replace(args=_swapped(tile.args)) for tile in image.tile]
        image.load()
        return np.asarray(image)


def _rawmodes(image):
    for tile in getattr(image, "tile", ()):  # an image that was made in memory has none
        yield tile.args if isinstance(tile.args, str) else str((tile.args or ("",))[0])


def _swapped(args):
    rawmode, rest = (args, None) if isinstance(args, str) else (args[0], args[1:])
    start, _, order = rawmode.partition(";16")
    rawmode = f"{start};16{_SWAPPED[order[:1]]}{order[1:]}"
    return rawmode if rest is None else (rawmode, *rest)
