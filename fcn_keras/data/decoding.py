"""From an example's number to its image and mask, as tensors of a tf.data graph.

TensorFlow decodes the files that it reads as Pillow does; the others go through Pillow.
"""

import numpy as np

from fcn_keras.data.headers import index_png, plain_image
from fcn_keras.data.images import read_image


class Decoder:
    """Reads the examples of a `Dataset` inside a tf.data graph.

    Masks stay as they are in the file until `to_labels`, so that only what a window shows is
    translated and checked.

    Args:
        tf: TensorFlow.
        dataset: A `Dataset`.
    """

    def __init__(self, tf, dataset):
        self._tf, self._dataset = tf, dataset
        self._dtype = tf.as_dtype(dataset.labels.dtype)
        if dataset.in_memory:
            self._raw, self._read = False, self._from_memory()
        else:
            self._read = self._from_files()

    def read(self, index):
        """`(image uint8 (H, W, 3), mask (H, W))` of example `index`, of equal size."""
        return self._read(index)

    def to_labels(self, index, mask):
        """The label map of a mask that `read` gave, or of a part of it.

        An error that names the file is raised while iterating if a value is no class.
        """
        if not self._raw:
            return mask
        label, wrong = self._translated(mask)
        return label if wrong is None else self._unless(wrong, index, label)

    def _translated(self, mask):
        """A mask's labels, and whether one is neither a class nor void (None: cannot be)."""
        tf, reader = self._tf, self._dataset.reader
        top, ignore = reader.labels.num_classes - 1, reader.labels.ignore
        label = mask
        if reader.nonzero is not None:
            label = tf.where(mask > 0, tf.constant(reader.nonzero, mask.dtype), 0)
        for value in reader.void:
            if 0 <= value <= 255 and value != ignore:
                label = tf.where(mask == value, tf.constant(ignore, mask.dtype), label)
        if reader.nonzero is not None or top >= 254:
            return label, None
        return label, tf.reduce_any((label > top) & (label != ignore))

    def _unless(self, wrong, index, *tensors):
        """The tensors, or the error that reading the example with NumPy raises if `wrong`."""
        tf, dataset = self._tf, self._dataset

        def explain(number):
            dataset[int(number)]
            raise ValueError(f"{dataset.masks[int(number)]} could not be read the same way twice.")

        stop = tf.cond(
            wrong,
            lambda: tf.numpy_function(explain, [index], tf.int32),
            lambda: tf.constant(0),
        )
        with tf.control_dependencies([stop]):
            kept = [tf.identity(tensor) for tensor in tensors]
        return kept if len(kept) > 1 else kept[0]

    def _from_files(self):
        tf, reader = self._tf, self._dataset.reader
        images, masks = self._dataset.images, self._dataset.masks
        raw = self._dtype == tf.uint8
        fast_masks = [raw and index_png(path) for path in masks]
        self._raw = all(fast_masks)

        def decode_mask(path):
            mask = tf.io.decode_png(tf.io.read_file(path), 1)[..., 0]
            return mask if self._raw else self._translated(mask)[0]

        image_of = self._by_file(
            images,
            [plain_image(path) for path in images],
            lambda path: tf.io.decode_image(tf.io.read_file(path), 3, expand_animations=False),
            lambda path: tf.numpy_function(_read_image, [path], tf.uint8),
            (None, None, 3),
        )
        mask_of = self._by_file(
            masks,
            fast_masks,
            decode_mask,
            lambda path: tf.numpy_function(lambda p: reader.read(p.decode()), [path], self._dtype),
            (None, None),
        )

        def read(index):
            image, mask = image_of(index), mask_of(index)
            unequal = tf.reduce_any(tf.shape(image)[:2] != tf.shape(mask))
            return self._unless(unequal, index, image, mask)

        return read

    def _by_file(self, paths, plain, decode, read, shape):
        """`index -> tensor`: TensorFlow's `decode` for the plain files, `read` for the rest."""
        tf = self._tf
        names, flags = tf.constant([str(path) for path in paths]), tf.constant(plain)

        def load(index):
            path = names[index]
            if all(plain) or not any(plain):
                value = decode(path) if all(plain) else read(path)
            else:
                value = tf.cond(flags[index], lambda: decode(path), lambda: read(path))
            return tf.ensure_shape(value, shape)

        return load

    def _from_memory(self):
        tf, dataset = self._tf, self._dataset
        pairs = [dataset[index] for index in range(len(dataset))]
        if len({label.shape for _, label in pairs}) == 1:
            images, labels = (tf.constant(np.stack(part)) for part in zip(*pairs, strict=True))
            return lambda index: (images[index], labels[index])

        def read(index):
            image, label = tf.numpy_function(
                lambda number: pairs[number], [index], (tf.uint8, self._dtype)
            )
            return tf.ensure_shape(image, (None, None, 3)), tf.ensure_shape(label, (None, None))

        return read


def _read_image(path):
    return read_image(path.decode())
