"""The headers of image files: which decoder gives the right pixels.

TensorFlow decodes faster than Pillow, but expands palettes and ignores the EXIF orientation.
"""

import struct
import zlib
from typing import NamedTuple

from fcn_keras.data.images.opening import UNREADABLE, opened
from fcn_keras.data.images.wide_colors import is_wide_color

ORIENTATION = 0x0112
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _PALETTE = 0, 3
_PROFILES = (b"Raw profile type", b"XML:com.adobe.xm")
_ORIENTED = ("exif", "Raw profile type exif", "XML:com.adobe.xmp", "xmp")


class IndexPng(NamedTuple):
    """Reading the values of a grey or palette PNG by a decoder that expands palettes.

    `prefix` followed by the file from byte `start` is the same PNG declared as grey. Decoders
    return `unit` times its values: they stretch 1, 2 or 4 bits to 0..255. `palette` holds the
    colours, 3 bytes each, and `transparent` says whether some value or index is.
    """

    prefix: bytes
    start: int
    unit: int
    palette: bytes = b""
    transparent: bool = False


def plain_image(path):
    """Returns whether TensorFlow's decoder gives the same as any `ImageReader`.

    It does for an upright, opaque RGB or grey file, PNG or JPEG, of 8 bits and one frame. False for
    a truncated file: the reader raises an error that names it.
    """
    try:
        with opened(path) as image:
            plain = image.format in ("PNG", "JPEG") and image.mode in ("RGB", "L")
            plain = plain and "transparency" not in image.info and not is_wide_color(image)
            return plain and getattr(image, "n_frames", 1) == 1 and _upright(image) and _whole(path)
    except UNREADABLE:
        return False


def index_png(path):
    """Returns the `IndexPng` of a mask of one channel and at most 8 bits; None for other files."""
    try:
        with open(path, "rb") as file:
            head = file.read(33)
            if head[:8] != _SIGNATURE or len(head) < 33 or not _whole(path):
                return None
            depth, kind = head[24], head[25]
            if depth > 8 or kind not in (_GREY, _PALETTE):
                return None
            unit = 255 // (2**depth - 1)
            found = _until_data_chunk(file)
    except OSError:
        return None
    if found is None:
        return None
    start, palette, transparent = found
    if kind == _GREY:
        return IndexPng(head, 33, unit, transparent=transparent)
    header = head[12:25] + bytes([_GREY]) + head[26:29]
    prefix = head[:12] + header + struct.pack(">I", zlib.crc32(header))
    return IndexPng(prefix, start, unit, palette, transparent)


def _until_data_chunk(file):
    """The position of the first IDAT chunk, the palette, and whether there is transparency.

    `file` is positioned after the header chunk. None if there is no IDAT chunk, or if a chunk
    before it may rotate the image (EXIF, XMP) or says that it has several frames.
    """
    palette, transparent = b"", False
    while True:
        start = file.tell()
        chunk = file.read(8)
        size, kind = chunk[:4], chunk[4:]
        if len(chunk) < 8 or kind in (b"eXIf", b"acTL"):
            return None
        if kind == b"IDAT":
            return start, palette, transparent
        if kind == b"PLTE":
            palette = file.read(struct.unpack(">I", size)[0])
        transparent |= kind == b"tRNS"
        if kind in (b"tEXt", b"zTXt", b"iTXt") and file.read(16).startswith(_PROFILES):
            return None
        file.seek(start + 12 + struct.unpack(">I", size)[0])


def _upright(image):
    if image.format == "PNG":  # getexif would decode the pixels
        return not any(key in image.info for key in _ORIENTED)
    return image.getexif().get(ORIENTATION, 1) == 1


def _whole(path):
    """Whether the file ends as a PNG or JPEG does."""
    with open(path, "rb") as file:
        size = file.seek(0, 2)
        file.seek(max(size - 1024, 0))
        end = file.read()
    return b"IEND" in end or b"\xff\xd9" in end
