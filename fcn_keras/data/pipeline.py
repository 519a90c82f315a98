"""From examples to batches: decoding, augmentation and batching as one tf.data graph.

Needs TensorFlow, imported when called.
"""

from fcn_keras.data.augmentation import OUTSIDE, Augmentation, augmented
from fcn_keras.data.decoding import loader


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
        crop: (H, W) of a random window; outside the image it shows grey (116) and void. None:
            whole images; where sizes differ within a batch, the smaller are padded likewise at
            the bottom and right.
        augment: False, True (the dataset's own choice) or an `Augmentation`.
        shuffle: Whether to draw the examples in a new order each epoch; by default when
            augmenting or cropping.
        seed: Makes order and augmentation repeatable; each epoch still differs.
        drop_remainder: Leave the last, smaller batch out.
        cache: Keep decoded examples in memory from the first epoch on.

    Returns:
        A `tf.data.Dataset` of (images uint8 (B, H, W, 3), labels (B, H, W)), void as
        `dataset.labels.ignore`.

    Raises:
        ImportError: without TensorFlow.
        ValueError: for arguments that do not fit. While iterating, an error naming the file for a
            label that is neither a class nor void, or a mask whose size is not its image's.

    Example:

    ```python
    batches = data.batches(8, crop=(256, 320), augment=fcn_keras.data.Augmentation(scale=(0.5, 2)))
    ```
    """
    crop, augment = _checked(dataset, batch_size, crop, augment)
    tf = tensorflow()
    source, load = tf.data.Dataset.range(len(dataset)), loader(tf, dataset)
    if cache:
        source = _mapped(tf, source, load).cache()
    if bool(augment or crop) if shuffle is None else shuffle:
        source = source.shuffle(len(dataset), seed=seed)
    random = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True)

    def prepare(example, number):
        image, label = example if cache else load(example)
        if crop or augment:
            void = dataset.labels.ignore
            image, label = augmented(tf, image, label, number, crop, augment, void)
        return image, label

    prepared = _mapped(tf, tf.data.Dataset.zip((source, random)), prepare)
    if crop:
        result = prepared.batch(batch_size, drop_remainder=drop_remainder)
    else:
        void = tf.constant(dataset.labels.ignore, dataset.labels.dtype)
        result = prepared.padded_batch(
            batch_size,
            padded_shapes=([None, None, 3], [None, None]),
            padding_values=(tf.constant(OUTSIDE, tf.uint8), void),
            drop_remainder=drop_remainder,
        )
    return _lean(tf, result)


def examples(dataset):
    """A `tf.data.Dataset` of {"image", "label"}; see `Dataset.examples`."""
    tf = tensorflow()
    load = loader(tf, dataset)

    def named(index):
        image, label = load(index)
        return {"image": image, "label": label}

    return _lean(tf, _mapped(tf, tf.data.Dataset.range(len(dataset)), named))


def _mapped(tf, source, function):
    plain = tf.autograph.experimental.do_not_convert(function)
    return source.map(plain, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)


def _lean(tf, source):
    """Prefetched; one thread an operation, as many examples are prepared at once anyway."""
    options = tf.data.Options()
    options.threading.max_intra_op_parallelism = 1
    return source.prefetch(tf.data.AUTOTUNE).with_options(options)


def _checked(dataset, batch_size, crop, augment):
    """`(crop, augment)` as a tuple of ints or None, and an `Augmentation` or None."""
    if batch_size < 1:
        raise ValueError(f"`batch_size` must be at least 1, got {batch_size}.")
    if not len(dataset):
        raise ValueError(f"{dataset.name} ({dataset.split}) holds no examples.")
    if crop is not None:
        sizes = tuple(crop) if isinstance(crop, (tuple, list)) else (crop, crop)
        if len(sizes) != 2 or any(int(size) != size or size < 1 for size in sizes):
            raise ValueError(f"`crop` must be (height, width), two whole numbers, got {crop!r}.")
        crop = tuple(int(size) for size in sizes)
    if augment is True:
        augment = dataset.augmentation
    if augment and not isinstance(augment, Augmentation):
        raise ValueError(
            f"`augment` must be True, False or a fcn_keras.data.Augmentation, got {augment!r}."
        )
    return crop, augment or None


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
