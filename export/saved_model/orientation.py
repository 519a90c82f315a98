"""Reads EXIF's orientation of a JPEG or PNG in the graph, as Pillow does.

It is taken from XMP if EXIF has none.
"""

import tensorflow as tf

from fcn_keras.export.saved_model.bytes import as_bytes, number

_ORIENTATION = 0x0112
_SHORT = 3
_XMP = rb'(?s)^\C*?tiff:Orientation(?:="|>)([0-9])\C*$'


def jpeg_orientation(contents, exif, picture):
    """Returns the orientation of a JPEG, 1 to 8; 1 if it has none.

    Args:
        contents: The file, a scalar string tensor.
        exif: Position of the EXIF data, or -1.
        picture: Position of the image data.
    """
    stored = tf.cond(
        (exif > 0) & (exif < tf.strings.length(contents)),
        lambda: _from_exif(tf.strings.substr(contents, exif, -1)),
        lambda: tf.constant(0),
    )
    return _known(stored, tf.strings.substr(contents, 0, picture))


def png_orientation(contents):
    """Returns the orientation of a PNG, 1 to 8; 1 if it has none."""
    rest = tf.strings.regex_replace(
        contents, rb"(?s)^\C*?eXIf((?:II\*\x00|MM\x00\*)\C*)$", rb"\1", replace_global=False
    )
    found = tf.strings.length(rest) < tf.strings.length(contents)
    stored = tf.cond(found, lambda: _from_exif(rest), lambda: tf.constant(0))
    return _known(stored, contents)


def _known(stored, text):
    """The orientation of EXIF if it is not 0, else that of XMP; other values than 2 to 8 mean 1."""
    digit = tf.cond(
        stored > 0,
        lambda: tf.constant(b"0"),
        lambda: tf.strings.regex_replace(text, _XMP, rb"\1", replace_global=False),
    )
    said = tf.cond(
        tf.strings.length(digit) == 1,
        lambda: tf.strings.to_number(digit, tf.int32),
        lambda: tf.constant(0),
    )
    orientation = tf.where(stored > 0, stored, said)
    return tf.where((orientation > 1) & (orientation < 9), orientation, 1)


def _from_exif(tiff):
    """The orientation in TIFF data; 0 if there is none, or if it is not a short."""
    data = as_bytes(tiff)
    big = tf.strings.substr(tiff, 0, 1) == b"M"
    start = tf.minimum(number(data, 4, 4, big), tf.size(data))
    entries = data[start + 2 :]
    count = tf.minimum(number(data, start, 2, big), tf.size(entries) // 12)
    entries = tf.reshape(entries[: 12 * count], (-1, 12))

    def short(column):
        pair = tf.cast(entries[:, column : column + 2], tf.int32)
        return tf.reduce_sum(pair * tf.where(big, [256, 1], [1, 256]), -1)

    there = (short(0) == _ORIENTATION) & (short(2) == _SHORT)
    return tf.reduce_max(tf.concat([tf.where(there, short(8), 0), [0]], 0))
