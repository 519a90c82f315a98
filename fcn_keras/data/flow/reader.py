"""Targets of optical flow from .flo files, KITTI's PNGs and .npy files."""

from dataclasses import dataclass

from fcn_keras.data.flow.files import read_flow
from fcn_keras.data.values import ValueReader
from fcn_keras.tasks import Flow, Regression


@dataclass(frozen=True)
class FlowReader(ValueReader):
    """How files of optical flow are read; see `fcn_keras.data.read_flow`.

    Example:

    ```python
    path = fcn_keras.data.write_flow("still.flo", np.zeros((4, 6, 2)))
    fcn_keras.data.FlowReader().read(path).shape        # (4, 6, 2)
    ```
    """

    task: Regression = Flow()

    def read(self, path):
        """Returns the flow in a file, float32 (H, W, 2), NaN where it is not known.

        Raises:
            FileNotFoundError, ValueError: as `read_flow`.
        """
        return self.convert(read_flow(path), path)

    def settled(self, targets, name):
        """Returns the reader itself: files and arrays hold pixels."""
        return self
