"""NumPy files (.npy, or .npz with one array) that hold an image or a target."""

import zipfile
from pathlib import Path

import numpy as np

SUFFIXES = (".npy", ".npz")


def is_npy(path):
    """Returns whether a path names a NumPy file."""
    return Path(path).suffix.lower() in SUFFIXES


def read_npy(path):
    """Returns the array in a .npy file, or the only array in a .npz file.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: naming the file, if it cannot be read, or holds several arrays.
    """
    try:
        with open(path, "rb") as file:
            if Path(path).suffix.lower() == ".npy":
                return np.lib.format.read_array(file, allow_pickle=False)
            with zipfile.ZipFile(file) as archive, archive.open(_only(archive)) as member:
                return np.lib.format.read_array(member, allow_pickle=False)
    except FileNotFoundError:
        raise
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} cannot be read as a NumPy file: {error}") from error


def npy_header(path):
    """Returns (shape, dtype) of the array in a NumPy file; None if the file cannot be read."""
    try:
        if Path(path).suffix.lower() == ".npy":
            array = np.load(path, mmap_mode="r", allow_pickle=False)
            return array.shape, array.dtype
        with zipfile.ZipFile(path) as archive, archive.open(_only(archive)) as member:
            version = np.lib.format.read_magic(member)
            read = (
                np.lib.format.read_array_header_1_0
                if version == (1, 0)
                else np.lib.format.read_array_header_2_0
            )
            shape, _, dtype = read(member)
            return shape, dtype
    except (OSError, ValueError, zipfile.BadZipFile):
        return None


def _only(archive):
    """The name of the only array in a .npz file."""
    names = archive.namelist()
    if len(names) != 1:
        held = ", ".join(name.removesuffix(".npy") for name in names) or "none"
        raise ValueError(f"it must hold one array, and it holds {held}; save that one as .npy")
    return names[0]
