"""Numbers in the bytes of a file, read in the graph; after the end of the file there are zeros."""

import tensorflow as tf


def as_bytes(contents):
    """Returns the bytes of a scalar string tensor, uint8 (length,)."""
    return tf.io.decode_raw(contents, tf.uint8)


def number(data, start, count, big=False):
    """Returns the unsigned integer in `count` bytes from `start`, as int32, clipped to its range.

    Args:
        data: Bytes, uint8 (length,).
        start: Position of the first byte.
        count: Number of bytes.
        big: Whether the highest byte comes first; may be a tensor.
    """
    weights = tf.constant([256**i for i in range(count)], tf.int64)
    weights = tf.where(big, weights[::-1], weights)
    value = tf.reduce_sum(tf.cast(_slice(data, start, count), tf.int64) * weights)
    return tf.cast(tf.minimum(value, tf.int32.max), tf.int32)


def signed(data, start):
    """Returns the signed integer in four bytes from `start`, the lowest first, as int32."""
    return tf.bitcast(_slice(data, start, 4), tf.int32)


def _slice(data, start, count):
    given = data[start : start + count]
    return tf.ensure_shape(tf.pad(given, [[0, count - tf.size(given)]]), (count,))
