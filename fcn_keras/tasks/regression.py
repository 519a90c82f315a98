"""Regression: a value, or several, for each pixel."""

from dataclasses import dataclass, field
from numbers import Real
from typing import ClassVar

import numpy as np

from fcn_keras.checks import whole_number
from fcn_keras.tasks.base import Task
from fcn_keras.tasks.resizing import by_axis


@dataclass(frozen=True)
class Regression(Task):
    """Per-pixel regression: the output is the value itself.

    Args:
        name: What is measured, such as "distance"; used in tables and pictures.
        channels: Numbers a pixel.
        unit: Unit of the values, such as "m" or "px"; "" for none.
        directed: Whether the first two channels are a displacement (x, y) in pixels, as of optical
            flow. It changes with the image: mirrored left-right, x changes its sign; resized, both
            grow by the same factors; turned, it turns too.

    Raises:
        ValueError: for fewer than one channel, or a displacement with fewer than two.

    Example:

    ```python
    task = fcn_keras.tasks.Regression("distance", unit="px")
    model = fcn_keras.fcn8s(task, "vgg_slim", weights=None)     # one channel, float32
    ```

    A target is float32, (H, W) with one channel and (H, W, channels) with more; NaN marks pixels
    without a value.
    """

    name: str = "value"
    channels: int = 1
    unit: str = ""
    directed: bool = field(default=False, kw_only=True)

    kind: ClassVar[str] = "regression"

    def __post_init__(self):
        least = 2 if self.directed else 1
        object.__setattr__(self, "channels", whole_number("channels", self.channels, least))

    def __str__(self):
        """Such as "regression of distance in px", for messages."""
        channels = f", {self.channels} channels" if self.channels > 1 else ""
        return f"regression of {self.name}{f' in {self.unit}' if self.unit else ''}{channels}"

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
        """A map is (H, W) with one channel, (H, W, channels) with more."""
        return 2 if self.channels == 1 else 3

    def valid(self, target):
        """Returns which pixels of a target are known in every channel."""
        known = ~np.isnan(np.asarray(target))
        return known if self.channels == 1 else known.all(-1)

    def decode(self, outputs, ops=np):
        """Returns the values: (..., H, W) of one channel, (..., H, W, channels) of more."""
        return outputs[..., 0] if self.channels == 1 else outputs

    def encode(self, maps, ops=np):
        """Returns the outputs whose decoded maps these are, (..., H, W, channels)."""
        return maps[..., None] if self.channels == 1 else maps

    def mirrored(self, values):
        """Returns the values of a mirrored target: the x of a displacement changes its sign."""
        return values * self._per_channel(-1.0, 1.0) if self.directed else values

    def turned(self, values, cos, sin):
        """Returns the values of a turned target: a displacement turns with the image."""
        if not self.directed:
            return values
        further = self.channels - 2
        rows = [row + [0.0] * further for row in ([cos, sin], [-sin, cos])]
        rows += [[0.0] * (2 + k) + [1.0] + [0.0] * (further - k - 1) for k in range(further)]
        return values @ rows

    def scaled(self, values, factor):
        """Returns the values of a resized target: a displacement grows with the image."""
        if not self.directed:
            return values
        rows, columns = by_axis(factor)
        return values * self._per_channel(columns, rows)

    def _per_channel(self, x, y):
        factors = [x, y] + [1.0] * (self.channels - 2)
        return np.array(factors, "float32") if isinstance(x, Real) else factors

    def to_config(self):
        """Returns the task as a dict of JSON types."""
        return {
            "kind": self.kind,
            "name": self.name,
            "channels": self.channels,
            "unit": self.unit,
            "directed": self.directed,
        }

    @classmethod
    def from_config(cls, config):
        """Returns the task that `to_config` described."""
        directed = config.get("directed", False)
        return cls(config["name"], config["channels"], config["unit"], directed=directed)
