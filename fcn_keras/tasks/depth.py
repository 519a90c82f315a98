"""Depth: how far away what each pixel shows is."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from fcn_keras.tasks.regression import Regression
from fcn_keras.tasks.resizing import mean_factor


@dataclass(frozen=True)
class Depth(Regression):
    """The distance of what each pixel shows; the output of the net is its natural logarithm.

    Args:
        unit: Unit of the depths.

    Example:

    ```python
    task = fcn_keras.tasks.Depth()
    model = fcn_keras.fcn8s(task, "vgg_slim", weights=None)     # one channel: log depth
    task.decode(np.array([[[0.0]]]))                            # array([[1.]]): 1 m
    ```

    A target is float32 (H, W), in `unit`. A pixel without depth is NaN; 0, negative and infinite
    numbers are none either. An image that is enlarged shows everything nearer: resizing by a factor
    divides the depth by it.

    Source: Eigen, Puhrsch, Fergus (2014), "Depth Map Prediction from a Single Image using a
    Multi-Scale Deep Network", sections 3.2 (log depth) and 3.3 (scaling divides the depth).
    """

    name: str = field(default="depth", init=False)
    channels: int = field(default=1, init=False)
    unit: str = "m"
    directed: bool = field(default=False, init=False)

    kind: ClassVar[str] = "depth"

    def __str__(self):
        """Such as "depth in m", for messages."""
        return f"depth in {self.unit}" if self.unit else "depth"

    def valid(self, target):
        """Returns which pixels of a target have a depth: a finite number above 0."""
        target = np.asarray(target)
        return (target > 0) & np.isfinite(target)

    def decode(self, outputs, ops=np):
        """Returns the depth, (..., H, W), of its logarithm."""
        return ops.exp(outputs[..., 0])

    def encode(self, maps, ops=np):
        """Returns the logarithm of depths, (..., H, W, 1)."""
        return ops.log(maps[..., None])

    def scaled(self, values, factor):
        """Returns the depths of a resized image: all divided by the factor."""
        return values / mean_factor(factor)

    def scaled_outputs(self, outputs, factor):
        """Returns the logarithms of the depths of a resized image."""
        return outputs - np.log(mean_factor(factor))

    def to_config(self):
        """Returns the task as a dict of JSON types."""
        return {"kind": self.kind, "unit": self.unit}

    @classmethod
    def from_config(cls, config):
        """Returns the task that `to_config` described."""
        return cls(config["unit"])
