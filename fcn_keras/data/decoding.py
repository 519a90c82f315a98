"""Examples as tensors, decoded by TensorFlow where it gives what Pillow gives, else by Pillow."""

import re
from pathlib import Path

import numpy as np

from fcn_keras.data.images.headers import index_png, plain_image
from fcn_keras.data.masks.palettes import conflict, numbers_are_meant, palette_of
from fcn_keras.data.masks.reader import LabelError, MaskReader


def loader(tf, dataset):
    """Returns `load(index) -> (image, target)`: the example as tensors, as `dataset[index]`.

    The header of each file is read once, here, to choose its decoder. Iterating raises an error
    that names the file for a label that is no class, or a target whose size is not its image's.
    """
    if dataset.in_memory:
        return _from_memory(tf, dataset)
    image_paths = tf.constant([str(path) for path in dataset.images])
    target_paths = tf.constant([str(path) for path in dataset.targets])
    decode_image = image_decoder(tf, dataset)
    decode_target = _target_decoder(tf, dataset)

    def load(index):
        image = decode_image(index, image_paths[index])
        target, right = decode_target(index, target_paths[index])
        right &= tf.reduce_all(tf.shape(image)[:2] == tf.shape(target)[:2])
        checked = tf.cond(
            right,
            lambda: tf.constant(0),
            lambda: tf.numpy_function(lambda i: refuse(dataset, int(i)), [index], tf.int32),
        )
        with tf.control_dependencies([checked]):
            return tf.identity(image), tf.identity(target)

    return load


def refuse(dataset, index):
    """Raises the error of example `index`, which could not be decoded.

    Raises:
        OSError, ValueError: as `dataset[index]`, or naming its files where that finds nothing.
    """
    dataset[index]
    raise ValueError(f"{dataset.images[index]} or {dataset.targets[index]} cannot be decoded.")


def refusal(error):
    """Returns the error of `load` that TensorFlow wrapped, or None.

    TensorFlow turns an exception raised inside a pipeline into one of its own, whose text is a
    traceback.

    Args:
        error: An exception.

    Returns:
        `LabelError`, `ValueError` or `FileNotFoundError` with the message alone, or None if
        `error` has another cause.
    """
    if not type(error).__module__.startswith("tensorflow"):
        return None
    found = re.search(r"(LabelError|ValueError|FileNotFoundError): (.+)", str(error))
    kinds = {"LabelError": LabelError, "FileNotFoundError": FileNotFoundError}
    return kinds.get(found[1], ValueError)(found[2]) if found else None


def _from_memory(tf, dataset):
    pairs = list(dataset)
    if len({image.shape for image, _ in pairs}) == 1:
        images, targets = (tf.constant(np.stack(part)) for part in zip(*pairs, strict=True))
        return lambda index: (images[index], targets[index])
    dtypes = (tf.as_dtype(dataset.image_dtype), tf.as_dtype(dataset.task.dtype))

    def load(index):
        image, target = tf.numpy_function(lambda i: pairs[i], [index], dtypes)
        return (
            tf.ensure_shape(image, dataset.image_shape),
            tf.ensure_shape(target, dataset.target_shape),
        )

    return load


def image_decoder(tf, dataset):
    """Returns `decode(index, path)` of an image: by TensorFlow, by Pillow or by its own reader."""
    dtype = tf.as_dtype(dataset.image_dtype)

    def by_tensorflow(path):
        # decode_jpeg reads PNG as well; the accurate transform gives exactly Pillow's pixels
        data = tf.io.read_file(path)
        image = tf.io.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE")
        if dataset.channels == 1:
            image = _grey(tf, image)
        return image if dtype == tf.uint8 else tf.cast(image, dtype)

    def by_reader(index):
        return tf.numpy_function(lambda index: dataset.read_image(int(index)), [index], dtype)

    first = dataset.reads_files and not dataset.image_reader.page  # TensorFlow reads that alone
    possible = first and dataset.channels in (1, 3) and not dataset.resize_images
    plain = [possible and plain_image(path) for path in dataset.images]
    return _either(tf, plain, by_tensorflow, by_reader, dataset.image_shape)


def _grey(tf, rgb):
    """The luma of RGB in Pillow's integers, uint8 (H, W, 1)."""
    weights = tf.constant([19595, 38470, 7471])  # 0.299, 0.587 and 0.114 of 65536
    luma = tf.reduce_sum(tf.cast(rgb, tf.int32) * weights, axis=-1, keepdims=True)
    return tf.cast((luma + 32768) // 65536, tf.uint8)


def _either(tf, plain, by_tensorflow, by_reader, shape):
    """Returns `decode(index, path)` with the decoder that each file needs."""
    if all(plain):
        return lambda index, path: by_tensorflow(path)
    if not any(plain):
        return lambda index, path: tf.ensure_shape(by_reader(index), shape)
    plain = tf.constant(plain)

    def decode(index, path):
        image = tf.cond(plain[index], lambda: by_tensorflow(path), lambda: by_reader(index))
        return tf.ensure_shape(image, shape)

    return decode


def _target_decoder(tf, dataset):
    """Returns `decode(index, path) -> (target, right)` of a target's file.

    `right` says whether every value is one that the task has.
    """
    dtype, reader = tf.as_dtype(dataset.task.dtype), dataset.reader

    def by_reader(index):
        target = tf.numpy_function(lambda i: reader.read(dataset.targets[int(i)]), [index], dtype)
        return tf.ensure_shape(target, dataset.target_shape), tf.constant(True)

    return _png_decoder(tf, dataset, by_reader) or (lambda index, path: by_reader(index))


def _png_decoder(tf, dataset, by_reader):
    """Returns `decode` for masks that are all grey or palette PNGs of at most 8 bits, else None."""
    reader = dataset.reader
    if type(reader) is not MaskReader:  # a subclass reads other files
        return None
    headers = [index_png(path) for path in dataset.targets]
    _require_one_numbering(dataset, headers)
    convert = _converter(tf, reader)
    if None in headers or convert is None:
        return None
    kinds = {(header.palette, header.unit, header.transparent) for header in headers}
    if not all(_numbers_suffice(reader, *kind) for kind in kinds):
        return None
    palettes = any(header.palette for header in headers)
    prefixes = tf.constant([header.prefix for header in headers])
    starts = tf.constant([header.start for header in headers])
    units = tf.constant([header.unit for header in headers], tf.uint8)
    packed = any(header.unit > 1 for header in headers)

    def decode(index, path):
        data = tf.io.read_file(path)
        if palettes:
            data = prefixes[index] + tf.strings.substr(data, starts[index], -1)
        values = tf.io.decode_png(data, channels=1)[..., 0]
        values = values // units[index] if packed else values
        if reader.counts_greys:
            # More than two values: instances, or blended greys that are refused.
            doubtful = tf.reduce_any((values > 0) & (values < tf.reduce_max(values)))
        elif reader.reads_black_and_white:
            doubtful = tf.reduce_any(values == 255)
        else:
            return convert(values)
        return tf.cond(doubtful, lambda: by_reader(index), lambda: convert(values))

    return decode


def _require_one_numbering(dataset, headers):
    """Refuses palette masks in which one colour has different indices.

    Raises:
        LabelError: naming two of the files.
    """
    palettes = [
        header.palette if header else b"" if path.suffix.lower() == ".png" else palette_of(path)
        for path, header in zip(map(Path, dataset.targets), headers, strict=True)
    ]
    if text := conflict(dataset.reader, dataset.targets, palettes):
        raise LabelError(text)


def _numbers_suffice(reader, palette, unit, transparent):
    """Whether `MaskReader.read` looks at nothing but the numbers of PNGs of this kind."""
    if reader.threshold is not None or (reader.binary and transparent):
        return False
    if not palette:
        return not (reader.palette_is_key and unit == 255)
    if reader.palette_is_key:
        return False
    colors = np.frombuffer(palette, "uint8").reshape(-1, 3)
    if reader.binary:
        return not colors[0].any()
    return numbers_are_meant(colors, reader.labels.num_classes)


def _converter(tf, reader):
    """Returns `convert(values) -> (label, right)` for uint8 values, as `MaskReader.convert` does.

    None where 8 bits do not suffice.
    """
    if reader.labels.dtype != np.uint8:
        return None
    table = reader.table[:256]
    moved = [value for value in np.flatnonzero(table >= 0) if table[value] != value]
    count = int(np.argmax(np.append(table, -1) < 0))
    dense = set(np.flatnonzero(table[count:] >= 0) + count) <= {255}
    if dense and table[255] >= 0 and len(moved) <= 2:
        look_up = _few_moved(tf, table, moved, count)
    elif unused := [value for value in range(256) if value not in table]:
        look_up = _looked_up(tf, np.where(table < 0, unused[0], table), unused[0])
    else:
        return None

    def convert(values):
        label, right = look_up(values)
        if reader.refuse_binary:
            below = tf.where(values == 255, tf.zeros_like(values), values)
            right &= (tf.reduce_max(values) < 255) | (tf.reduce_max(below) > 0)
        return label, right

    return convert


def _few_moved(tf, table, moved, count):
    """Returns the conversion of values 0..count-1 and 255, few of which mean another label."""

    def look_up(values):
        label = values
        for value in moved:
            there = values == tf.constant(value, tf.uint8)
            label = tf.where(there, tf.constant(table[value], tf.uint8), label)
        highest = tf.reduce_max(values + tf.constant(1, tf.uint8))  # 255 + 1 is 0
        return label, tf.cast(highest, tf.int32) <= count

    return look_up


def _looked_up(tf, table, unused):
    table = tf.constant(table, tf.uint8)

    def look_up(values):
        label = tf.gather(table, tf.cast(values, tf.int32))
        return label, ~tf.reduce_any(label == tf.constant(unused, tf.uint8))

    return look_up
