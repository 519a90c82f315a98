"""Which image files were compressed with loss: their pixels are not what was saved."""

import struct

_LOSSLESS_JPEG = (0xC3, 0xC7, 0xCB, 0xCF)
_FRAMES = range(0xC0, 0xD0)  # start of frame, but for C4, C8 and CC
_NO_FRAMES = (0xC4, 0xC8, 0xCC)
_TIFF_COMPRESSION = 259
_TIFF_LOSSY = {  # by the number of the compression
    6: "JPEG", 7: "JPEG", 33003: "JPEG 2000", 33005: "JPEG 2000", 34712: "JPEG 2000",
    34892: "JPEG", 50001: "WebP", 50002: "JPEG XL",
}  # fmt: skip
_BLOCKS = ("bcn", "BLP1", "BLP2")  # codecs of textures, four bits or a byte for a pixel


def lossy_format(image, path):
    """Returns the name of the lossy compression of an image file, or None.

    A format that can be either, such as WebP, JPEG 2000 or TIFF, is judged by what the file says.

    Args:
        image: The Pillow image of the file, opened and not yet decoded.
        path: The file.

    Returns:
        Such as "JPEG", "lossy WebP" or "TIFF with JPEG compression"; None for lossless files.

    Example:

    ```python
    with Image.open("mask.jpg") as image:
        print(lossy_format(image, "mask.jpg"))      # JPEG
    ```
    """
    if image.format in ("JPEG", "MPO"):
        return None if _is_lossless_jpeg(_content(path)) else "JPEG"
    if image.format == "WEBP":
        return "lossy WebP" if _webp_has_lossy_part(_content(path)) else None
    if image.format == "JPEG2000":
        return None if _is_reversible_jpeg_2000(_content(path)) else "lossy JPEG 2000"
    if image.format == "AVIF":
        return "AVIF"
    if image.format == "TIFF":
        kind = _TIFF_LOSSY.get(image.tag_v2.get(_TIFF_COMPRESSION))
        return f"TIFF with {kind} compression" if kind else None
    if image.tile and image.tile[0][0] in _BLOCKS:
        return f"{image.format} with texture compression"
    return None


def _content(path):
    with open(path, "rb") as file:
        return file.read()


def _is_lossless_jpeg(data):
    """Whether the frame of a JPEG is of one of the lossless processes, which few programs write."""
    place = 2
    while place + 4 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker == 0xFF:  # fill byte
            place += 1
            continue
        if marker in _FRAMES and marker not in _NO_FRAMES:
            return marker in _LOSSLESS_JPEG
        place += 2 + struct.unpack(">H", data[place + 2 : place + 4])[0]
    return False


def _webp_has_lossy_part(data):
    """Whether a WebP has a chunk of the lossy codec, VP8, alone or in a frame."""
    place = 12
    while place + 8 <= len(data):
        kind, size = data[place : place + 4], struct.unpack("<I", data[place + 4 : place + 8])[0]
        if kind == b"VP8 ":
            return True
        # a frame of an animation has 16 bytes of its own before its chunks
        place += 24 if kind == b"ANMF" else 8 + size + size % 2
    return False


def _is_reversible_jpeg_2000(data):
    """Whether a JPEG 2000 codestream uses the reversible wavelet, 5-3."""
    place = data.find(b"\xff\x4f\xff\x51") + 2  # start of codestream, then its size
    while place >= 2 and place + 4 <= len(data):
        marker, size = struct.unpack(">HH", data[place : place + 4])
        if marker == 0xFF52:  # coding style
            return data[place + 13] == 1
        place += 2 + size
    return False
