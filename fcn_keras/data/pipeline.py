"""Batches of examples: decoding, augmentation and batching in one tf.data graph.

Needs TensorFlow, which is imported in the functions.
"""

from typing import NamedTuple

import numpy as np

from fcn_keras.checks import whole_number
from fcn_keras.data.augmentation import OUTSIDE, Augmentation, augmented
from fcn_keras.data.object_crops import MARGIN, around_object, checked_objects
from fcn_keras.data.unreadable import Skipped, without_unreadable
from fcn_keras.data.weak.allowed import allowed_classes, loader_with_alternatives
from fcn_keras.data.weight_maps import loader_with_weights

APART = 7919  # difference between the seeds of two shards


class Part(NamedTuple):
    """One array of an example: its shape, its dtype and its value outside the image."""

    shape: tuple
    dtype: object
    fill: float


def batches(
    dataset,
    batch_size,
    *,
    crop=None,
    augment=False,
    objects=None,
    object_margin=MARGIN,
    shuffle=None,
    seed=0,
    drop_remainder=False,
    cache=False,
    on_error="raise",
    shard=None,
    repeat=False,
    weight_maps=None,
    allowed=None,
):
    """Returns batches of a `Dataset` for `model.fit`.

    Args:
        dataset: A `fcn_keras.data.Dataset`.
        batch_size: Examples per batch.
        crop: (H, W) of a random window in pixels. Outside the image it shows grey (116), and the
            target is invalid (void, or NaN). None: whole images; where sizes differ within a
            batch, the smaller ones are padded in the same way at the bottom and right.
        augment: False, True (the dataset's own choice) or an `Augmentation`.
        objects: Where crops are: None for anywhere; else around a random object of the image, a
            connected component of any class but the first. "all" keeps the labels of the other
            objects, "background" sets them to the first class, "void" to void. The object's box
            is resized to the crop first; `augment.scale` is a factor on that.
        object_margin: Factor by which an object's box is enlarged; 1.2 in DeconvNet.
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
        weight_maps: A `WeightMaps`, or None. Each example then has a weight for each pixel, which
            `model.fit` takes as `sample_weight`. The map of a whole image is computed once and
            kept, in 16 bits, in memory or where `cache` says; a window of it has the pixels of the
            target's window, and 0 outside the image.
        allowed: Whether the targets are the classes that each pixel may have, for the losses of
            weak labels. Default: where the labels are tags or sizes, which say nothing else. A
            pixel of a mask, a point or a scribble has one class; of a box, that of the box and the
            background; pixels without a label have all tags of the whole image, also in a crop;
            void and what is outside the image have none.

    Returns:
        A `tf.data.Dataset` of (images, targets): images (B, H, W, channels), uint8 or float32;
        label maps (B, H, W) with void as `dataset.labels.ignore`, or float32 (B, H, W) or
        (B, H, W, C) with NaN where there is no value. With `weight_maps` of (images, targets,
        weights), the last float32 (B, H, W). With `allowed` the targets are uint8
        (B, H, W, num_classes): 1 where a pixel may have a class, 2 where it may and the image's
        size tag says that the class is large.

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
    allowed = _checked_allowed(allowed, dataset, objects, weight_maps)
    around = checked_objects(objects, object_margin, crop, dataset.task)
    worker, workers = _checked_shard(shard, dataset)
    skipped = _checked_on_error(on_error)
    tf = tensorflow()
    source = tf.data.Dataset.range(len(dataset))
    load, parts = _loading(tf, dataset, weight_maps, allowed)

    def loaded(indices):
        if skipped is None:
            return _mapped(tf, indices, load)
        return without_unreadable(tf, indices, dataset, load, skipped, parts)

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
    seed += APART * worker
    random = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True)

    def prepare(example, number):
        example = example if read_before else load(example)
        return _window(tf, example, number, around, crop, augment, dataset.task, allowed)

    prepared = _mapped(tf, tf.data.Dataset.zip((source, random)), prepare)
    if allowed:
        parts = [parts[0], Part((None, None, dataset.labels.num_classes), "uint8", 0)]
    if crop:
        return _lean(tf, prepared.batch(batch_size, drop_remainder=drop_remainder))
    return _lean(tf, _padded_batch(tf, prepared, batch_size, parts, drop_remainder))


def _loading(tf, dataset, weight_maps, allowed):
    """Returns `load(index)`, a tuple of arrays, and the `Part` of each."""
    load, parts = dataset.tensor_loader(tf), _parts(dataset)
    if weight_maps is not None:
        load = loader_with_weights(tf, dataset, load, weight_maps)
        parts.append(Part((None, None), "float16", 0))
    if allowed:
        load = loader_with_alternatives(tf, dataset, load)
        parts.append(Part((2, dataset.labels.num_classes), "uint8", 0))
    return load, parts


def _window(tf, example, number, around, crop, augment, task, allowed):
    """The random window of an example that a number draws."""
    if allowed:
        *example, alternatives = example
    if around:
        example = around_object(tf, example, number, around, crop, task)
    if crop or augment:
        example = augmented(tf, example, number, crop, augment, task)
    image, target, *weights = example
    if allowed:
        target = allowed_classes(tf, target, alternatives, task.labels)
    return image, target, *(tf.cast(w, tf.float32) for w in weights)


def _padded_batch(tf, source, batch_size, parts, drop_remainder):
    """Batches of examples of any size, the smaller ones filled up at the bottom and right."""
    shapes, dtypes, fills = zip(*parts, strict=True)
    dtypes = [np.dtype("float32" if dtype == "float16" else dtype) for dtype in dtypes]
    return source.padded_batch(
        batch_size,
        padded_shapes=tuple(list(shape) for shape in shapes),
        padding_values=tuple(map(tf.constant, fills, dtypes)),
        drop_remainder=drop_remainder,
    )


def examples(dataset):
    """Returns a `tf.data.Dataset` of {"image", "target"}; see `Dataset.examples`."""
    tf = tensorflow()
    load = dataset.tensor_loader(tf)

    def named(index):
        image, target = load(index)
        return {"image": image, "target": target}

    return _lean(tf, _mapped(tf, tf.data.Dataset.range(len(dataset)), named))


def _parts(dataset):
    """Returns the parts of an example of a dataset: image and target."""
    image = Part(dataset.image_shape, dataset.image_dtype, OUTSIDE)
    return [image, Part(dataset.target_shape, dataset.task.dtype, dataset.task.invalid)]


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
    if augment and augment.elastic and dataset.task.directed:
        raise ValueError(
            f"The values of {dataset.task.kind!r} are directions in the image, which elastic "
            f"deformation does not turn with it: leave it out, got elastic={augment.elastic:g}."
        )
    if augment and augment.frame_shift and dataset.task.frames != 2:
        raise ValueError(
            f"`frame_shift` is for pairs of frames, and {dataset.name} has single images: leave it "
            f"out, got {augment.frame_shift}."
        )
    return crop, augment or None


def _checked_allowed(allowed, dataset, objects, weight_maps):
    """Returns whether targets are the allowed classes of each pixel."""
    if allowed is None:
        allowed = not dataset.labels_pixels
    other = {"objects": objects, "weight_maps": weight_maps}
    given = [f"{name}={value!r}" for name, value in other.items() if value is not None]
    if allowed and given:
        raise ValueError(
            f"Weak labels do not tell where objects are, which {given[0]} needs: leave it out."
        )
    return bool(allowed)


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
