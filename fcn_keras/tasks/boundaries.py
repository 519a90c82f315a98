"""Boundaries: the probability that each pixel lies on a boundary."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from fcn_keras.checks import whole_number
from fcn_keras.tasks.base import Task


@dataclass(frozen=True)
class Boundaries(Task):
    """Boundary detection: the probability that a pixel lies on a boundary.

    A target is float32 (H, W): the share of annotators who marked the pixel, from 0 to 1, or NaN
    where it is not known. Losses and metrics take a pixel as boundary from 0.5 on.

    Args:
        side_outputs: Number of further logits behind the first one, which training compares with
            the target too (deep supervision).
        merged: Whether the decoded map is the mean of the probabilities of all of them; else it is
            that of the first. Tasks that differ in these two are equal.

    Raises:
        ValueError: for a negative number.

    Example:

    ```python
    task = fcn_keras.tasks.Boundaries()
    task.decode(np.array([[[0.0], [4.0]]]))     # array([[0.5, 0.98201379]])
    ```

    Source: Xie, Tu (2015), "Holistically-nested edge detection", section 2.
    """

    side_outputs: int = field(default=0, compare=False)
    merged: bool = field(default=False, compare=False)

    kind: ClassVar[str] = "boundaries"
    name: ClassVar[str] = "boundary probability"
    unit: ClassVar[str] = ""

    def __post_init__(self):
        count = whole_number("side_outputs", self.side_outputs, 0)
        object.__setattr__(self, "side_outputs", count)

    def __str__(self):
        """For messages."""
        return "boundaries"

    @property
    def channels(self):
        """Number of logits: that of the probability, and the side outputs."""
        return 1 + self.side_outputs

    @property
    def dtype(self):
        """float32."""
        return np.dtype("float32")

    @property
    def invalid(self):
        """NaN."""
        return float("nan")

    @property
    def axes(self):
        """A map is (H, W)."""
        return 2

    def valid(self, target):
        """Returns which pixels of a target are known."""
        return ~np.isnan(np.asarray(target))

    def decode(self, outputs, ops=np):
        """Returns the sigmoid of the first logit, or the mean of all sigmoids, (..., H, W)."""
        if self.merged:
            return ops.mean(0.5 + 0.5 * ops.tanh(0.5 * outputs), axis=-1)
        return 0.5 + 0.5 * ops.tanh(0.5 * outputs[..., 0])  # tanh does not overflow

    def fits(self, other):
        """Returns whether the other task is of boundaries too, with any side outputs."""
        return self.kind == other.kind

    def encode(self, maps, ops=np):
        """Returns the logits of probabilities, the same for every side output."""
        inside = ops.clip(maps, 1e-7, 1 - 1e-7)
        return ops.stack([ops.log(inside / (1 - inside))] * self.channels, -1)

    def to_config(self):
        """Returns the task as a dict of JSON types."""
        return {"kind": self.kind, "side_outputs": self.side_outputs, "merged": self.merged}

    @classmethod
    def from_config(cls, config):
        """Returns the task that `to_config` described."""
        return cls(config.get("side_outputs", 0), config.get("merged", False))
