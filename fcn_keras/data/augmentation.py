"""Random windows of training examples: cut first, then resized, mirrored and recoloured.

Image and label map stay on one grid; label maps are only ever copied, never blended.
"""

from dataclasses import dataclass

OUTSIDE = 116  # what an image shows outside itself: the mean grey of ImageNet


@dataclass(frozen=True)
class Augmentation:
    """Random changes of a training example.

    Attributes:
        flip: Mirror left and right in half of the examples.
        scale: (smallest, largest) factor of a random resize, drawn evenly, or None. The image is
            resized bilinearly, the label map by nearest neighbour, on the same grid.
        color: Strength of random brightness, contrast and saturation: 0 for none, 0.2 changes
            each by up to 20%.

    Raises:
        ValueError: for factors or strengths that make no sense.

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
        if not 0 <= self.color < 1:
            raise ValueError(f"`color` must be at least 0 and below 1, got {self.color}.")


def augmented(tf, image, label, number, crop, augment, void):
    """One random window of an example.

    Args:
        tf: TensorFlow.
        image: uint8 (H, W, 3).
        label: Label map (H, W).
        number: int64 scalar: the same number draws the same window.
        crop: (H, W) of the window, or None for the image's own size.
        augment: An `Augmentation`, or a false value.
        void: What the label map holds outside the image.

    Returns:
        `(image, label)` of the window's size and the dtypes given. The source of the window is a
        rectangle of whole pixels, so its true factor differs from the drawn by less than one pixel
        in the window's size.
    """
    scale, color, flip = (augment.scale, augment.color, augment.flip) if augment else (None, 0, 0)
    draw = tf.random.stateless_uniform([9], tf.stack([number, tf.constant(0, tf.int64)]))
    if crop or scale:
        factor = scale[0] + draw[0] * (scale[1] - scale[0]) if scale else None
        size = tf.shape(label)
        window = tf.constant(crop) if crop else size
        first, extent, place, inner = _layout(tf, size, window, factor, draw[1:3], draw[3:5])
        image = tf.slice(image, tf.pad(first, [[0, 1]]), tf.concat([extent, [3]], 0))
        label = tf.slice(label, first, extent)
        if scale:
            image = tf.image.resize(image, inner) + (0.0 if color else 0.5)
            label = nearest(tf, label, inner)
    if color:
        image = _recolored(tf, image, draw[5:8], color)
    image = tf.cast(image, tf.uint8)
    if crop or scale:
        image, label = _placed(tf, image, label, place, inner, window, void)
    if flip:
        image, label = tf.cond(
            draw[8] < 0.5,
            lambda: (tf.reverse(image, [1]), tf.reverse(label, [1])),
            lambda: (image, label),
        )
    if crop:
        image, label = tf.ensure_shape(image, (*crop, 3)), tf.ensure_shape(label, crop)
    return image, label


def _layout(tf, size, window, factor, draw_first, draw_place):
    """Which source rectangle fills which part of the window, each (rows, columns).

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
    """An integer of 0..room, each as likely."""
    return tf.minimum(tf.cast(draw * tf.cast(room + 1, tf.float32), tf.int32), room)


def nearest(tf, label, size):
    """A label map resized by nearest neighbour, half-pixel centres, as `tf.image.resize` does."""
    for axis in (0, 1):
        count, target = tf.shape(label)[axis], size[axis]
        # floor((i + 0.5) * count / target), in integers: exact where floats would round
        places = (2 * tf.range(target) + 1) * count // (2 * target)
        label = tf.gather(label, places, axis=axis)
    return label


def _recolored(tf, image, draw, strength):
    """Brightness, contrast and saturation as one 3x3 colour matrix and a shift; floats to be cut
    off at the dot.
    """
    brightness, contrast, saturation = tf.unstack(1 + strength * (2 * draw - 1))
    grey = tf.constant([[0.299] * 3, [0.587] * 3, [0.114] * 3])
    matrix = contrast * (saturation * tf.eye(3) + (1 - saturation) * grey)
    shift = 127.5 * (1 - contrast) + 255 * (brightness - 1)
    flat = tf.reshape(tf.cast(image, tf.float32), (-1, 3)) @ matrix + (shift + 0.5)
    return tf.reshape(tf.clip_by_value(flat, 0, 255), tf.shape(image))


def _placed(tf, image, label, place, inner, window, void):
    """The part in its place in the window, grey and void around it."""

    def padded():
        pads = tf.stack([place, window - inner - place], axis=1)
        return (
            tf.pad(image, tf.pad(pads, [[0, 1], [0, 0]]), constant_values=OUTSIDE),
            tf.pad(label, pads, constant_values=void),
        )

    return tf.cond(tf.reduce_all(inner == window), lambda: (image, label), padded)
