"""Surface normals of depth maps, for a camera of known focal length."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fcn_keras.checks import positive
from fcn_keras.data.values import DepthReader, ValueReader, read_values
from fcn_keras.tasks import Normals


@dataclass(frozen=True)
class NormalsReader:
    """How surface normals are made of the files of depths.

    Attributes:
        focal_length: Focal length of the camera in pixels: about 525 for a Kinect at 640x480.
        depths: A `DepthReader`, which reads the files.

    Raises:
        ValueError: for a focal length of 0 or less.

    Example:

    ```python
    reader = fcn_keras.data.NormalsReader(525, fcn_keras.data.DepthReader(scale=0.001))
    reader.convert(np.full((3, 3), 2000, "uint16"), "0.png")[1, 1]      # [0, 0, 1]: a wall
    ```
    """

    focal_length: float
    depths: DepthReader = DepthReader()
    task: ClassVar[Normals] = Normals()

    def __post_init__(self):
        positive("focal_length", self.focal_length)

    def read(self, path):
        """Returns the normals of a file of depths, float32 (H, W, 3); as `DepthReader.read`."""
        return self.convert(read_values(path), path)

    def convert(self, values, name):
        """Returns the normals of stored depths; see `read`."""
        return normals_of_depth(self.depths.convert(values, name), self.focal_length)

    def settled(self, targets, name):
        """Returns the reader for targets that are normals already."""
        return ValueReader(self.task)


def normals_of_depth(depth, focal_length):
    """Returns the normals of the surface that a depth map shows.

    Each pixel is a point in front of a pinhole camera whose axis goes through the middle of the
    image; the normal is perpendicular to the differences of its neighbours on both sides.

    Args:
        depth: Float (H, W), distance along the camera's axis in any unit; NaN where it is missing.
        focal_length: In pixels.

    Returns:
        float32 (H, W, 3), unit vectors: x to the right, y upwards, z towards the camera. NaN at the
        border, and where a neighbour has no depth.

    Raises:
        ValueError: for a map that is not (H, W), or a focal length of 0 or less.

    Example:

    ```python
    wall = np.full((5, 7), 2.0)
    fcn_keras.data.normals_of_depth(wall, focal_length=500)[2, 3]       # array([0., 0., 1.])
    ```
    """
    depth = np.asarray(depth, "float64")
    if depth.ndim != 2:
        raise ValueError(f"`depth` must be (H, W), got shape {depth.shape}.")
    focal_length = positive("focal_length", focal_length)
    height, width = depth.shape
    y, x = np.mgrid[:height, :width]
    x, y = x - (width - 1) / 2, (height - 1) / 2 - y
    points = np.stack([x * depth, y * depth, -focal_length * depth], -1) / focal_length
    normals = np.full(points.shape, np.nan)
    right = points[1:-1, 2:] - points[1:-1, :-2]
    up = points[:-2, 1:-1] - points[2:, 1:-1]
    found = np.cross(right, up)
    with np.errstate(invalid="ignore"):
        normals[1:-1, 1:-1] = found / np.linalg.norm(found, axis=-1, keepdims=True)
    normals[np.isnan(depth)] = np.nan
    return normals.astype("float32")
