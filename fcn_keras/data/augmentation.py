"""Random windows of training examples: cropped, then resized, mirrored and recoloured.

Image and target stay on one grid; values of targets are only copied, never mixed.
"""

from dataclasses import dataclass

from fcn_keras.checks import number as checked_number

OUTSIDE = 116  # pixels outside the image: the mean grey of ImageNet


@dataclass(frozen=True)
class Augmentation:
    """Random changes of a training example.

    Attributes:
        flip: Whether half of the examples are mirrored left-right.
        scale: (smallest, largest) factor of a random resize, drawn uniformly, or None. The image
            is resized bilinearly, the target by nearest neighbour, on the same grid.
        color: Strength of random brightness, contrast and saturation: 0 for none, 0.2 changes
            each by up to 20%. Images of other than 3 channels keep their saturation.

    Raises:
        ValueError: for impossible factors or strengths.

    Example:

    ```python
    fcn_keras.data.Augmentation(flip=True, scale=(0.5, 2.0), color=0.2)
    ```
    """

    flip: bool = True
    scale: tuple[float, float] | None = None
    color: float = 0.0

    def __post_init__(self):
        if self.scale is not None and not 0 < self.scale[0] <= self.scale[1]:
            raise ValueError(
                f"`scale` must be (smallest, largest) with 0 < smallest <= largest, "
                f"got {self.scale}."
            )
        if checked_number("color", self.color) >= 1:
            raise ValueError(f"`color` must be below 1, got {self.color}.")


def augmented(tf, image, target, number, crop, augment, task):
    """Returns one random window of an example.

    Args:
        tf: TensorFlow.
        image: uint8 or float32 (H, W, channels) of 0-255.
        target: (H, W) or (H, W, C), as the task has it.
        number: int64 scalar: the same number draws the same window.
        crop: (H, W) of the window, or None for the image's own size.
        augment: An `Augmentation`, or a false value.
        task: The `fcn_keras.tasks.Task` of the target; the target is `task.invalid` outside the
            image.

    Returns:
        `(image, target)` of the window's size and the given dtypes. The source of the window is a
        rectangle of whole pixels, so that its true factor differs from the drawn one by less than
        one pixel of the window's size.
    """
    scale, color, flip = (augment.scale, augment.color, augment.flip) if augment else (None, 0, 0)
    draw = tf.random.stateless_uniform([9], tf.stack([number, tf.constant(0, tf.int64)]))
    dtype, channels, target_shape = image.dtype, image.shape[-1], target.shape
    # A cast to whole numbers cuts off: half a unit makes it round.
    half = 0.5 if dtype.is_integer else 0.0
    if crop or scale:
        factor = scale[0] + draw[0] * (scale[1] - scale[0]) if scale else None
        size = tf.shape(target)[:2]
        window = tf.constant(crop) if crop else size
        first, extent, place, inner = _layout(tf, size, window, factor, draw[1:3], draw[3:5])
        image, target = _cut(tf, image, first, extent), _cut(tf, target, first, extent)
        if scale:
            image = tf.image.resize(image, inner) + (0.0 if color else half)
            target = task.scaled(nearest(tf, target, inner), inner / extent)
    if color:
        image = _recolored(tf, image, channels, draw[5:8], color, half)
    image = tf.cast(image, dtype)
    if crop or scale:
        image, target = _placed(tf, image, target, place, inner, window, task.invalid)
    if flip:
        image, target = tf.cond(
            draw[8] < 0.5,
            lambda: (tf.reverse(image, [1]), task.mirrored(tf.reverse(target, [1]))),
            lambda: (image, target),
        )
    if crop:
        image = tf.ensure_shape(image, (*crop, channels))
        target = tf.ensure_shape(target, (*crop, *target_shape[2:]))
    return image, target


def _layout(tf, size, window, factor, draw_first, draw_place):
    """Returns which source rectangle fills which part of the window, each (rows, columns).

    Returns:
        `(first, extent, place, inner)`: corner and size of the rectangle in the image, corner and
        size of its part of the window. Along an axis where the scaled image is larger than the
        window, the part is the whole window; otherwise the rectangle is the whole image.
    """
    if factor is None:
        extent = inner = tf.minimum(size, window)
    else:
        scaled = tf.maximum(tf.cast(tf.round(tf.cast(size, tf.float32) * factor), tf.int32), 1)
        source = tf.cast(tf.round(tf.cast(window, tf.float32) / factor), tf.int32)
        inner = tf.minimum(scaled, window)
        extent = tf.where(scaled > window, tf.clip_by_value(source, 1, size), size)
    first, place = _even(tf, draw_first, size - extent), _even(tf, draw_place, window - inner)
    return first, extent, place, inner


def _even(tf, draw, room):
    """An integer of 0..room, each with the same probability."""
    return tf.minimum(tf.cast(draw * tf.cast(room + 1, tf.float32), tf.int32), room)


def _cut(tf, array, first, extent):
    """The rectangle of an array (H, W) or (H, W, C)."""
    if array.shape.rank == 2:
        return tf.slice(array, first, extent)
    return tf.slice(array, tf.pad(first, [[0, 1]]), tf.concat([extent, [array.shape[2]]], 0))


def nearest(tf, target, size):
    """Returns a target resized by nearest neighbour, half-pixel centres, as `tf.image.resize`."""
    for axis in (0, 1):
        count, wanted = tf.shape(target)[axis], size[axis]
        # floor((i + 0.5) * count / wanted), in integers: exact where floats would round
        places = (2 * tf.range(wanted) + 1) * count // (2 * wanted)
        target = tf.gather(target, places, axis=axis)
    return target


def _recolored(tf, image, channels, draw, strength, half):
    """Changes brightness, contrast and saturation by one colour matrix and a shift.

    `half` is added to all values, for whoever casts them to whole numbers.
    """
    brightness, contrast, saturation = tf.unstack(1 + strength * (2 * draw - 1))
    if channels == 3:
        grey = tf.constant([[0.299] * 3, [0.587] * 3, [0.114] * 3])
        matrix = contrast * (saturation * tf.eye(3) + (1 - saturation) * grey)
    else:
        matrix = contrast * tf.eye(channels)
    shift = 127.5 * (1 - contrast) + 255 * (brightness - 1)
    flat = tf.reshape(tf.cast(image, tf.float32), (-1, channels)) @ matrix + (shift + half)
    return tf.reshape(tf.clip_by_value(flat, 0, 255), tf.shape(image))


def _placed(tf, image, target, place, inner, window, invalid):
    """The part in its place in the window; grey and invalid around it."""

    def padded():
        pads = tf.stack([place, window - inner - place], axis=1)
        deep = tf.pad(pads, [[0, 1], [0, 0]])
        return (
            tf.pad(image, deep, constant_values=OUTSIDE),
            tf.pad(target, deep if target.shape.rank == 3 else pads, constant_values=invalid),
        )

    return tf.cond(tf.reduce_all(inner == window), lambda: (image, target), padded)
