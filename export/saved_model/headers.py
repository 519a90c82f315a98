"""Reads the headers of image files in the graph, before any pixel is decoded.

No file raises an error here: after the end of a file that was cut short there are zeros.
"""

from typing import NamedTuple

import tensorflow as tf

from fcn_keras.export.saved_model.bytes import as_bytes, number, signed
from fcn_keras.export.saved_model.orientation import jpeg_orientation, png_orientation

OK = "ok"
DAMAGED = "The image is damaged or cut short."
_CMYK = "The JPEG is CMYK: save it as RGB."
_PROFILE = "The PNG keeps its EXIF data in a text chunk: save it upright, without that."
_BITMAP = "The BMP is compressed or not of 8, 24 or 32 bits: save it as PNG."
_CANVAS = "The first frame of the GIF does not fill its canvas: save it as PNG."
_TRANSPARENT = "The first frame of the GIF is transparent: save it as PNG."
_SEGMENTS, _BLOCKS = 1000, 100_000


class Header(NamedTuple):
    """The header of an image file, as tensors.

    Attributes:
        height, width: The stored size, int32.
        orientation: EXIF's orientation, 1 to 8, int32.
        end: Position after the first frame of a GIF, int32.
        status: "ok", or the reason why the file is refused.
    """

    height: tf.Tensor
    width: tf.Tensor
    orientation: tf.Tensor
    end: tf.Tensor
    status: tf.Tensor


def unknown(status):
    """Returns a function that returns the header of a file that is not an image."""
    return lambda: _header(0, 0, status=status)


def jpeg(contents):
    """Returns the header of a JPEG, from the segments before the image data."""
    data = as_bytes(contents)
    exif, frame, picture = _jpeg_segments(data)
    status = tf.where(number(data, frame + 9, 1) == 4, _CMYK, OK)
    return _header(
        number(data, frame + 5, 2, big=True),
        number(data, frame + 7, 2, big=True),
        jpeg_orientation(contents, exif, picture),
        status=tf.where(frame > 0, status, DAMAGED),
    )


def _jpeg_segments(data):
    """Positions of the EXIF data, the frame header and the image data; -1 for missing ones."""
    exif_name = int.from_bytes(b"Exif", "big")

    def step(position, exif, frame, _):
        first, marker = number(data, position, 1), number(data, position + 1, 1)
        is_marker = first == 0xFF
        fill = ~is_marker | (marker == 0xFF)
        alone = (marker == 1) | ((marker >= 0xD0) & (marker <= 0xD8))
        ended = is_marker & ((marker == 0xDA) | (marker == 0xD9))
        is_frame = is_marker & (marker >= 0xC0) & (marker <= 0xCF)
        is_frame &= (marker != 0xC4) & (marker != 0xC8) & (marker != 0xCC) & (frame < 0)
        is_exif = is_marker & (marker == 0xE1) & (exif < 0)
        is_exif &= number(data, position + 4, 4, big=True) == exif_name
        length = 2 + number(data, position + 2, 2, big=True)
        moved = position + tf.where(fill, 1, tf.where(alone, 2, length))
        return (
            tf.where(ended, position, moved),
            tf.where(is_exif, position + 10, exif),
            tf.where(is_frame, position, frame),
            ~ended & (position < tf.size(data)),
        )

    position, exif, frame, _ = tf.while_loop(
        lambda position, exif, frame, going: going,
        step,
        (tf.constant(2), tf.constant(-1), tf.constant(-1), tf.constant(True)),
        maximum_iterations=_SEGMENTS,
    )
    return exif, frame, tf.minimum(position, tf.size(data))


def png(contents):
    """Returns the header of a PNG, from IHDR, its first chunk."""
    data = as_bytes(contents)
    profile = tf.strings.regex_full_match(
        contents, rb"(?s)\C*(tEXt|zTXt|iTXt)Raw profile type exif\C*"
    )
    return _header(
        number(data, 20, 4, big=True),
        number(data, 16, 4, big=True),
        png_orientation(contents),
        status=tf.where(profile, _PROFILE, OK),
    )


def png_depth(contents):
    """Returns the bits of a PNG's sample, int32, and whether it is 16-bit grey without alpha."""
    data = as_bytes(contents)
    depth = number(data, 24, 1)
    return depth, (depth == 16) & (number(data, 25, 1) == 0)


def bmp(contents):
    """Returns the header of a BMP; the decoder cannot read compression and OS/2's headers."""
    data = as_bytes(contents)
    height = tf.abs(signed(data, 22))  # negative: stored from the top
    bits = number(data, 28, 2)
    plain = (number(data, 14, 4) >= 40) & (number(data, 30, 4) == 0)
    plain &= (bits == 8) | (bits == 24) | (bits == 32)
    status = tf.where(tf.size(data) < 54, DAMAGED, tf.where(plain, OK, _BITMAP))
    return _header(height, number(data, 18, 4), status=status)


def bmp_palette(contents):
    """Returns the colours of an 8-bit BMP, uint8 (256, 3); black for missing ones."""
    data = as_bytes(contents)
    start, stop = 14 + number(data, 14, 4), number(data, 10, 4)
    colors = data[start : tf.minimum(stop, start + 1024)]
    colors = tf.reshape(colors[: tf.size(colors) // 4 * 4], (-1, 4))[:, 2::-1]
    return tf.pad(colors, [[0, 256 - tf.shape(colors)[0]], [0, 0]])


def gif(contents):
    """Returns the header of a GIF; only its blocks up to the end of the first frame are read."""
    data = as_bytes(contents)
    width, height = number(data, 6, 2), number(data, 8, 2)
    frame, transparent, end = _first_frame(data)
    box = [number(data, frame + offset, 2) for offset in (1, 3, 5, 7)]
    fills = tf.reduce_all(tf.stack(box) == tf.stack([0, 0, width, height]))
    status = tf.where(transparent, _TRANSPARENT, tf.where(fills, OK, _CANVAS))
    return _header(height, width, end=end, status=tf.where(end > 0, status, DAMAGED))


def _first_frame(data):
    """Position of the first image descriptor, whether a colour is transparent, and the end of
    the frame's data; 0 for a missing position.
    """

    def byte(position):
        return number(data, position, 1)

    def table_size(flags):
        return tf.where(flags & 128 > 0, 3 * 2 ** ((flags & 7) + 1), 0)

    def step(position, within, frame, transparent, _):
        """Reads one sub-block, or the head of a block."""
        value = byte(position)
        extension, image = ~within & (value == 0x21), ~within & (value == 0x2C)
        control = extension & (byte(position + 1) == 0xF9)
        transparent |= control & (byte(position + 3) & 1 > 0)
        frame = tf.where(image, position, frame)
        head = tf.where(image, 11 + table_size(byte(position + 9)), 2)
        moved = position + tf.where(within, value + 1, head)
        sound = (extension | image | within) & (moved <= tf.size(data))
        within = ~within | (value > 0)
        return moved, within, frame, transparent, sound & (within | (frame < 0))

    start = 13 + table_size(byte(10))
    end, within, frame, transparent, _ = tf.while_loop(
        lambda *state: state[-1],
        step,
        (start, tf.constant(False), tf.constant(-1), tf.constant(False), tf.constant(True)),
        maximum_iterations=_BLOCKS,
    )
    whole = ~within & (frame >= 0) & (end <= tf.size(data))
    return tf.maximum(frame, 0), transparent, tf.where(whole, end, 0)


def _header(height, width, orientation=1, end=0, status=OK):
    numbers = (tf.convert_to_tensor(value, tf.int32) for value in (height, width, orientation, end))
    return Header(*numbers, tf.convert_to_tensor(status))
