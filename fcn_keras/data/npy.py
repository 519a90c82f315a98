"""NumPy files (.npy) that hold an image or a target."""

from pathlib import Path

import numpy as np


def is_npy(path):
    """Returns whether a path names a NumPy file."""
    return Path(path).suffix.lower() == ".npy"


def read_npy(path):
    """Returns the array in a .npy file.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: naming the file, if it cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return np.lib.format.read_array(file, allow_pickle=False)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read as a NumPy file: {error}") from error


def npy_header(path):
    """Returns (shape, dtype) of the array in a .npy file; None if the file cannot be read."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError):
        return None
    return array.shape, array.dtype
