"""Rotation and elastic deformation: windows whose pixels are read at displaced places of an image.

A window is resampled once, whatever is done to it. Outside the image lies its mirror image, whose
targets are invalid.
"""

import math

NODES = 3  # nodes of the grid of displacements along each axis
_KEYS = -0.5  # the parameter of bicubic interpolation


def turn(tf, number):
    """Returns a float32 in [0, 1) for the rotation of the window of this number."""
    return tf.random.stateless_uniform([], tf.stack([number, tf.constant(2, tf.int64)]))


def drawn_angle(tf, augment, number):
    """Returns the angle, in radians, by which the window of this number is turned clockwise."""
    if not augment.degrees:
        return tf.constant(0.0)
    return (2 * turn(tf, number) - 1) * (augment.degrees * math.pi / 180)


def places(tf, size, window, factor, augment, draw, number):
    """Returns where in the image the pixels of a window are, two float32 arrays (H, W).

    Args:
        tf: TensorFlow.
        size: int32 (2,), rows and columns of the image.
        window: int32 (2,), rows and columns of the window.
        factor: Size of the window's content over its size in the image, or None for 1.
        augment: The `fcn_keras.data.Augmentation`, for its angle and elastic deformation.
        draw: float32 (9,) in [0, 1); numbers 1 and 2 say where the window is.
        number: int64 scalar: the same number draws the same angle and the same displacements.
    """
    rows, columns = (tf.cast(tf.range(side), tf.float32) for side in (window[0], window[1]))
    rows, columns = (rows - rows[-1] / 2)[:, None], (columns - columns[-1] / 2)[None]
    if augment.elastic:
        moved = _displacements(tf, window, augment.elastic, number)
        rows, columns = rows + moved[0], columns + moved[1]
    factor = 1.0 if factor is None else factor
    angle = drawn_angle(tf, augment, number)
    cos, sin = tf.cos(angle) / factor, tf.sin(angle) / factor
    centre = _centre(tf, size, window, cos, sin, factor, draw[1:3])
    return centre[0] + cos * rows - sin * columns, centre[1] + sin * rows + cos * columns


def _centre(tf, size, window, cos, sin, factor, draw):
    """Where the middle of a window is in the image, float32 (2,).

    Along an axis on which the turned window fits into the image, it lies within; on which the
    image fits into the window, the image does.
    """
    size, window = tf.cast(size, tf.float32), tf.cast(window, tf.float32)
    extent = window / factor
    turned = tf.abs(cos) * window + tf.abs(sin) * window[::-1]
    half = tf.where(extent > size, extent, tf.minimum(turned, size)) / 2
    low, high = tf.minimum(half, size - half), tf.maximum(half, size - half)
    return low + draw * (high - low) - 0.5


def _displacements(tf, window, elastic, number):
    """Smooth displacements in pixels, float32 (2, H, W): a grid of 3x3 normal vectors, bicubic."""
    grid = tf.random.stateless_normal(
        [2, NODES, NODES], tf.stack([number, tf.constant(1, tf.int64)]), stddev=elastic
    )
    down, across = (_bicubic(tf, window[axis]) for axis in (0, 1))
    return tf.matmul(tf.matmul(down, grid), across, transpose_b=True)


def _bicubic(tf, count):
    """The weights of the nodes at each of `count` places from the first to the last, (count, 3)."""
    at = tf.linspace(0.0, NODES - 1.0, count)[:, None]
    away = tf.abs(at - tf.range(-1.0, NODES + 1.0))  # with a copy of the node at each end
    a = _KEYS
    near = ((a + 2) * away - (a + 3)) * away**2 + 1
    far = ((a * away - 5 * a) * away + 8 * a) * away - 4 * a
    weights = tf.where(away <= 1, near, tf.where(away < 2, far, tf.zeros_like(away)))
    first, last = weights[:, :1] + weights[:, 1:2], weights[:, -2:-1] + weights[:, -1:]
    return tf.concat([first, weights[:, 2:-2], last], axis=1)


def bilinear(tf, image, rows, columns):
    """Returns the image at places between its pixels, float32 (H, W, channels)."""
    top, left = tf.floor(rows), tf.floor(columns)
    down, right = (rows - top)[..., None], (columns - left)[..., None]
    height, width = tf.shape(image)[0], tf.shape(image)[1]
    top, left = tf.cast(top, tf.int32), tf.cast(left, tf.int32)
    above, below = (_mirrored(tf, top + step, height) * width for step in (0, 1))
    before, after = (_mirrored(tf, left + step, width) for step in (0, 1))
    take = _taker(tf, image)
    upper, lower = take(above + before), take(below + before)
    upper += (take(above + after) - upper) * right
    lower += (take(below + after) - lower) * right
    return upper + (lower - upper) * down


def _taker(tf, image):
    """Returns `take(indices)` of pixels by their number, as float32.

    Up to four bytes of a pixel are taken as one number, which is several times as fast.
    """
    channels = image.shape[-1]
    if image.dtype != tf.uint8 or channels > 4:
        flat = tf.reshape(tf.cast(image, tf.float32), (-1, channels))
        return lambda indices: tf.gather(flat, indices)
    if channels == 1:
        flat = tf.reshape(tf.cast(image, tf.float32), (-1,))
        return lambda indices: tf.gather(flat, indices)[..., None]
    packed = tf.bitcast(tf.pad(image, [[0, 0], [0, 0], [0, 4 - channels]]), tf.int32)
    packed = tf.reshape(packed, (-1,))

    def take(indices):
        values = tf.bitcast(tf.gather(packed, indices), tf.uint8)
        return tf.cast(values[..., :channels], tf.float32)

    return take


def _mirrored(tf, index, count):
    """The index of a pixel of the image and its mirror images, which repeat without end."""
    index = tf.math.floormod(index, 2 * count)
    return tf.minimum(index, 2 * count - 1 - index)


def nearest(tf, maps, fills, rows, columns):
    """Returns maps at the nearest pixel of each place, and their fills outside the image.

    Args:
        tf: TensorFlow.
        maps: Arrays (H, W) or (H, W, C) of one size.
        fills: A value for each.
        rows, columns: float32 (height, width).
    """
    height, width = tf.shape(maps[0])[0], tf.shape(maps[0])[1]
    row, column = (tf.cast(tf.floor(at + 0.5), tf.int32) for at in (rows, columns))
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    row, column = tf.clip_by_value(row, 0, height - 1), tf.clip_by_value(column, 0, width - 1)
    index, found = row * width + column, []
    for array, fill in zip(maps, fills, strict=True):
        flat = tf.reshape(array, (-1, *array.shape[2:]))
        kept = inside if array.shape.rank == 2 else inside[..., None]
        found.append(tf.where(kept, tf.gather(flat, index), tf.cast(fill, array.dtype)))
    return found


def turned(tf, array, quarters):
    """Returns an array (H, W) or (H, W, C) turned counter-clockwise by so many quarters, 0 to 3."""

    def transposed():
        others = list(range(2, array.shape.rank))
        return tf.transpose(array, [1, 0, *others])

    return tf.switch_case(
        quarters,
        [
            lambda: array,
            lambda: tf.reverse(transposed(), [0]),
            lambda: tf.reverse(array, [0, 1]),
            lambda: tf.reverse(transposed(), [1]),
        ],
    )
