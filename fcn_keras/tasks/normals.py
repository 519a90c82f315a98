"""Normals: the direction that the surface of each pixel faces."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from fcn_keras.tasks.regression import Regression


@dataclass(frozen=True)
class Normals(Regression):
    """The direction that each pixel's surface faces, a unit vector.

    Its three numbers are x to the right, y upwards and z towards the camera, so that a wall seen
    from the front is (0, 0, 1). The outputs of a net are vectors of any length; decoded they have
    length 1. A target is float32 (H, W, 3); NaN marks pixels whose normal is not known. A mirrored
    image changes the sign of x, a turned one turns x and y; resizing changes nothing.

    Example:

    ```python
    task = fcn_keras.tasks.Normals()
    task.decode(np.array([[[0.0, 3.0, 4.0]]]))      # array([[[0. , 0.6, 0.8]]])
    ```
    """

    name: str = field(default="normals", init=False)
    channels: int = field(default=3, init=False)
    unit: str = field(default="", init=False)
    directed: bool = field(default=True, init=False)

    kind: ClassVar[str] = "normals"

    def __str__(self):
        """ "surface normals", for messages."""
        return "surface normals"

    def decode(self, outputs, ops=np):
        """Returns the outputs divided by their lengths, (..., H, W, 3)."""
        x, y, z = (outputs[..., place : place + 1] for place in range(3))
        return outputs / ops.sqrt(x * x + y * y + z * z + 1e-12)

    def turned(self, values, cos, sin):
        """Returns the normals of a turned image, which turn with it; y is upwards here."""
        return super().turned(values, cos, -sin)

    def scaled(self, values, factor):
        """Returns the values themselves: the directions of a resized image are the same."""
        return values

    def to_config(self):
        """Returns the task as a dict of JSON types."""
        return {"kind": self.kind}

    @classmethod
    def from_config(cls, config):
        """Returns the task that `to_config` described."""
        return cls()
