"""Targets of regression and depth: float maps from .npy, 16-bit PNG, PFM and float TIFF files."""

from dataclasses import dataclass

import numpy as np

from fcn_keras.checks import number
from fcn_keras.data.images.npy import is_npy, read_npy
from fcn_keras.data.masks.label_error import LabelError
from fcn_keras.data.masks.storage import read_stored
from fcn_keras.tasks import Depth, Regression


@dataclass(frozen=True)
class ValueReader:
    """How the files that hold a value for each pixel are read.

    Attributes:
        task: The `fcn_keras.tasks.Regression` of the values.
        scale: Units of the task for one unit of the files: 0.001 for files in millimetres and a
            task in metres.
        void: Values of the files that stand for "no value", as NaN does.

    Raises:
        ValueError: for a scale of 0 or less.

    Example:

    ```python
    task = fcn_keras.tasks.Regression("depth", unit="m")
    reader = fcn_keras.data.ValueReader(task, scale=1 / 256, void=(0,))
    reader.convert(np.array([[0, 512]], "uint16"), "0.png")     # [[nan, 2.0]], float32
    ```
    """

    task: Regression
    scale: float = 1.0
    void: tuple[float, ...] = ()

    def __post_init__(self):
        if number("scale", self.scale) == 0:
            raise ValueError("`scale` must be above 0, got 0.")

    def read(self, path):
        """Returns the values in a file: float32 (H, W) or (H, W, channels), NaN for no value.

        Raises:
            FileNotFoundError: if there is no such file.
            LabelError: for infinite values.
            ValueError: naming the file, if it cannot be read or holds no such map.
        """
        return self.convert(read_values(path), path)

    def convert(self, values, name):
        """Returns stored values in units of the task; see `read`."""
        values = np.asarray(values)
        channels = self.task.channels
        if channels == 1 and values.ndim == 3 and values.shape[-1] == 1:
            values = values[..., 0]
        wanted = "(H, W)" if channels == 1 else f"(H, W, {channels})"
        fits = values.ndim == self.task.axes and (channels == 1 or values.shape[-1] == channels)
        if not fits or values.dtype.kind not in "uif":
            raise ValueError(
                f"{name}: the target of {self.task.name!r} must be numbers {wanted}, "
                f"got {values.dtype} {values.shape}."
            )
        target = np.multiply(values, self.scale, dtype="float64").astype("float32")
        if self.void:
            target[np.isin(values, self.void)] = np.nan
        return self.known(target, name)

    def known(self, target, name):
        """Returns a target in which every pixel without a value is NaN; LabelError for others."""
        if np.isinf(target).any():
            raise LabelError(
                f"{name} holds infinite values of {self.task.name!r}. NaN stands for pixels "
                "without a value."
            )
        return target

    def settled(self, targets, name):
        """Returns the reader for targets that are in units of the task already."""
        return type(self)(self.task)


@dataclass(frozen=True)
class DepthReader(ValueReader):
    """How the files of depths are read; 0 and infinite numbers stand for "no depth", as NaN does.

    Attributes and what is raised are those of `ValueReader`.

    Example:

    ```python
    reader = fcn_keras.data.DepthReader(scale=0.001)            # millimetres
    reader.convert(np.array([[0, 2500]], "uint16"), "0.png")    # [[nan, 2.5]], float32
    ```
    """

    task: Regression = Depth()

    def known(self, target, name):
        """Returns depths in which every pixel without depth is NaN; LabelError below 0."""
        least = np.nanmin(target, initial=0)
        if least < 0:
            raise LabelError(
                f"{name} holds depths below 0, such as {least:g}. Name the value of the files that "
                "means no depth with void=VALUE."
            )
        target[(target == 0) | np.isinf(target)] = np.nan
        return target


def read_values(path):
    """Returns the numbers in a file: any shape from .npy, (H, W) from an image of one channel.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: naming the file, if it cannot be read, is stored with loss or has several
            channels.
    """
    if is_npy(path):
        return read_npy(path)
    stored = read_stored(path)
    if stored.lossy:
        raise ValueError(
            f"{path} was stored with loss ({stored.lossy}), which changes values; save it as .npy "
            "or 16-bit PNG."
        )
    if stored.values is None or stored.palette is not None:
        kind = "a palette image" if stored.rgb is None else "an image in colour"
        raise ValueError(
            f"{path} is {kind}; a map of values is a .npy file, a grey PNG (16 bits), a PFM file "
            "or a TIFF of floats."
        )
    if stored.white_is_zero:
        raise ValueError(
            f"{path} is a TIFF in which 0 is shown as white (photometric interpretation "
            "MinIsWhite), so that its values as stored and as shown differ. Save it as .npy or "
            "16-bit PNG."
        )
    return stored.values
