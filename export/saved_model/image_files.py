"""Decodes image files in the graph, as `fcn_keras.data.read_image` does, or says why not.

One damaged image must not fail the whole batch.
"""

import tensorflow as tf

from fcn_keras.data.images.scale import SURE
from fcn_keras.export.saved_model import headers
from fcn_keras.export.saved_model.headers import DAMAGED, OK

_UNKNOWN = "The bytes are not a JPEG, PNG, BMP or GIF image."
_LONGEST_SIDE = 65535
_BEGINNINGS = ((b"\xff\xd8\xff",), (b"\x89PNG\r\n\x1a\n",), (b"BM",), (b"GIF87a", b"GIF89a"))
_HEADERS = (headers.jpeg, headers.png, headers.bmp, headers.gif)


def decoder(max_megapixels, shape, images=None):
    """Returns a function `decode(contents) -> (image, status)`.

    `contents` is a scalar string tensor; `image` is uint8 of `shape`; `status` is "ok" or the
    reason why the file is refused, and then the image is empty. The header is checked before the
    pixels are decoded.

    Args:
        max_megapixels: Largest image.
        shape: (H, W, channels) of the images that the model takes, with None for an open size.
        images: Config of the `fcn_keras.data.ImageReader` of the training, or None.
    """
    options = images or {}

    def decode(contents):
        fits = [_begins(contents, beginnings) for beginnings in _BEGINNINGS]
        kind = tf.argmax(tf.cast([*fits, True], tf.int32), output_type=tf.int32)  # the first True
        header = tf.switch_case(
            kind,
            [*(lambda read=read: read(contents) for read in _HEADERS), headers.unknown(_UNKNOWN)],
        )
        status = _checked(header, max_megapixels, shape)

        def pixels():
            image, found = tf.switch_case(
                kind,
                [
                    lambda: (_jpeg(contents), OK),
                    lambda: _png(contents, options.get("bits"), options.get("alpha")),
                    lambda: (_bmp(contents), OK),
                    lambda: (_gif(contents, header.end), OK),
                ],
            )
            return _turned(_as_channels(image, shape[2]), header.orientation), found

        empty = tf.zeros((0, 0, shape[2]), tf.uint8)
        image, status = tf.cond(status == OK, pixels, lambda: (empty, status))
        damaged = (status == OK) & (tf.size(image) == 0)
        return tf.ensure_shape(image, (None, None, shape[2])), tf.where(damaged, DAMAGED, status)

    return decode


def _unless_damaged(decode, contents, channels=3, dtype=tf.uint8):
    """The decoder's image (H, W, channels); without pixels if the decoder raises an error.

    A dataset can drop an element that raises an error. Its function is traced and optimized at
    each call: that takes 4 ms with only the decoder in it and without optimizations, and 2 s with
    all of this module in it.
    """
    options = tf.data.Options()
    options.experimental_optimization.apply_default_optimizations = False
    options.autotune.enabled = False
    files = tf.data.Dataset.from_tensors(contents).with_options(options)
    images = files.map(decode).ignore_errors()
    return images.reduce(tf.zeros((0, 0, channels), dtype), lambda _, image: image)


def _checked(header, max_megapixels, shape):
    """The status of the header, or the reason why its size is refused."""
    height, width = header.height, header.width
    swapped = header.orientation > 4
    height, width = tf.where(swapped, width, height), tf.where(swapped, height, width)
    size = tf.strings.join([tf.strings.as_string(height), "x", tf.strings.as_string(width)])
    large = tf.cast(height, tf.float64) * tf.cast(width, tf.float64) > max_megapixels * 1e6
    large |= tf.maximum(height, width) > _LONGEST_SIDE
    limit = f", above the limit of {max_megapixels:g} megapixels and {_LONGEST_SIDE} a side."
    checks = [
        (tf.minimum(height, width) < 1, DAMAGED),
        (large, tf.strings.join(["The image is ", size, limit])),
    ]
    for mine, given in zip(shape[:2], (height, width), strict=True):
        if mine is not None:
            takes = f"The model takes images of {shape[0] or 'any'}x{shape[1] or 'any'}; this is "
            checks.append((given != mine, tf.strings.join([takes, size, "."])))
    status = header.status
    for wrong, sentence in checks:
        status = tf.where((status == OK) & wrong, sentence, status)
    return status


def _jpeg(contents):
    return _unless_damaged(
        lambda file: tf.io.decode_jpeg(file, channels=3, dct_method="INTEGER_ACCURATE"), contents
    )


def _png(contents, bits, alpha):
    """The image of a PNG, and "ok" or why it is refused."""
    depth, grey = headers.png_depth(contents)
    return tf.cond(
        depth == 16,
        lambda: _wide(contents, grey, bits, alpha),
        lambda: (_narrow(contents, depth, alpha), OK),
    )


def _wide(contents, grey, bits, alpha):
    """An image of 16 bits a channel; `bits` as in `fcn_keras.data.images.scale.in_8_bits`."""
    values = _unless_damaged(
        lambda file: tf.io.decode_png(file, channels=4, dtype=tf.uint16), contents, 4, tf.uint16
    )
    rgb, transparency = tf.cast(values[..., :3], tf.int32), tf.cast(values[..., 3:], tf.int32)
    highest = tf.reduce_max(tf.concat([tf.reshape(rgb, [-1]), [0]], 0))
    if bits is None:
        white = tf.where(highest > 255, 65535, 255)
        wrong = (highest > 255) & (highest < SURE)
        reason = "It is stored in 16 bits and does not use them, so that white is not known: "
        reason += "save it with 8 bits."
    else:
        white = tf.constant(2**bits - 1)
        wrong = highest > white
        reason = f"It holds values above {2**bits - 1}: the model was trained on {bits} bits."
    scaled = (510 * tf.cast(rgb, tf.int64) + tf.cast(white, tf.int64)) // tf.cast(
        2 * white, tf.int64
    )
    higher_bytes = ~grey & (white == 65535)  # of colours, as Pillow reads them
    rgb = tf.cast(tf.where(higher_bytes, rgb // 256, tf.cast(scaled, tf.int32)), tf.uint8)
    image = _without_alpha(rgb, transparency // 256, alpha)
    return tf.cond(wrong, lambda: (image[:0, :0], reason), lambda: (image, OK))


def _narrow(contents, depth, alpha):
    """An image of at most 8 bits a channel.

    The decoder gives opaque pixels the highest value of the file's own depth.
    """
    image = _unless_damaged(lambda file: tf.io.decode_png(file, channels=4), contents, 4)
    rgb, transparency = image[..., :3], tf.cast(image[..., 3:], tf.int32)
    highest = 2**depth - 1
    transparency = tf.where(tf.reduce_all(transparency == highest), 255, transparency)
    return _without_alpha(rgb, transparency, alpha)


def _without_alpha(rgb, alpha, choice):
    """RGB on white, rounded as Pillow's `alpha_composite` does; or as it is."""
    if choice == "ignore":
        return rgb

    def on_white():
        mixed = tf.cast(rgb, tf.int32) * alpha + 255 * (255 - alpha) + 128
        return tf.cast((mixed + mixed // 256) // 256, tf.uint8)

    return tf.cond(tf.reduce_all(alpha == 255), lambda: rgb, on_white)


def _bmp(contents):
    image = _unless_damaged(tf.io.decode_bmp, contents)
    palette = headers.bmp_palette(contents)
    return tf.cond(
        tf.shape(image)[2] == 1,
        lambda: tf.gather(palette, tf.cast(image[..., 0], tf.int32)),
        lambda: image[..., :3],
    )


def _gif(contents, end):
    """The first frame: the file is cut after it, and closed."""
    first = tf.strings.join([tf.strings.substr(contents, 0, end), b";"])
    return _unless_damaged(lambda file: tf.io.decode_gif(file)[0], first)


def _as_channels(image, channels):
    if channels == 3:
        return image
    weights = tf.constant((19595, 38470, 7471))  # of 65536: Pillow's conversion to grey
    grey = tf.reduce_sum(tf.cast(image, tf.int32) * weights, -1, keepdims=True)
    return tf.cast((grey + 32768) // 65536, tf.uint8)


def _turned(image, orientation):
    """The upright image of one that is stored in EXIF's orientation 1 to 8."""

    def one_of(*orientations):
        return tf.reduce_any(orientation == tf.constant(orientations))

    image = tf.cond(orientation > 4, lambda: tf.transpose(image, (1, 0, 2)), lambda: image)
    image = tf.cond(one_of(2, 3, 6, 7), lambda: tf.reverse(image, [1]), lambda: image)
    return tf.cond(one_of(3, 4, 7, 8), lambda: tf.reverse(image, [0]), lambda: image)


def _begins(contents, beginnings):
    given = [tf.strings.substr(contents, 0, len(beginning)) for beginning in beginnings]
    return tf.reduce_any([a == b for a, b in zip(given, beginnings, strict=True)])
