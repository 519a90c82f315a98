"""Random windows of an example: cut, resized, mirrored and recoloured, image and mask on one grid.

Written for tf.data: few operations, each on no more pixels than the window shows.
"""

from dataclasses import dataclass

FILL = (124, 116, 104)  # ImageNet's mean colour, what an image shows outside itself


@dataclass(frozen=True)
class Augmentation:
    """Random changes of a training example.

    Attributes:
        flip: Mirror left and right in half of the examples.
        scale: (smallest, largest) factor of a random resize, or None. The image is resized
            bilinearly, the label map by nearest neighbour, on the same grid.
        color: Strength of random brightness, contrast and saturation: 0 for none, 0.2 changes
            each by up to 20%.

    Raises:
        ValueError: for a range that is empty or not positive, or a strength outside 0..1.

    Example:

    ```python
    gentle = fcn_keras.data.Augmentation(flip=True, scale=(0.8, 1.25), color=0.1)
    batches = fcn_keras.data.load("digits").batches(8, crop=(64, 64), augment=gentle)
    ```
    """

    flip: bool = True
    scale: tuple[float, float] | None = None
    color: float = 0.0

    def __post_init__(self):
        if self.scale is not None and not (
            len(self.scale) == 2 and 0 < self.scale[0] <= self.scale[1]
        ):
            raise ValueError(
                f"`scale` must be (smallest, largest) with 0 < smallest <= largest, "
                f"got {self.scale}."
            )
        if not 0 <= self.color < 1:
            raise ValueError(f"`color` must be at least 0 and below 1, got {self.color}.")


NOTHING = Augmentation(flip=False)


def numbers(tf, seed):
    """The seven random numbers in [0, 1) that one example is changed by.

    In order: scale, row and column of the window, brightness, contrast, saturation, mirror.
    """
    return tf.random.stateless_uniform([7], tf.stack([seed, tf.zeros_like(seed)]), alg="philox")


def place_window(tf, size, window, scale, draw):
    """Where a random window of a randomly scaled image lies; everything (rows, columns).

    Args:
        tf: TensorFlow.
        size: Size of the image, int32 (2,).
        window: Size of the window, int32 (2,).
        scale: (smallest, largest) factor, or None.
        draw: Three random numbers in [0, 1).

    Returns:
        `(start, source, place, shown)`, int32 (2,) each: the image's pixels from `start` to
        `start + source`, resized to `shown`, lie at `place` in the window. `shown` is the whole
        window wherever the scaled image fills it.
    """
    if scale is None:
        source = shown = tf.minimum(window, size)
    else:
        factor = scale[0] + draw[0] * (scale[1] - scale[0])
        wanted = tf.cast(tf.round(tf.cast(window, tf.float32) / factor), tf.int32)
        scaled = tf.cast(tf.round(tf.cast(size, tf.float32) * factor), tf.int32)
        source = tf.clip_by_value(wanted, 1, size)
        shown = tf.where(wanted > size, tf.clip_by_value(scaled, 1, window), window)
    room = tf.cast(tf.stack([size - source, window - shown]) + 1, tf.float32)
    start, place = tf.unstack(tf.cast(tf.floor(draw[1:3] * room), tf.int32))
    return start, source, place, shown


def cut(tf, image, mask, start, source, shown):
    """Pixels `start` to `start + source` of both, resized to `shown`: bilinear, and nearest.

    Returns the image as uint8 if nothing is to be resized (`shown` is None), else as float32.
    """
    image = tf.slice(image, tf.concat([start, [0]], 0), tf.concat([source, [3]], 0))
    mask = tf.slice(mask, start, source)
    if shown is not None:
        image = tf.image.resize(image, shown)
        mask = tf.image.resize(mask[..., None], shown, method="nearest")[..., 0]
    return image, mask


def to_bytes(tf, image, draw, strength):
    """An image rounded to uint8, its colours changed by a 3x3 matrix and a shift.

    Brightness is added, contrast multiplies about the middle, saturation about the pixel's grey
    (Rec. 601); each factor lies within `strength` of 1.
    """
    if not strength:
        return image if image.dtype == tf.uint8 else tf.cast(image + 0.5, tf.uint8)
    brightness, contrast, saturation = tf.unstack(1 + strength * (2 * draw - 1))
    grey = tf.constant([[0.299], [0.587], [0.114]]) * tf.ones((1, 3))
    matrix = contrast * (saturation * tf.eye(3) + (1 - saturation) * grey)
    shift = 127.5 * (1 - contrast) + 255 * (brightness - 1)
    flat = tf.reshape(tf.cast(image, tf.float32), (-1, 3)) @ matrix
    flat = tf.cast(tf.clip_by_value(flat + (shift + 0.5), 0.0, 255.5), tf.uint8)
    return tf.reshape(flat, tf.shape(image))


def fill_around(tf, image, label, place, window, void):
    """Image and label map at `place` in the window, mean colour and void around them."""

    def padded():
        pads = tf.stack([place, window - place - tf.shape(label)], axis=1)
        inside = tf.pad(tf.ones_like(label, tf.bool), pads)[..., None]
        colored = tf.where(
            inside,
            tf.pad(image, tf.concat([pads, [[0, 0]]], 0)),
            tf.constant(FILL, tf.uint8),
        )
        return colored, tf.pad(label, pads, constant_values=void)

    full = tf.reduce_all(tf.shape(label) == window)
    return tf.cond(full, lambda: (image, label), padded)


def mirror(tf, image, label, draw):
    """Both mirrored left to right if `draw` is below a half."""
    return tf.cond(
        draw < 0.5,
        lambda: (tf.reverse(image, [1]), tf.reverse(label, [1])),
        lambda: (image, label),
    )
