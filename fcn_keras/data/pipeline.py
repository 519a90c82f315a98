"""From examples to batches: decoding, augmentation and batching as one tf.data graph.

Needs TensorFlow, imported when called.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

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


def batches(
    dataset,
    batch_size,
    *,
    crop=None,
    augment=False,
    shuffle=None,
    seed=0,
    drop_remainder=False,
    cache=False,
):
    """Batches of a `Dataset` for `model.fit`.

    Args:
        dataset: A `fcn_keras.data.Dataset`.
        batch_size: Examples a batch.
        crop: (H, W) of a random window; outside the image it shows the mean colour and void.
            None: whole images; where sizes differ within a batch, the smaller are padded likewise
            at the bottom and right.
        augment: False, True (the dataset's own choice) or an `Augmentation`.
        shuffle: Whether to draw the examples in a new order each epoch; by default when
            augmenting or cropping.
        seed: Makes order and augmentation repeatable; each epoch still differs.
        drop_remainder: Leave the last, smaller batch out.
        cache: Keep decoded examples in memory.

    Returns:
        A `tf.data.Dataset` of (images uint8 (B, H, W, 3), labels (B, H, W)), void as
        `dataset.labels.ignore`.

    Raises:
        ValueError: for arguments that do not fit. While iterating, an error naming the file for a
            label that is neither a class nor void, or a mask whose size is not its image's.

    Example:

    ```python
    batches = data.batches(8, crop=(256, 320), augment=fcn_keras.data.Augmentation(scale=(0.5, 2)))
    ```
    """
    tf = tensorflow()
    if batch_size < 1:
        raise ValueError(f"`batch_size` must be at least 1, got {batch_size}.")
    if augment is True:
        augment = dataset.augmentation
    shuffle = bool(augment or crop) if shuffle is None else shuffle
    steps = tf.data.Dataset.range(len(dataset))
    if cache:
        return _finish(
            tf, _loaded(tf, dataset, steps).cache(), dataset, batch_size, crop, augment, shuffle,
            seed, drop_remainder, None,
        )
    load = _loader(tf, dataset)
    return _finish(
        tf, steps, dataset, batch_size, crop, augment, shuffle, seed, drop_remainder, load
    )


def examples(dataset):
    """A `tf.data.Dataset` of {"image", "label"}; see `Dataset.examples`."""
    tf = tensorflow()
    loaded = _loaded(tf, dataset, tf.data.Dataset.range(len(dataset)))
    return loaded.map(lambda image, label: {"image": image, "label": label}).prefetch(2)


def _loaded(tf, dataset, steps):
    load = _loader(tf, dataset)
    return steps.map(lambda i: load(i), num_parallel_calls=tf.data.AUTOTUNE)


def _finish(tf, source, dataset, batch_size, crop, augment, shuffle, seed, drop_remainder, load):
    if shuffle:
        source = source.shuffle(len(dataset), seed=seed, reshuffle_each_iteration=True)
    random = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True)

    def prepare(example, number):
        image, label = load(example) if load else example
        if crop or augment:
            image, label = _augmented(tf, image, label, crop, augment, number, dataset.labels)
        return image, label

    paired = tf.data.Dataset.zip((source, random))
    paired = paired.map(prepare, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    if crop:
        result = paired.batch(batch_size, drop_remainder=drop_remainder)
    else:
        void = tf.constant(dataset.labels.ignore, dataset.labels.dtype)
        result = paired.padded_batch(
            batch_size,
            padded_shapes=([None, None, 3], [None, None]),
            padding_values=(tf.constant(FILL[1], tf.uint8), void),
            drop_remainder=drop_remainder,
        )
    return result.prefetch(tf.data.AUTOTUNE)


def _loader(tf, dataset):
    """`load(index) -> (image, label)` as tensors, from files or from memory."""
    if not isinstance(dataset.images[0], (str, Path)):
        return _memory_loader(tf, dataset)
    images = tf.constant([str(path) for path in dataset.images])
    masks = tf.constant([str(path) for path in dataset.masks])
    decode_image = _image_decoder(tf, dataset)
    decode_mask = _mask_decoder(tf, dataset)

    def load(index):
        image = decode_image(images[index])
        label = decode_mask(masks[index])
        same = tf.reduce_all(tf.shape(image)[:2] == tf.shape(label))
        check = tf.debugging.Assert(same, [
            "The image ", images[index], " is of size ", tf.shape(image)[:2], " but its mask ",
            masks[index], " is ", tf.shape(label), ": they must be equal (height, width).",
        ])
        with tf.control_dependencies([check]):
            return tf.identity(image), label

    return load


def _memory_loader(tf, dataset):
    same = len({image.shape for image in dataset.images}) == 1
    if same:
        images = tf.constant(np.stack(dataset.images))
        masks = tf.constant(np.stack(dataset.masks).astype(dataset.labels.dtype))
        return lambda index: (images[index], masks[index])

    def fetch(index):
        return dataset.images[index], dataset.masks[index].astype(dataset.labels.dtype)

    def load(index):
        image, label = tf.numpy_function(
            fetch, [index], (tf.uint8, tf.as_dtype(dataset.labels.dtype))
        )
        return tf.ensure_shape(image, (None, None, 3)), tf.ensure_shape(label, (None, None))

    return load


def _image_decoder(tf, dataset):
    """TensorFlow's decoder where it agrees with Pillow's reading, else Pillow itself."""
    from fcn_keras.data.headers import plain_image
    from fcn_keras.data.images import read_image

    if all(plain_image(path) for path in dataset.images):
        def decode(path):
            image = tf.io.decode_image(tf.io.read_file(path), 3, expand_animations=False)
            return tf.ensure_shape(image, (None, None, 3))
    else:
        def decode(path):
            image = tf.numpy_function(lambda p: read_image(p.decode()), [path], tf.uint8)
            return tf.ensure_shape(image, (None, None, 3))

    return decode


def _mask_decoder(tf, dataset):
    from fcn_keras.data.headers import index_png

    reader, labels = dataset.reader, dataset.labels
    dtype = tf.as_dtype(labels.dtype)
    if dtype != tf.uint8 or not all(index_png(path) for path in dataset.masks):
        def decode(path):
            label = tf.numpy_function(lambda p: reader.read(p.decode()), [path], dtype)
            return tf.ensure_shape(label, (None, None))

        return decode
    table = reader.table()
    lookup = tf.constant(np.where(table < 0, 254, table), tf.uint8)
    wrong = tf.constant(table < 0)

    def explain(path, values):
        path = path.decode()
        raise ValueError(reader.explain(path, reader.wrong_values(values), values))

    def decode(path):
        values = tf.io.decode_png(tf.io.read_file(path), channels=1)[..., 0]
        found = tf.reduce_any(tf.gather(wrong, tf.range(256)) & present(values))
        with tf.control_dependencies([tf.cond(
            found,
            lambda: tf.numpy_function(explain, [path, values], tf.int32),
            lambda: tf.constant(0),
        )]):
            return tf.gather(lookup, tf.cast(values, tf.int32))

    def present(values):
        counts = tf.math.bincount(tf.cast(tf.reshape(values, [-1]), tf.int32), minlength=256)
        return counts > 0

    return decode


def _augmented(tf, image, label, crop, augment, number, labels):
    """One random window of an example: cut, resized, mirrored, recoloured."""
    seed = tf.stack([number, tf.constant(0, tf.int64)])
    draw = tf.random.stateless_uniform([8], seed)
    size = tf.shape(image)[:2]
    window = tf.constant(crop) if crop else size
    scale = augment.scale if augment else None
    if scale:
        factor = scale[0] + draw[0] * (scale[1] - scale[0])
    else:
        factor = tf.constant(1.0)
    scaled = tf.maximum(tf.cast(tf.round(tf.cast(size, tf.float32) * factor), tf.int32), 1)
    start = _window_start(tf, draw[1:3], scaled, window)
    image, label = _cut(tf, image, label, scaled, start, window, bool(scale))
    if augment and augment.color:
        image = _recolored(tf, image, draw[3:6], augment.color)
    if image.dtype != tf.uint8:
        image = tf.cast(tf.clip_by_value(tf.round(image), 0, 255), tf.uint8)
    image, label = _placed(tf, image, label, start, window, labels)
    if augment and augment.flip:
        image, label = tf.cond(
            draw[6] < 0.5,
            lambda: (image[:, ::-1], label[:, ::-1]),
            lambda: (image, label),
        )
    if crop:
        image = tf.ensure_shape(image, (*crop, 3))
        label = tf.ensure_shape(label, crop)
    return image, label


def _window_start(tf, draw, scaled, window):
    """Where the window begins in the scaled image; negative where the image is smaller."""
    room = tf.cast(scaled - window, tf.float32)
    low, high = tf.minimum(room, 0), tf.maximum(room, 0)
    return tf.cast(tf.floor(low + draw * (high - low + 1)), tf.int32)


def _cut(tf, image, label, scaled, start, window, resize):
    """The part of the scaled example inside the window, resized from no more than its source."""
    first, last = tf.maximum(start, 0), tf.minimum(start + window, scaled)
    if not resize:
        extent = last - first
        image = tf.slice(image, tf.concat([first, [0]], 0), tf.concat([extent, [3]], 0))
        return image, tf.slice(label, first, extent)
    size = tf.shape(image)[:2]
    ratio = tf.cast(size, tf.float32) / tf.cast(scaled, tf.float32)
    rows, columns = (
        (tf.cast(tf.range(first[a], last[a]), tf.float32) + 0.5) * ratio[a] for a in (0, 1)
    )
    low = tf.cast(tf.floor(tf.stack([rows[0], columns[0]]) - 0.5), tf.int32)
    high = tf.cast(tf.floor(tf.stack([rows[-1], columns[-1]]) - 0.5), tf.int32) + 2
    low, high = tf.maximum(low, 0), tf.minimum(high, size)
    extent = high - low
    source = tf.slice(image, tf.concat([low, [0]], 0), tf.concat([extent, [3]], 0))
    scale = tf.cast(low, tf.float32)
    image = _interpolated(tf, tf.cast(source, tf.float32), rows - 0.5 - scale[0],
                          columns - 0.5 - scale[1])
    nearest = [
        tf.minimum(tf.cast(tf.floor(places), tf.int32), size[a] - 1)
        for a, places in enumerate((rows, columns))
    ]
    label = tf.gather(tf.gather(label, nearest[0], axis=0), nearest[1], axis=1)
    return image, label


def _interpolated(tf, image, rows, columns):
    """Bilinear values at real rows and columns (edges repeated), as two small matrix products."""
    height, width = tf.shape(image)[0], tf.shape(image)[1]
    for axis, (places, count) in enumerate(((rows, height), (columns, width))):
        places = tf.clip_by_value(places, 0.0, tf.cast(count - 1, tf.float32))
        low = tf.cast(tf.floor(places), tf.int32)
        high = tf.minimum(low + 1, count - 1)
        weight = places - tf.cast(low, tf.float32)
        weight = tf.reshape(weight, (-1, 1, 1) if axis == 0 else (1, -1, 1))
        lower = tf.gather(image, low, axis=axis)
        image = lower + (tf.gather(image, high, axis=axis) - lower) * weight
    return image


def _recolored(tf, image, draw, strength):
    """Brightness, contrast and saturation as one 3x3 colour matrix and a shift."""
    brightness, contrast, saturation = tf.unstack(1 + strength * (2 * draw - 1))
    grey = tf.constant([[0.299], [0.587], [0.114]]) * tf.ones((1, 3))
    matrix = contrast * (saturation * tf.eye(3) + (1 - saturation) * grey)
    shift = 127.5 * (1 - contrast) + 255 * (brightness - 1)
    image = tf.cast(image, tf.float32)
    flat = tf.reshape(image, (-1, 3)) @ matrix + shift
    return tf.clip_by_value(tf.reshape(flat, tf.shape(image)), 0, 255)


def _placed(tf, image, label, start, window, labels):
    """The cut part in its place in the window, mean colour and void around it."""
    before = tf.maximum(-start, 0)
    after = window - before - tf.shape(label)

    def padded():
        pads = tf.stack([before, after], axis=1)
        inside = tf.pad(tf.ones_like(label), pads)[..., None] > 0
        fill = tf.constant(FILL, tf.uint8)
        return (
            tf.where(inside, tf.pad(image, tf.concat([pads, [[0, 0]]], 0)), fill),
            tf.pad(label, pads, constant_values=labels.ignore),
        )

    fits = tf.reduce_all(tf.shape(label) == window)
    return tf.cond(fits, lambda: (image, label), padded)


def size_message(image, image_size, mask, mask_size):
    """The error for a mask whose size is not its image's."""
    return (
        f"The image {image} is {image_size[0]}x{image_size[1]} but its mask {mask} is "
        f"{mask_size[0]}x{mask_size[1]} (height x width): they must be equal."
    )


def tensorflow():
    """TensorFlow, or an error that says what needs it."""
    try:
        import tensorflow as tf
    except ImportError as error:
        raise ImportError(
            "fcn_keras.data batches run on tf.data, also for the JAX and torch backends: "
            "pip install tensorflow (or tensorflow-cpu)."
        ) from error
    return tf
