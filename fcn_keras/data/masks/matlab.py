"""Label maps in MATLAB's .mat files: an array in a struct, checked like other masks."""

import zlib
from dataclasses import dataclass

import numpy as np

from fcn_keras.data.masks.reader import MaskReader


@dataclass(frozen=True)
class MatReader(MaskReader):
    """A `MaskReader` of .mat files.

    Attributes:
        key: Path to the label map: a variable, then fields of structs.
        minus_one: The value that -1 is read as. Default: -1 is an error.
    """

    key: tuple[str, ...] = ()
    minus_one: int | None = None

    def read(self, path):
        """Returns a .mat file as label map; raises what `MaskReader.read` does."""
        values = read_mat(path, self.key)
        whole = values.astype("int64") if values.dtype.kind in "iufb" else None
        if values.ndim != 2 or whole is None or (whole != values).any():
            raise ValueError(
                f"{path}: {'.'.join(self.key)} is {values.dtype} {values.shape}; a label map is "
                "whole numbers (height, width)."
            )
        if self.minus_one is not None:
            whole = np.where(whole == -1, self.minus_one, whole)
        return self.convert(whole, path)


def read_mat(path, key):
    """Returns the array at `key` in a .mat file of version 7 or below.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: naming the file, if it cannot be read or has no such array.
    """
    from scipy.io import loadmat

    try:
        value = loadmat(path, appendmat=False)
    except FileNotFoundError:
        raise
    except (OSError, ValueError, TypeError, NotImplementedError, zlib.error) as error:
        raise ValueError(f"{path} cannot be read as a MATLAB file: {error}") from error
    for name in key:
        known = _fields(value)
        if name not in known:
            raise ValueError(f"{path} holds {sorted(known)}; {'.'.join(key)} was expected.")
        value = value[name]
        while isinstance(value, np.ndarray) and value.dtype == object and value.size == 1:
            value = value.item()
    return np.asarray(value)


def _fields(value):
    if isinstance(value, dict):
        return [name for name in value if not name.startswith("__")]
    return value.dtype.names or () if isinstance(value, (np.ndarray, np.void)) else ()
