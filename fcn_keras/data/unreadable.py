"""Leaving out examples that cannot be read, and listing them."""

import warnings

from fcn_keras.data.decoding import refuse


class Skipped:
    """The examples that a pipeline left out; pass it to `batches` as `on_error`.

    There is one warning for each example, when it is left out for the first time.

    Attributes:
        problems: {example's name: why it was left out}.

    Example:

    ```python
    skipped = fcn_keras.data.unreadable.Skipped()
    batches = fcn_keras.data.load("digits").batches(8, on_error=skipped)
    for images, labels in batches.take(2):
        pass
    print(skipped)                  # none was skipped
    ```
    """

    def __init__(self):
        self.problems = {}

    def __len__(self):
        return len(self.problems)

    def __str__(self):
        if not self.problems:
            return "no example was skipped"
        count = len(self.problems)
        return f"{count} example{'s' * (count > 1)} skipped: {', '.join(self.problems)}"

    def add(self, dataset, index):
        """Records that example `index` cannot be read, and warns.

        Raises:
            ValueError: if no example of the dataset is left.
        """
        name = dataset.names[index]
        if name in self.problems:
            return
        try:
            refuse(dataset, index)
        except (OSError, ValueError) as error:
            self.problems[name] = str(error)
        warnings.warn(f"Skipped {name!r}: {self.problems[name]}", stacklevel=2)
        if len(self.problems) == len(dataset):
            raise ValueError(
                f"{dataset.name} ({dataset.split}): none of the {len(dataset)} examples can be "
                f"read; the first: {next(iter(self.problems.values()))}"
            )


def without_unreadable(tf, indices, dataset, load, skipped, parts):
    """Returns the examples of a `tf.data.Dataset` of indices without those that `load` refuses.

    Args:
        tf: TensorFlow.
        indices: A `tf.data.Dataset` of indices of `dataset`.
        dataset: A `Dataset`.
        load: `load(index)`: a tuple of arrays; it raises for what cannot be read.
        skipped: A `Skipped`.
        parts: (shape, dtype, ...) of each array.

    Returns:
        A `tf.data.Dataset` of these tuples.
    """
    plain = tf.autograph.experimental.do_not_convert
    nothing = (False, *(tf.zeros([n or 1 for n in shape], d) for shape, d, *_ in parts))

    def note(index):
        skipped.add(dataset, int(index))
        return False

    def attempt(index):
        one = tf.data.Dataset.from_tensors(index).map(plain(lambda i: (True, *load(i))))
        one = one.ignore_errors().concatenate(tf.data.Dataset.from_tensors(nothing)).take(1)
        found, *arrays = one.get_single_element()
        found = tf.cond(found, lambda: True, lambda: tf.numpy_function(note, [index], tf.bool))
        pairs = zip(arrays, parts, strict=True)
        return tf.ensure_shape(found, ()), *(tf.ensure_shape(a, shape) for a, (shape, *_) in pairs)

    tried = indices.map(plain(attempt), num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    found = tried.filter(plain(lambda found, *arrays: found))
    return found.map(plain(lambda found, *arrays: arrays))
