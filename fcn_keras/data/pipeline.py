"""Batches of examples: decoding, augmentation and batching in one tf.data graph.

Needs TensorFlow, which is imported in the functions.
"""

from fcn_keras.checks import whole_number
from fcn_keras.data.augmentation import OUTSIDE, Augmentation, augmented
from fcn_keras.data.unreadable import Skipped, without_unreadable

APART = 7919  # difference between the seeds of two shards


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
    """Returns batches of a `Dataset` for `model.fit`.

    Args:
        dataset: A `fcn_keras.data.Dataset`.
        batch_size: Examples per batch.
        crop: (H, W) of a random window in pixels. Outside the image it shows grey (116), and the
            target is invalid (void, or NaN). None: whole images; where sizes differ within a
            batch, the smaller ones are padded in the same way at the bottom and right.
        augment: False, True (the dataset's own choice) or an `Augmentation`.
        shuffle: Whether the order of the examples is drawn anew in each epoch. Default: where
            there is augmentation or a crop.
        seed: Seed of order and augmentation. The same seed gives the same epochs; the epochs
            differ from each other.
        drop_remainder: Whether to leave out the last batch if it is smaller.
        cache: Where to keep decoded examples from the first epoch on: True in memory, a path in
            files that begin with it (one for each pipeline; changes of the images are not
            noticed).
        on_error: What happens with a file that cannot be read, or a target that does not fit:
            "raise" stops with an error that names it; "skip" leaves it out and warns, and so does
            a `Skipped`, which lists afterwards what was left out.
        shard: (index, count): the share of one of `count` workers with the same seed. All get
            the same number of examples; each epoch divides them anew.
        repeat: Whether to repeat without end; batches then cross the ends of epochs. For
            `model.fit` with `steps_per_epoch`.

    Returns:
        A `tf.data.Dataset` of (images, targets): images (B, H, W, channels), uint8 or float32;
        label maps (B, H, W) with void as `dataset.labels.ignore`, or float32 (B, H, W) or
        (B, H, W, C) with NaN where there is no value.

    Raises:
        ImportError: without TensorFlow.
        ValueError: for arguments that do not fit. While iterating, an error that names the file,
            for a label that is neither a class nor void, or a target whose size is not its
            image's.

    Example:

    ```python
    batches = data.batches(8, crop=(256, 320), augment=fcn_keras.data.Augmentation(scale=(0.5, 2)))
    ```
    """
    crop, augment = _checked(dataset, batch_size, crop, augment)
    worker, workers = _checked_shard(shard, dataset)
    skipped = _checked_on_error(on_error)
    tf = tensorflow()
    source, load = tf.data.Dataset.range(len(dataset)), dataset.tensor_loader(tf)

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
        example = example if read_before else load(example)
        if crop or augment:
            example = augmented(tf, example, number, crop, augment, dataset.task)
        return example

    prepared = _mapped(tf, tf.data.Dataset.zip((source, random)), prepare)
    if crop:
        result = prepared.batch(batch_size, drop_remainder=drop_remainder)
    else:
        outside = tf.constant(OUTSIDE, dataset.image_dtype)
        invalid = tf.constant(dataset.task.invalid, dataset.task.dtype)
        result = prepared.padded_batch(
            batch_size,
            padded_shapes=([*dataset.image_shape], [*dataset.target_shape]),
            padding_values=(outside, invalid),
            drop_remainder=drop_remainder,
        )
    return _lean(tf, result)


def examples(dataset):
    """Returns a `tf.data.Dataset` of {"image", "target"}; see `Dataset.examples`."""
    tf = tensorflow()
    load = dataset.tensor_loader(tf)

    def named(index):
        image, target = load(index)
        return {"image": image, "target": target}

    return _lean(tf, _mapped(tf, tf.data.Dataset.range(len(dataset)), named))


def _mapped(tf, source, function):
    plain = tf.autograph.experimental.do_not_convert(function)
    return source.map(plain, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)


def _lean(tf, source):
    """The source with prefetching, one thread per operation and no autotuning.

    Many examples are prepared at once, so that one thread per operation is enough. An iterator
    that is abandoned, as at the end of each epoch of `fit`, waits for the thread of autotuning,
    which sleeps for up to a minute. Without autotuning an operation runs as many times at once as
    there are cores (16 at most), and prefetching still adapts.
    """
    options = tf.data.Options()
    options.threading.max_intra_op_parallelism = 1
    options.autotune.enabled = False
    return source.prefetch(tf.data.AUTOTUNE).with_options(options)


def _checked(dataset, batch_size, crop, augment):
    """Returns `(crop, augment)`: a tuple of ints or None, and an `Augmentation` or None."""
    whole_number("batch_size", batch_size)
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
    if augment and augment.deforms and dataset.task.directed:
        raise ValueError(
            f"The values of {dataset.task.kind!r} are directions in the image, which neither "
            f"rotate nor elastic turns with it: leave both out, got {augment!r}."
        )
    return crop, augment or None


def _checked_shard(shard, dataset):
    """Returns (index, count) of a worker; (0, 1) for the only one."""
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
    """Returns a `Skipped`, or None where errors are raised."""
    if isinstance(on_error, Skipped):
        return on_error
    if on_error not in ("raise", "skip"):
        raise ValueError(f"`on_error` must be 'raise', 'skip' or a Skipped, got {on_error!r}.")
    return Skipped() if on_error == "skip" else None


def tensorflow():
    """Returns TensorFlow; without it, raises an error that says what needs it."""
    try:
        import tensorflow as tf
    except ImportError as error:
        raise ImportError(
            "Batches of fcn_keras.data need tf.data, with the JAX and torch backends too: "
            "pip install tensorflow (or tensorflow-cpu)."
        ) from error
    return tf
