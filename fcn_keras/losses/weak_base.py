"""WeakLoss, the base of losses of weak labels, which say what classes each pixel may have.

A pixel with one class is labelled, and counts by its cross-entropy; subclasses define the loss of
the open pixels, which may have several.
"""

from typing import Any, NamedTuple

import keras
from keras import ops

from fcn_keras.ignore import ignored_values, plain_ignore_class, resolved_ignore_class
from fcn_keras.losses.base import is_label

FAR = -1e9  # logit of a class that a pixel cannot have


class WeakLoss(keras.losses.Loss):
    """A loss of weak labels; subclasses define `of_open(batch)`."""

    tasks = ("classes",)  # kinds of the tasks that it is for

    def __init__(self, ignore_class, name):
        super().__init__(name=name, dtype="float32")
        self.ignore_class = plain_ignore_class(ignore_class)

    def call(self, y_true, y_pred):
        """Returns one loss for each image, (batch,)."""
        logits = ops.cast(y_pred, "float32")
        allowed, large, objectness, wrong = self.read(y_true, logits)
        batch = WeakBatch.of(logits, allowed, large, objectness)
        right = ops.sum(ops.where(batch.allowed, batch.log_softmax, 0.0), -1)
        values = self.of_open(batch) - mean_over(batch.labelled, right)
        return values + ops.where(wrong, float("nan"), 0.0)

    def read(self, y_true, logits):
        """Returns what weak labels say of each pixel.

        Args:
            y_true: tags (batch, classes); or label maps (batch, height, width) or (batch, height,
                width, 1); or allowed classes (batch, height, width, classes), or with a channel
                more, the objectness; float32.
            logits: (batch, height, width, classes).

        Returns:
            `(allowed, large, objectness, wrong)`: bool of the logits' shape, which classes a pixel
            may have; bool (batch, classes), which are large; float32 (batch, height, width) or
            None; a bool scalar, whether there are other values than the labels can have.

        Raises:
            ValueError: for shapes that do not fit.
        """
        y_true, classes = ops.convert_to_tensor(y_true), logits.shape[-1]
        rank, last = len(y_true.shape), y_true.shape[-1]
        if len(logits.shape) != 4 or not _fits(y_true.shape, logits.shape):
            raise ValueError(
                f"{type(self).__name__} takes logits (batch, height, width, classes) and tags "
                "(batch, classes), label maps (batch, height, width) or allowed classes (batch, "
                f"height, width, classes), got labels of shape {tuple(y_true.shape)} and logits "
                f"of shape {tuple(logits.shape)}."
            )
        if rank == 3 or (rank == 4 and last == 1):
            return self._of_label_map(ops.reshape(y_true, ops.shape(logits)[:3]), logits)
        objectness = y_true[..., classes] if rank == 4 and last == classes + 1 else None
        values = y_true[..., :classes]
        known = ops.logical_or(ops.equal(values, 0), ops.equal(values, 1))
        wrong = ops.logical_not(ops.all(ops.logical_or(known, ops.equal(values, 2))))
        if rank == 2:
            values = ops.reshape(values, (-1, 1, 1, classes))
        large = ops.any(values > 1, (1, 2))
        allowed = ops.logical_and(values > 0, ops.ones_like(logits, dtype="bool"))
        return allowed, large, objectness, wrong

    def _of_label_map(self, y_true, logits):
        """What a label map says: each pixel has its label, void has none."""
        classes = logits.shape[-1]
        whole = ops.logical_and(ops.equal(y_true, ops.floor(y_true)), y_true < 1 << 24)
        labels = ops.cast(ops.where(whole, y_true, -1.0), "int32")
        inside = ops.logical_and(labels >= 0, labels < classes)
        void = ops.zeros_like(inside)
        for value in ignored_values(resolved_ignore_class(self.ignore_class, classes)):
            void = ops.logical_or(void, ops.equal(labels, value))
        wrong = ops.any(ops.logical_not(ops.logical_or(inside, void)))
        counted = ops.expand_dims(ops.logical_not(void), -1)
        allowed = ops.logical_and(is_label(labels, logits), counted)
        return allowed, ops.zeros_like(allowed[:, 0, 0]), None, wrong

    def of_open(self, batch):
        """Returns the loss of the open pixels of each image, (batch,), 0 where there are none.

        Args:
            batch: A `WeakBatch`.
        """
        raise NotImplementedError

    def get_config(self):
        return {"ignore_class": self.ignore_class, "name": self.name}


class WeakBatch(NamedTuple):
    """The logits of a batch and what its weak labels say.

    Attributes:
        logits: float32 (batch, height, width, classes).
        log_softmax: The same shape: logarithms of the probabilities.
        allowed: bool of the same shape: which classes a pixel may have; none where it is void.
        labelled: bool (batch, height, width): pixels that have one class.
        open: bool of the same shape: pixels that may have several.
        present: bool (batch, classes): classes that an open pixel of the image may have.
        large: bool of the same shape: those that are large by their size tag.
        objectness: float32 (batch, height, width) in [0, 1], or None.
    """

    logits: Any
    log_softmax: Any
    allowed: Any
    labelled: Any
    open: Any
    present: Any
    large: Any
    objectness: Any

    @classmethod
    def of(cls, logits, allowed, large, objectness):
        """Returns the batch of logits and allowed classes."""
        count = ops.sum(ops.cast(allowed, "int32"), -1)
        opened = count > 1
        present = ops.any(ops.logical_and(allowed, ops.expand_dims(opened, -1)), (1, 2))
        large = ops.logical_and(present, large)
        labelled, logs = ops.equal(count, 1), ops.log_softmax(logits)
        return cls(logits, logs, allowed, labelled, opened, present, large, objectness)

    @property
    def counted(self):
        """bool (batch, height, width): pixels that are not void."""
        return ops.logical_or(self.labelled, self.open)

    @property
    def has_open(self):
        """bool (batch,): images with an open pixel."""
        return ops.any(self.open, (1, 2))

    def strided(self, stride):
        """Returns every `stride`-th pixel along both axes; `present` stays that of all pixels."""
        if stride == 1:
            return self
        maps = ("logits", "log_softmax", "allowed", "labelled", "open")
        return self._replace(
            objectness=None, **{m: getattr(self, m)[:, ::stride, ::stride] for m in maps}
        )


def mean_over(mask, values):
    """Returns the mean of values over a mask for each image, 0 where the mask is empty.

    Args:
        mask: bool (batch, height, width).
        values: float32 of the same shape, finite.
    """
    weights = ops.cast(mask, "float32")
    total = ops.sum(weights, (1, 2))
    return ops.sum(weights * values, (1, 2)) / ops.maximum(total, 1.0)


def _fits(shape, logits):
    """Whether the shape of weak labels is one of those that go with logits."""
    classes = logits[-1]
    if len(shape) == 2:
        return shape[-1] == classes
    if len(shape) == 4 and shape[-1] not in (1, classes, classes + 1):
        return False
    pairs = zip(shape[1:3], logits[1:3], strict=False)
    return len(shape) in (3, 4) and all(None in pair or pair[0] == pair[1] for pair in pairs)
