"""Classes: one of several classes for each pixel."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fcn_keras.checks import whole_number
from fcn_keras.labels import LabelSet, void_value
from fcn_keras.tasks.base import Task

SHOWN = 12  # names of classes in a message


@dataclass(frozen=True)
class Classes(Task):
    """Semantic segmentation: one class a pixel, decoded from logits by argmax.

    Args:
        labels: A `LabelSet`, or None where the classes have no names.
        num_classes: Number of classes; needed only without `labels`.

    Raises:
        ValueError: for fewer than two classes without `labels`, or a number that is not that of
            `labels`.

    Example:

    ```python
    task = fcn_keras.tasks.Classes(fcn_keras.LabelSet(("background", "egg")))
    task.decode(np.array([[[0.1, 2.0]]]))       # array([[1]])
    ```
    """

    labels: LabelSet | None = None
    num_classes: int | None = None

    kind: ClassVar[str] = "classes"
    activation: ClassVar[str | None] = "softmax"

    def __post_init__(self):
        count = self.num_classes
        if count is None and self.labels is None:
            raise ValueError("Classes needs `labels`, or `num_classes` where they have no names.")
        if count is None:
            count = self.labels.num_classes
        # Files of one class can be read and checked; it takes two to train a net.
        count = whole_number("num_classes", count, 2 if self.labels is None else 1)
        if self.labels is not None and count != self.labels.num_classes:
            raise ValueError(
                f"`num_classes` is {count}, but the label set has {self.labels.num_classes} "
                f"classes: {', '.join(self.labels.names[:5])}, ..."
            )
        object.__setattr__(self, "num_classes", count)

    def __str__(self):
        """Such as "2 classes (background, egg)", for messages."""
        if self.labels is None:
            return f"{self.num_classes} classes"
        more = ", ..." if self.num_classes > SHOWN else ""
        return f"{self.num_classes} classes ({', '.join(self.labels.names[:SHOWN])}{more})"

    @property
    def channels(self):
        """Number of channels of the output: one a class."""
        return self.num_classes

    @property
    def dtype(self):
        """NumPy dtype of label maps: uint8, or uint16 above 255 classes."""
        if self.labels is not None:
            return np.dtype(self.labels.dtype)
        return np.dtype("uint8" if self.num_classes <= 255 else "uint16")

    @property
    def invalid(self):
        """The void value of label maps."""
        return void_value(self.num_classes) if self.labels is None else self.labels.ignore

    @property
    def axes(self):
        """A label map is (H, W)."""
        return 2

    def valid(self, target):
        """Returns which pixels of a label map are not void."""
        return np.asarray(target) != self.invalid

    def decode(self, outputs, ops=np):
        """Returns the class of the highest logit of each pixel, (..., H, W)."""
        return ops.argmax(outputs, axis=-1)

    def to_config(self):
        """Returns the task as a dict of JSON types."""
        labels = None if self.labels is None else self.labels.to_config()
        return {"kind": self.kind, "labels": labels, "num_classes": self.num_classes}

    @classmethod
    def from_config(cls, config):
        """Returns the task that `to_config` described."""
        labels = config.get("labels")
        return cls(labels and LabelSet.from_config(labels), config.get("num_classes"))
