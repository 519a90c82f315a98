"""What the header of a TIFF says of its bands, also where Pillow cannot read the file."""

import io
import mmap
import struct
from pathlib import Path

from PIL import Image, UnidentifiedImageError

DEPTHS, PHOTOMETRIC, SAMPLES, EXTRA, FORMATS = 258, 262, 277, 338, 339  # tags
HIGHEST = 281  # tag: the highest value, of a writer that knows
ALPHA = 2  # a value of EXTRA
UNREAD = (
    "its extra band cannot be read; save it as .npy (H, W, channels), or leave the band out: "
    'alpha="ignore"'
)
BEGINNINGS = (b"II*\0", b"MM\0*")
_SHORT, _LONG = 3, 4
_SIZES = {_SHORT: 2, _LONG: 4}


def why_unreadable(path):
    """Returns why Pillow cannot read a TIFF, from its bands; None if that is not the reason."""
    with open(path, "rb") as file:
        if file.read(4) not in BEGINNINGS:
            return None
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            found = _header(content)
    if found is None or not found.get(SAMPLES):
        return None
    bands, depth = found[SAMPLES][0][0], found.get(DEPTHS, ([8], 0))[0][0]
    kind = " floats" if found.get(FORMATS, ([1], 0))[0][0] == 3 else ""
    return (
        f"it is a TIFF of {bands} band{'s' * (bands > 1)} of {depth} bits{kind}, which Pillow "
        "cannot read; save it as .npy (H, W, channels) of values 0-255, or as uint16 with bits=N"
    )


def extra_bands(image):
    """Returns how many bands of an opened Pillow image, a TIFF, are left out when it is loaded."""
    if image.format != "TIFF":
        return 0
    return image.tag_v2.get(SAMPLES, 1) - len(image.getbands())


def with_extra_band(path, page):
    """Returns the opened Pillow image of a TIFF whose one extra band of no stated meaning is alpha.

    Pillow leaves such a band out; it keeps one that the file calls alpha.

    Args:
        path: A TIFF of one band more than grey or RGB.
        page: Number of the page; only the first is possible.

    Raises:
        ValueError: if it cannot be read so.
    """
    content = bytearray(Path(path).read_bytes())
    found = _header(bytes(content))
    if found is None or len(found.get(EXTRA, ([], 0))[0]) != 1 or page:
        raise ValueError(UNREAD)
    order = "<" if content[:2] == b"II" else ">"
    struct.pack_into(order + "H", content, found[EXTRA][1], ALPHA)
    try:
        return Image.open(io.BytesIO(bytes(content)))
    except UnidentifiedImageError:
        raise ValueError(UNREAD) from None


def _header(content):
    """{tag: (values, position of the first)} of the whole numbers in the first directory.

    None for what is no TIFF of 32-bit offsets.
    """
    if content[:4] not in BEGINNINGS:
        return None
    order, found = ("<" if content[:2] == b"II" else ">"), {}
    try:
        (start,) = struct.unpack_from(order + "I", content, 4)
        (count,) = struct.unpack_from(order + "H", content, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, length = struct.unpack_from(order + "HHI", content, entry)
            if kind not in _SIZES or length > 64:
                continue
            place = entry + 8
            if _SIZES[kind] * length > 4:
                (place,) = struct.unpack_from(order + "I", content, place)
            letters = ("H" if kind == _SHORT else "I") * length
            found[tag] = (struct.unpack_from(order + letters, content, place), place)
    except struct.error:
        return None
    return found
