"""Flow: how far each pixel moves to the next frame."""

from dataclasses import dataclass, field
from typing import ClassVar

from fcn_keras.tasks.regression import Regression


@dataclass(frozen=True)
class Flow(Regression):
    """Optical flow: how far each pixel moves to the next frame.

    A `Regression` of two channels, the displacement (x, y) in pixels, positive to the right and
    downwards. Its images have six channels: the first frame, then the second. A target is float32
    (H, W, 2); NaN marks pixels whose flow is not known.

    Example:

    ```python
    task = fcn_keras.tasks.Flow()
    task.decode(np.zeros((4, 6, 2), "float32")).shape       # (4, 6, 2)
    ```
    """

    name: str = field(default="flow", init=False)
    channels: int = field(default=2, init=False)
    unit: str = field(default="px", init=False)
    directed: bool = field(default=True, init=False)

    kind: ClassVar[str] = "flow"
    frames: ClassVar[int] = 2

    def __str__(self):
        """ "optical flow in px", for messages."""
        return "optical flow in px"

    def to_config(self):
        """Returns the task as a dict of JSON types."""
        return {"kind": self.kind}

    @classmethod
    def from_config(cls, config):
        """Returns the task that `to_config` described."""
        return cls()
