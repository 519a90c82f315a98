"""Task: the base of all tasks, which says what is asked of one."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fcn_keras.labels import LabelSet


@dataclass(frozen=True)
class Task:
    """The base of all tasks; subclasses say what an output of a net means.

    Attributes:
        kind: The task's name in configurations and error messages.
        activation: Name of the function in `keras.ops` that turns outputs into what may be
            averaged over scales, samples and overlapping windows, or None: the outputs
            themselves.
        resize: How a target is resized: always "nearest", so that no value is mixed with an
            invalid one.
        labels: The class names of `Classes`, a `LabelSet` or None; None for every other task.
        directed: Whether the values are directions in the image, which turn with it. Elastic
            deformation is refused for them.
        frames: How many images, one after the other in its channels, an input holds.
    """

    kind: ClassVar[str]
    activation: ClassVar[str | None] = None
    resize: ClassVar[str] = "nearest"
    labels: ClassVar[LabelSet | None] = None
    directed: ClassVar[bool] = False
    frames: ClassVar[int] = 1

    @property
    def channels(self):
        """Number of channels of the output."""
        raise NotImplementedError

    @property
    def dtype(self):
        """NumPy dtype of decoded maps and of targets."""
        raise NotImplementedError

    @property
    def invalid(self):
        """The value of a target's pixel that is not known: losses and metrics leave it out."""
        raise NotImplementedError

    @property
    def axes(self):
        """Number of axes of a decoded map or target: 2 for (H, W), 3 for (H, W, C)."""
        raise NotImplementedError

    def valid(self, target):
        """Returns which pixels of a target are known, a bool array (..., H, W)."""
        raise NotImplementedError

    def decode(self, outputs, ops=np):
        """Returns what outputs mean.

        Args:
            outputs: (..., H, W, channels), float.
            ops: The module whose functions fit the array: numpy, keras.ops or tensorflow.

        Returns:
            (..., H, W) or (..., H, W, C). The caller casts it to `dtype`.
        """
        raise NotImplementedError

    def fits(self, other):
        """Returns whether outputs of this task may be compared with targets of another."""
        return self.kind == other.kind and self.channels == other.channels

    def mirrored(self, values):
        """Returns the values of a target, or of an output, whose image was flipped left-right.

        The pixels are mirrored already; this changes what the values say (a horizontal
        displacement changes its sign).
        """
        return values

    def turned(self, values, cos, sin):
        """Returns the values of a target whose image was turned clockwise, by its cosine and sine.

        The pixels are turned already; this changes what the values say (a displacement turns too).
        """
        return values

    def scaled(self, values, factor):
        """Returns the values of a target, or of a decoded map, whose image was resized.

        The pixels are resized already; this changes what the values say (a displacement in pixels
        grows with the image).

        Args:
            values: An array of any library.
            factor: New size over old size, a number or (rows, columns).
        """
        return values

    def scaled_outputs(self, outputs, factor):
        """Returns the outputs of a net, before decoding, whose image was resized; as `scaled`."""
        return self.scaled(outputs, factor)

    def to_config(self):
        """Returns the task as a dict of JSON types; `from_config` reads it."""
        raise NotImplementedError
