"""Examples as tensors: TensorFlow's decoders where they read as Pillow does, else Pillow itself."""

import re
from pathlib import Path

import numpy as np

from fcn_keras.data.headers import index_png, plain_image
from fcn_keras.data.images import read_image
from fcn_keras.data.masks import LabelError, MaskReader


def loader(tf, dataset):
    """`load(index) -> (image, label)`, tensors uint8 (H, W, 3) and (H, W) of the label dtype.

    Files are looked at once, here, to choose how each is decoded. Iterating raises an error that
    names the file for a label that is no class, or a mask that is not of its image's size.
    """
    if not isinstance(dataset.images[0], (str, Path)):
        return _from_memory(tf, dataset)
    image_paths = tf.constant([str(path) for path in dataset.images])
    mask_paths = tf.constant([str(path) for path in dataset.targets])
    decode_image = _image_decoder(tf, dataset.images, dataset.image_reader)
    decode_mask = _mask_decoder(tf, dataset.targets, dataset.reader)

    def load(index):
        image = decode_image(index, image_paths[index])
        label, right = decode_mask(index, mask_paths[index])
        right &= tf.reduce_all(tf.shape(image)[:2] == tf.shape(label))
        checked = tf.cond(
            right,
            lambda: tf.constant(0),
            lambda: tf.numpy_function(lambda i: refuse(dataset, int(i)), [index], tf.int32),
        )
        with tf.control_dependencies([checked]):
            return tf.identity(image), tf.identity(label)

    return load


def refuse(dataset, index):
    """Raises what is wrong with example `index`, which could not be decoded.

    Raises:
        OSError, ValueError: as `dataset[index]`, or naming its files where that finds nothing.
    """
    dataset[index]
    raise ValueError(f"{dataset.images[index]} or {dataset.targets[index]} cannot be decoded.")


def refusal(error):
    """What `load` refused an example for, if that is how TensorFlow's `error` came about.

    TensorFlow wraps an exception raised inside a pipeline into one of its own, with a traceback
    for text.

    Returns:
        `LabelError`, `ValueError` or `FileNotFoundError` with the sentence alone, or None.
    """
    if not type(error).__module__.startswith("tensorflow"):
        return None
    found = re.search(r"(LabelError|ValueError|FileNotFoundError): (.+)", str(error))
    kinds = {"LabelError": LabelError, "FileNotFoundError": FileNotFoundError}
    return kinds.get(found[1], ValueError)(found[2]) if found else None


def _from_memory(tf, dataset):
    pairs = list(dataset)
    if len({image.shape for image, _ in pairs}) == 1:
        images, labels = (tf.constant(np.stack(part)) for part in zip(*pairs, strict=True))
        return lambda index: (images[index], labels[index])
    dtypes = (tf.uint8, tf.as_dtype(dataset.labels.dtype))

    def load(index):
        image, label = tf.numpy_function(lambda i: pairs[i], [index], dtypes)
        return tf.ensure_shape(image, (None, None, 3)), tf.ensure_shape(label, (None, None))

    return load


def _image_decoder(tf, paths, reader):
    """`decode(index, path)` of an image: by TensorFlow, by Pillow, or by a reader of its own."""

    def by_tensorflow(path):
        # decode_jpeg reads PNG as well; the accurate transform gives Pillow's very pixels
        data = tf.io.read_file(path)
        return tf.io.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE")

    def by_reader(path):
        return tf.numpy_function(lambda path: reader(path.decode()), [path], tf.uint8)

    plain = [reader is read_image and plain_image(path) for path in paths]
    return _either(tf, plain, by_tensorflow, by_reader, (None, None, 3))


def _either(tf, plain, by_tensorflow, by_reader, shape):
    """`decode(index, path)` with the decoder that each file asks for."""
    if all(plain):
        return lambda index, path: by_tensorflow(path)
    if not any(plain):
        return lambda index, path: tf.ensure_shape(by_reader(path), shape)
    plain = tf.constant(plain)

    def decode(index, path):
        image = tf.cond(plain[index], lambda: by_tensorflow(path), lambda: by_reader(path))
        return tf.ensure_shape(image, shape)

    return decode


def _mask_decoder(tf, paths, reader):
    """`decode(index, path) -> (label, right)` of a mask file; `right` says whether every value is
    a class or void.
    """
    dtype = tf.as_dtype(reader.labels.dtype)
    pictures = type(reader) is MaskReader
    headers = [index_png(path) if pictures else None for path in paths]
    palettes = any(header and header.start > 33 for header in headers)
    convert = _converter(tf, reader)
    if None in headers or convert is None or (palettes and reader.palette_is_key):

        def decode(index, path):
            label = tf.numpy_function(lambda path: reader.read(path.decode()), [path], dtype)
            return tf.ensure_shape(label, (None, None)), tf.constant(True)

        return decode

    prefixes = tf.constant([header.prefix for header in headers])
    starts = tf.constant([header.start for header in headers])
    units = tf.constant([header.unit for header in headers], tf.uint8)
    packed = any(header.unit > 1 for header in headers)

    def decode(index, path):
        data = tf.io.read_file(path)
        if palettes:
            data = prefixes[index] + tf.strings.substr(data, starts[index], -1)
        values = tf.io.decode_png(data, channels=1)[..., 0]
        return convert(values // units[index] if packed else values)

    return decode


def _converter(tf, reader):
    """`convert(values) -> (label, right)` for uint8 values: what `MaskReader.convert` does.

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
    """For values of 0..count-1 and 255, of which few stand for another label."""

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
