"""The count of the pixels of a step, made once inside the compiled step for all metrics.

It is a small histogram, truth by prediction; void and labels out of range have places of their own.
"""

import weakref

import keras
from keras import ops


class _Step:
    """The histogram of one step, with weak references to the tensors that were counted."""

    def __init__(self, y_true, y_pred, counts):
        self.y_true, self.y_pred = weakref.ref(y_true), weakref.ref(y_pred)
        self.counts = counts

    def is_of(self, y_true, y_pred):
        return self.y_true() is y_true and self.y_pred() is y_pred


_last_counter = None


def step_counts(metric, y_true, y_pred):
    """Returns the histogram of a batch, that of another metric if it just counted the same tensors.

    Keras passes the same tensors to every metric of an output. The histogram is an attribute of
    the metric that counted, so that this module keeps no traced graph alive.
    """
    global _last_counter
    other = _last_counter() if _last_counter is not None else None
    if other is not None and other.num_classes == metric.num_classes:
        step = other.step
        if step is not None and other.ignored == metric.ignored and step.is_of(y_true, y_pred):
            return step.counts
    counts = _count(y_true, y_pred, metric.num_classes, metric.ignored)
    metric.step = None
    if _is_immutable(y_true) and _is_immutable(y_pred) and _home(counts) is _home(y_pred):
        metric.step = _Step(y_true, y_pred, counts)
        _last_counter = weakref.ref(metric)
    return counts


def _is_immutable(x):
    return keras.backend.backend() != "torch" and ops.is_tensor(x) and not hasattr(x, "assign")


def _home(x):
    """Returns the TensorFlow graph or JAX trace of a symbolic tensor, else None."""
    return getattr(x, "graph", None) or getattr(x, "_trace", None)


def _count(y_true, y_pred, num_classes, ignored):
    """Returns the histogram, int32 (C + 2, C + 1).

    Rows are the truth: the classes, labels out of range, void. Columns are the predictions: the
    classes, labels out of range.
    """
    truth, prediction = _label_maps(y_true, y_pred, num_classes, ignored)
    rows = _clipped(truth, num_classes)
    for value in ignored:
        rows = ops.where(ops.equal(truth, value), num_classes + 1, rows)
    width = num_classes + 1
    bins = (num_classes + 2) * width
    codes = ops.reshape(rows, (-1,)) * width + ops.reshape(prediction, (-1,))
    counts = _histogram(codes, bins)
    return ops.reshape(counts, (num_classes + 2, width))


def _histogram(codes, bins):
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        # XLA refuses ops.bincount, whose size is not fixed; segment_sum takes 20 times as long.
        return tf.raw_ops.DenseBincount(input=codes, size=bins, weights=tf.zeros(0, "int32"))
    return ops.segment_sum(ops.ones_like(codes), codes, bins)


def _argmax(logits):
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.argmax(logits, -1, output_type="int32")  # ops.argmax takes twice as long
    return ops.cast(ops.argmax(logits, axis=-1), "int32")


def _whole(labels):
    """Returns labels of any dtype as int32; other numbers become -1 or the largest int32."""
    dtype = keras.backend.standardize_dtype(labels.dtype)
    if "float" in dtype:
        whole = ops.logical_and(ops.equal(labels, ops.floor(labels)), ops.abs(labels) < 1 << 24)
        labels = ops.where(whole, labels, -1)
    elif dtype in ("int64", "uint32", "uint64"):
        labels = ops.clip(labels, 0 if dtype[0] == "u" else -1, (1 << 31) - 1)
    return ops.cast(labels, "int32")


def _clipped(labels, num_classes):
    """Returns int32 labels, with num_classes wherever they are out of range."""
    return ops.minimum(ops.where(labels < 0, num_classes, labels), num_classes)


def _label_maps(y_true, y_pred, num_classes, ignored):
    """Returns truth, and predictions in [0, num_classes], both int32 and of one shape."""
    truth, prediction = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    shapes = f"truth {tuple(truth.shape)} and prediction {tuple(prediction.shape)}"
    if len(truth.shape) == 4 and truth.shape[-1] == 1:
        truth = ops.squeeze(truth, -1)
    logits = len(prediction.shape) == len(truth.shape) + 1
    if logits and prediction.shape[-1] != num_classes:
        raise ValueError(f"Logits must have num_classes={num_classes} channels, got {shapes}.")
    if not logits and len(truth.shape) == 4 and truth.shape[-1] == num_classes:
        if not ignored:
            raise ValueError(
                f"The truth is one-hot: pass label maps, one_hot.argmax(-1), got {shapes}."
            )
        truth, logits = _of_allowed(truth, ignored[0]), True
    if not _may_agree(truth.shape, prediction.shape[:-1] if logits else prediction.shape):
        raise ValueError(
            "Truth must be label maps (batch, height, width), predictions label maps or logits "
            f"(batch, height, width, classes) of the same size, got {shapes}."
        )
    prediction = _argmax(prediction) if logits else _clipped(_whole(prediction), num_classes)
    return _whole(truth), prediction


def _of_allowed(allowed, void):
    """Returns the label maps of the classes that pixels may have: void unless it is one class.

    So the metrics of a training with weak labels count the pixels that have a label.
    """
    one = ops.equal(ops.sum(ops.cast(allowed > 0, "int32"), -1), 1)
    return ops.where(one, ops.cast(ops.argmax(allowed, -1), "int32"), void)


def _may_agree(shape, other):
    pairs = zip(shape, other, strict=False)
    return len(shape) == len(other) and all(a == b or a is None or b is None for a, b in pairs)
