"""Random windows of training examples: cropped, resized, turned, deformed, mirrored, recoloured.

Image, target and weights stay on one grid; values of targets are only copied, never mixed.
"""

from dataclasses import dataclass

from fcn_keras.checks import number as checked_number
from fcn_keras.checks import whole_number
from fcn_keras.data import deformation

OUTSIDE = 116  # pixels outside the image: the mean grey of ImageNet
QUARTERS = "quarters"
COS, SIN = [1.0, 0.0, -1.0, 0.0], [0.0, -1.0, 0.0, 1.0]  # of 0 to 3 counter-clockwise quarters


@dataclass(frozen=True)
class Augmentation:
    """Random changes of a training example.

    Attributes:
        flip: Whether half of the examples are mirrored left-right.
        scale: (smallest, largest) factor of a random resize, drawn uniformly, or None. The image
            is resized bilinearly, the target by nearest neighbour, on the same grid.
        color: Strength of random brightness, contrast and saturation: 0 for none, 0.2 changes
            each by up to 20%. Images of other than 3 channels keep their saturation.
        rotate: Largest angle of a random rotation in degrees, drawn uniformly to both sides (180
            for any angle), "quarters" for 0, 90, 180 or 270 degrees, which copies pixels, or None.
        elastic: Standard deviation in pixels of an elastic deformation, or 0. Normal displacements
            of a grid of 3x3 nodes over the window are interpolated bicubically. U-Net has 10 for
            windows of 572 pixels; small windows need less.
        frame_shift: Of pairs of frames the largest shift of the second frame against the first, in
            whole pixels of the file along each axis; the flow changes by the shift.

    Elastic deformation and rotation by any angle read the image bilinearly and the target by
    nearest neighbour at the same places. Outside the image they show its mirror image, where the
    target is invalid.

    Raises:
        ValueError: for impossible factors, strengths or angles.

    Example:

    ```python
    fcn_keras.data.Augmentation(flip=True, scale=(0.5, 2.0), color=0.2)
    fcn_keras.data.Augmentation(rotate="quarters", elastic=10.0)
    ```

    Source: elastic deformation is that of Ronneberger, Fischer, Brox (2015), "U-Net", section 3.1.
    """

    flip: bool = True
    scale: tuple[float, float] | None = None
    color: float = 0.0
    rotate: float | str | None = None
    elastic: float = 0.0
    frame_shift: int = 0

    def __post_init__(self):
        if self.scale is not None and not 0 < self.scale[0] <= self.scale[1]:
            raise ValueError(
                f"`scale` must be (smallest, largest) with 0 < smallest <= largest, "
                f"got {self.scale}."
            )
        if checked_number("color", self.color) >= 1:
            raise ValueError(f"`color` must be below 1, got {self.color}.")
        if isinstance(self.rotate, str) and self.rotate != QUARTERS:
            raise ValueError(
                f"`rotate` must be an angle in degrees, {QUARTERS!r} or None, got {self.rotate!r}."
            )
        if self.rotate not in (None, QUARTERS):
            checked_number("rotate", self.rotate, most=180)
        checked_number("elastic", self.elastic)
        whole_number("frame_shift", self.frame_shift, 0)

    @property
    def degrees(self):
        """Largest angle of a rotation that interpolates, 0 for none."""
        return 0.0 if self.rotate in (None, QUARTERS) else float(self.rotate)


def augmented(tf, example, number, crop, augment, task):
    """Returns one random window of an example.

    Args:
        tf: TensorFlow.
        example: `(image, target)` or `(image, target, weights)`: uint8 or float32 (H, W, channels)
            of 0-255; (H, W) or (H, W, C), as the task has it; weights of pixels (H, W).
        number: int64 scalar: the same number draws the same window.
        crop: (H, W) of the window, or None for the image's own size.
        augment: An `Augmentation`, or a false value.
        task: The `fcn_keras.tasks.Task` of the target; the target is `task.invalid` outside the
            image, and the weights are 0.

    Returns:
        The example of the window's size and the given dtypes. The source of the window is a
        rectangle of whole pixels, so that its true factor differs from the drawn one by less than
        one pixel of the window's size; with elastic deformation or rotation it lies anywhere.
    """
    augment = augment or Augmentation(flip=False)
    draw = tf.random.stateless_uniform([9], tf.stack([number, tf.constant(0, tf.int64)]))
    image, target, *weights = example
    if augment.frame_shift:
        image, target = _second_shifted(tf, image, target, augment.frame_shift, number)
    maps, fills = (target, *weights), (task.invalid, 0)[: 1 + len(weights)]
    scale, shapes = augment.scale, [array.shape for array in maps]
    window = tf.constant(crop) if crop else tf.shape(target)[:2]
    quarters = None
    if augment.rotate == QUARTERS:
        quarters = _even(tf, deformation.turn(tf, number), 3)
        window = tf.where(quarters % 2 == 1, window[::-1], window)
    factor = scale[0] + draw[0] * (scale[1] - scale[0]) if scale else None

    def finished(image):
        return _recolored(tf, image, draw[5:8], augment.color, example[0].dtype)

    if augment.degrees or augment.elastic:
        at = deformation.places(tf, tf.shape(target)[:2], window, factor, augment, draw, number)
        image = finished(deformation.bilinear(tf, image, *at))
        target, *weights = deformation.nearest(tf, maps, fills, *at)
        target = task.scaled(target, factor) if scale else target
        angle = deformation.drawn_angle(tf, augment, number)
        maps = (task.turned(target, tf.cos(angle), tf.sin(angle)), *weights)
    elif crop or scale:
        image, maps = _windowed(tf, image, maps, fills, window, factor, draw, task, finished)
    else:
        image = finished(image)
    if quarters is not None:
        image, *maps = (deformation.turned(tf, array, quarters) for array in (image, *maps))
        cos, sin = (tf.gather(table, quarters) for table in (COS, SIN))
        maps = [task.turned(maps[0], cos, sin), *maps[1:]]
    if augment.flip:
        image, *maps = _flipped(tf, (image, *maps), draw[8] < 0.5, task)
    if crop:
        image = tf.ensure_shape(image, (*crop, example[0].shape[-1]))
        shapes = [(*crop, *shape[2:]) for shape in shapes]
        maps = [tf.ensure_shape(array, shape) for array, shape in zip(maps, shapes, strict=True)]
    return image, *maps


def _second_shifted(tf, image, target, largest, number):
    """A pair of frames whose second one is shifted by whole pixels, and its flow."""
    draw = tf.random.stateless_uniform([2], tf.stack([number, tf.constant(3, tf.int64)]))
    right, down = tf.unstack(_even(tf, draw, 2 * largest) - largest)
    first, second = tf.split(image, 2, axis=-1)
    size = tf.shape(second)
    margins = [[largest, largest], [largest, largest], [0, 0]]
    around = tf.pad(second, margins, constant_values=OUTSIDE)
    second = tf.slice(around, [largest - down, largest - right, 0], size)
    shift = tf.cast(tf.stack([right, down]), target.dtype)
    return tf.concat([first, second], -1), target + shift


def _windowed(tf, image, maps, fills, window, factor, draw, task, finished):
    """A window of the image and its maps: a rectangle of whole pixels, resized."""
    size = tf.shape(maps[0])[:2]
    first, extent, place, inner = _layout(tf, size, window, factor, draw[1:3], draw[3:5])
    image, target, *weights = (cut(tf, array, first, extent) for array in (image, *maps))
    if factor is not None:
        image = tf.image.resize(image, inner)
        target, *weights = (nearest(tf, array, inner) for array in (target, *weights))
        target = task.scaled(target, tf.cast(inner / extent, "float32"))
    arrays, fills = (finished(image), target, *weights), (OUTSIDE, *fills)
    image, *maps = placed(tf, arrays, fills, place, inner, window)
    return image, maps


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


def cut(tf, array, first, extent):
    """Returns the rectangle of an array (H, W) or (H, W, C) at `first`, of the size `extent`."""
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


def _recolored(tf, image, draw, strength, dtype):
    """Changes brightness, contrast and saturation by one colour matrix and a shift.

    The result is rounded where `dtype` is one of whole numbers.
    """
    if not strength and image.dtype == dtype:
        return image
    half = 0.5 if dtype.is_integer else 0.0  # a cast to whole numbers cuts off
    if not strength:
        return tf.cast(image + half, dtype)
    channels = image.shape[-1]
    brightness, contrast, saturation = tf.unstack(1 + strength * (2 * draw - 1))
    if channels == 3:
        grey = tf.constant([[0.299] * 3, [0.587] * 3, [0.114] * 3])
        matrix = contrast * (saturation * tf.eye(3) + (1 - saturation) * grey)
    else:
        matrix = contrast * tf.eye(channels)
    shift = 127.5 * (1 - contrast) + 255 * (brightness - 1)
    flat = tf.reshape(tf.cast(image, tf.float32), (-1, channels)) @ matrix + (shift + half)
    return tf.cast(tf.reshape(tf.clip_by_value(flat, 0, 255), tf.shape(image)), dtype)


def placed(tf, arrays, fills, place, inner, window):
    """Returns the arrays in their place in the window, with a fill each around them."""

    def padded():
        pads = tf.stack([place, window - inner - place], axis=1)
        deep = tf.pad(pads, [[0, 1], [0, 0]])
        return tuple(
            tf.pad(array, deep if array.shape.rank == 3 else pads, constant_values=fill)
            for array, fill in zip(arrays, fills, strict=True)
        )

    return tf.cond(tf.reduce_all(inner == window), lambda: tuple(arrays), padded)


def _flipped(tf, arrays, mirror, task):
    """An example mirrored left-right where `mirror` is true."""

    def reversed_():
        image, target, *weights = (tf.reverse(array, [1]) for array in arrays)
        return image, task.mirrored(target), *weights

    return tf.cond(mirror, reversed_, lambda: tuple(arrays))
