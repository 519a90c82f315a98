"""From examples to batches: decoding, augmentation and batching as one tf.data graph.

Needs TensorFlow, imported when called.
"""

from fcn_keras.data import augmentation
from fcn_keras.data.decoding import Decoder


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
            label that is neither a class nor void, a mask whose size is not its image's, or a
            file that cannot be read.
        ImportError: without TensorFlow.

    Example:

    ```python
    data = fcn_keras.data.load("digits")
    batches = data.batches(8, crop=(64, 64), augment=fcn_keras.data.Augmentation(scale=(0.5, 2)))
    ```
    """
    tf = tensorflow()
    crop, augment = _checked(dataset, batch_size, crop, augment)
    if shuffle is None:
        shuffle = bool(crop or augment)
    decoder = Decoder(tf, dataset)

    @tf.autograph.experimental.do_not_convert
    def read(index):
        return index, *decoder.read(index)

    @tf.autograph.experimental.do_not_convert
    def prepare(example, number):
        index, image, mask = example if cache else read(example)
        if not (crop or augment):
            return image, decoder.to_labels(index, mask)
        return _window(tf, decoder, index, image, mask, number, crop, augment, dataset.labels)

    source = tf.data.Dataset.range(len(dataset))
    if cache:
        source = source.map(read, num_parallel_calls=tf.data.AUTOTUNE).cache()
    if shuffle:
        source = source.shuffle(len(dataset), seed=seed, reshuffle_each_iteration=True)
    random = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True)
    prepared = tf.data.Dataset.zip((source, random)).map(
        prepare, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )
    return _batched(tf, prepared, batch_size, crop, drop_remainder, dataset.labels)


def examples(dataset):
    """A `tf.data.Dataset` of {"image", "label"}; see `Dataset.examples`."""
    tf = tensorflow()
    decoder = Decoder(tf, dataset)

    @tf.autograph.experimental.do_not_convert
    def read(index):
        image, mask = decoder.read(index)
        return {"image": image, "label": decoder.to_labels(index, mask)}

    steps = tf.data.Dataset.range(len(dataset))
    read_all = steps.map(read, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return _threaded(tf, read_all.prefetch(2))


def _checked(dataset, batch_size, crop, augment):
    """`crop` as two ints or None, `augment` as an `Augmentation` or None."""
    if batch_size < 1:
        raise ValueError(f"`batch_size` must be at least 1, got {batch_size}.")
    if crop is not None:
        if len(crop) != 2 or min(crop) < 1:
            raise ValueError(f"`crop` must be (height, width) in pixels or None, got {crop}.")
        crop = (int(crop[0]), int(crop[1]))
    if augment is True:
        augment = dataset.augmentation
    if augment and not isinstance(augment, augmentation.Augmentation):
        raise ValueError(f"`augment` must be a bool or an Augmentation, got {augment!r}.")
    return crop, augment or None


def _window(tf, decoder, index, image, mask, number, crop, augment, labels):
    """One random window of an example, as the functions of `augmentation` make it."""
    augment = augment or augmentation.NOTHING
    draw = augmentation.numbers(tf, number)
    size = tf.shape(mask)
    window = size if crop is None else tf.constant(crop)
    start, source, place, shown = augmentation.place_window(
        tf, size, window, augment.scale, draw[:3]
    )
    image, mask = augmentation.cut(
        tf, image, mask, start, source, shown if augment.scale else None
    )
    image = augmentation.to_bytes(tf, image, draw[3:6], augment.color)
    label = decoder.to_labels(index, mask)
    image, label = augmentation.fill_around(tf, image, label, place, window, labels.ignore)
    if augment.flip:
        image, label = augmentation.mirror(tf, image, label, draw[6])
    height, width = crop or (None, None)
    return tf.ensure_shape(image, (height, width, 3)), tf.ensure_shape(label, (height, width))


def _batched(tf, prepared, batch_size, crop, drop_remainder, labels):
    if crop:
        result = prepared.batch(batch_size, drop_remainder=drop_remainder)
    else:
        result = prepared.padded_batch(
            batch_size,
            padded_shapes=([None, None, 3], [None, None]),
            padding_values=(
                tf.constant(augmentation.FILL[1], tf.uint8),
                tf.constant(labels.ignore, labels.dtype),
            ),
            drop_remainder=drop_remainder,
        )
    return _threaded(tf, result.prefetch(tf.data.AUTOTUNE))


def _threaded(tf, dataset):
    """One thread for each operation: many examples are prepared at once as it is."""
    options = tf.data.Options()
    options.threading.max_intra_op_parallelism = 1
    return dataset.with_options(options)


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
