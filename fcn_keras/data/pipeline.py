"""From examples to batches: decoding, augmentation and batching as one tf.data graph.

Needs TensorFlow, imported when called.
"""

from fcn_keras.data.augmentation import OUTSIDE, Augmentation, augmented
from fcn_keras.data.decoding import loader
from fcn_keras.data.unreadable import Skipped, without_unreadable

APART = 7919  # between the seeds of two shards


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
    on_error="raise",
    shard=None,
    repeat=False,
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
        cache: Keep decoded examples from the first epoch on: True in memory, a path in files that
            begin with it (one for each pipeline; they are not noticed to be out of date).
        on_error: What a file that cannot be read, or a mask that does not fit, leads to: "raise"
            stops with an error that names it; "skip", or a `Skipped` to ask afterwards, goes on
            without it and warns.
        shard: (index, count): the share of one of `count` workers with the same seed. All get
            the same number of examples; each epoch divides them anew.
        repeat: Go on for ever, batches running over the ends of epochs: for `model.fit` with
            `steps_per_epoch`.

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
    worker, workers = _checked_shard(shard, dataset)
    skipped = _checked_on_error(on_error)
    tf = tensorflow()
    source, load = tf.data.Dataset.range(len(dataset)), loader(tf, dataset)

    def loaded(indices):
        if skipped is None:
            return _mapped(tf, indices, load)
        return without_unreadable(tf, indices, dataset, load, skipped)

    if cache:
        source = loaded(source)
        source = source.cache() if cache is True else source.cache(str(cache))
    if bool(augment or crop) if shuffle is None else shuffle:
        source = source.shuffle(len(dataset), seed=seed)
    if workers > 1:
        source = source.take(len(dataset) // workers * workers).shard(workers, worker)
    if repeat:
        source = source.repeat()
    if skipped is not None and not cache:
        source = loaded(source)
    read_before = cache or skipped is not None
    seed_here = seed + APART * worker
    random = tf.data.Dataset.random(seed=seed_here, rerandomize_each_iteration=True)

    def prepare(example, number):
        image, label = example if read_before else load(example)
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
    """Prefetched; one thread an operation, as many examples are prepared at once anyway.

    Without tf.data's model of its own speed: an iterator that is given up, as at the end of each
    epoch of `fit`, waits for that model's thread, which sleeps for up to a minute. Without it an
    operation runs as often at once as there are cores (16 at most), and prefetching still adapts.
    """
    options = tf.data.Options()
    options.threading.max_intra_op_parallelism = 1
    options.autotune.enabled = False
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


def _checked_shard(shard, dataset):
    """(index, count) of a worker; (0, 1) for the only one."""
    if shard is None:
        return 0, 1
    whole = len(shard) == 2 and all(int(n) == n for n in shard)
    if not whole or not 0 <= shard[0] < shard[1] <= len(dataset):
        raise ValueError(
            f"`shard` is (index, count) with 0 <= index < count <= {len(dataset)} (the examples), "
            f"got {shard!r}."
        )
    return int(shard[0]), int(shard[1])


def _checked_on_error(on_error):
    """A `Skipped`, or None to raise."""
    if isinstance(on_error, Skipped):
        return on_error
    if on_error not in ("raise", "skip"):
        raise ValueError(f"`on_error` must be 'raise', 'skip' or a Skipped, got {on_error!r}.")
    return Skipped() if on_error == "skip" else None


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
