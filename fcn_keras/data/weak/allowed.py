"""Allowed classes: what weak labels say of each pixel, as the losses of weak labels take it."""

import numpy as np


def unlabelled_code(labels):
    """Returns the value that stands for pixels without a label while examples are cut and varied.

    It is no class and not void, which is what lies outside the image.

    Args:
        labels: A `LabelSet`.

    Raises:
        ValueError: if label maps have no value left for it.
    """
    for code in range(labels.num_classes, np.iinfo(labels.dtype).max + 1):
        if code != labels.ignore:
            return code
    raise ValueError(
        f"Weak labels take at most {np.iinfo(labels.dtype).max - 1} classes, and there are "
        f"{labels.num_classes}."
    )


def loader_with_alternatives(tf, dataset, load):
    """Returns `load(index) -> (image, target, alternatives)` of examples with weak labels.

    Args:
        tf: TensorFlow.
        dataset: A `fcn_keras.data.Dataset` of classes.
        load: `load(index) -> (image, target)`.

    Returns:
        The function. Pixels of the target without a label have `unlabelled_code`; the
        alternatives are those of `Dataset.read_alternatives`, uint8 (2, num_classes).

    Raises:
        ValueError: for a dataset without classes, or with too many.
    """
    if dataset.labels is None:
        raise ValueError(
            f"`allowed` is for classes; the task of {dataset.name} ({dataset.split}) is "
            f"{dataset.task.kind!r}."
        )
    code, void = unlabelled_code(dataset.labels), dataset.labels.ignore
    count = dataset.labels.num_classes

    def load_all(index):
        image, target = load(index)
        with tf.control_dependencies([target]):  # a wrong target is refused before
            alternatives = tf.numpy_function(
                lambda index: dataset.read_alternatives(int(index)), [index], tf.uint8
            )
        alternatives = tf.ensure_shape(alternatives, (2, count))
        weak = tf.reduce_any(alternatives[0] > 0)  # of a mask, void stays void
        unlabelled = weak & (target == tf.constant(void, target.dtype))
        return image, tf.where(unlabelled, tf.constant(code, target.dtype), target), alternatives

    return load_all


def allowed_classes(tf, target, alternatives, labels):
    """Returns the classes that each pixel may have.

    Args:
        tf: TensorFlow.
        target: Label map (H, W) with void and `unlabelled_code`.
        alternatives: uint8 (2, num_classes), as `Dataset.read_alternatives` returns it.
        labels: The `LabelSet`.

    Returns:
        uint8 (H, W, num_classes): 1 where the pixel may have the class, 2 where it may and the
        class is large in the image. A pixel with one class is labelled; void has none.
    """
    target = tf.cast(target, tf.int32)
    own = tf.one_hot(target, labels.num_classes, dtype=tf.uint8)  # zeros beyond the classes
    is_class = tf.cast(target < labels.num_classes, tf.uint8)[..., None]
    unlabelled = tf.cast(target == unlabelled_code(labels), tf.uint8)[..., None]
    labelled = tf.maximum(own, is_class * alternatives[1])
    return labelled + unlabelled * alternatives[0]
