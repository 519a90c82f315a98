"""Where label maps and scores go, block by block, and which blocks are there already.

A file is mapped anew for each block, so that what was written does not stay in memory.
"""

import json
import os
from pathlib import Path

import numpy as np


def begun_with(out, several):
    """What the interrupted run that wrote `out` depended on: a dict, empty if there is none.

    Args:
        out: As `Outputs` takes a target, or a pair of them.
        several: Whether it is a pair.
    """
    target = out[0] if several and isinstance(out, (tuple, list)) else out
    if not isinstance(target, (str, os.PathLike)) or not _log_of(Path(target)).exists():
        return {}
    return _parsed(_log_of(Path(target)).read_text("utf-8").partition("\n")[0])


class Outputs:
    """One or two arrays that are filled block by block.

    Args:
        targets: For each array None (it is made in memory), the path of a .npy file, or anything
            with `shape` and slice assignment.
        shapes, dtypes: Of each array.
        made_by: A dict of JSON types that says what the answer depends on.
        resume: Go on with the files as an interrupted run left them.

    Raises:
        ValueError: if a target has another shape or cannot hold the type, or `resume` has no file
            to go on with, or one of another model, image or tiling.
    """

    def __init__(self, targets, shapes, dtypes, made_by, resume):
        self._log = None
        paths = [_npy(target) for target in targets if isinstance(target, (str, os.PathLike))]
        if resume and not isinstance(targets[0], (str, os.PathLike)):
            raise ValueError(
                "`resume` goes on with the file that `out` names, such as 'labels.npy'; got "
                f"out={type(targets[0]).__name__}."
            )
        if paths:
            self._log = _Log(_log_of(paths[0]), made_by)
        self._done = self._log.read() if resume and all(p.exists() for p in paths) else set()
        if self._log:
            self._log.begin(self._done)
        keep = bool(self._done)
        self._arrays = [
            _opened(*given, keep) for given in zip(targets, shapes, dtypes, strict=True)
        ]

    def done(self, block):
        """Whether a block was written."""
        return block in self._done

    def write(self, block, place, parts):
        """Writes the parts of a block, one an array, to a pair of slices, and remembers it."""
        for array, part in zip(self._arrays, parts, strict=True):
            array[place] = part
        self._done.add(block)
        if self._log:
            self._log.append(block)

    def result(self):
        """The arrays, files as read-only memory maps."""
        arrays = [a.mapped() if isinstance(a, _File) else a for a in self._arrays]
        return arrays[0] if len(arrays) == 1 else tuple(arrays)


def _npy(path):
    path = Path(path)
    if path.suffix != ".npy":
        raise ValueError(f"`out` is written as a NumPy file; give {path} the suffix .npy.")
    return path


def _log_of(path):
    return path.with_name(path.name + ".tiles")


def _opened(target, shape, dtype, keep):
    if target is None:
        return np.empty(shape, dtype)
    if isinstance(target, (str, os.PathLike)):
        return _File(_npy(target), shape, dtype, keep)
    if not hasattr(target, "shape") or not hasattr(target, "__setitem__"):
        raise ValueError(
            "`out` is None, the path of a .npy file, or anything with `shape` and slice "
            f"assignment; got {type(target).__name__}."
        )
    held = np.dtype(getattr(target, "dtype", dtype))
    if tuple(target.shape) != shape or not np.can_cast(dtype, held, "safe"):
        raise ValueError(
            f"`out` must hold an array of {shape} and type {np.dtype(dtype)}; got "
            f"{tuple(target.shape)} and {held}."
        )
    return target


class _File:
    """A .npy file of a given shape."""

    def __init__(self, path, shape, dtype, keep):
        self._path = path
        if not keep:
            np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
            return
        found = self.mapped()
        if found.shape != shape or found.dtype != dtype:
            raise ValueError(
                f"{path} holds {found.dtype} {found.shape}, and this image needs "
                f"{np.dtype(dtype)} {shape}: it is not the file to go on with."
            )

    def __setitem__(self, place, part):
        array = np.lib.format.open_memmap(self._path, mode="r+")
        array[place] = part
        array.flush()

    def mapped(self):
        return np.load(self._path, mmap_mode="r")


class _Log:
    """The file beside the labels that says which blocks are done: a header, then a line each."""

    def __init__(self, path, made_by):
        self._path, self._made_by = path, made_by

    def begin(self, done):
        lines = [json.dumps(self._made_by), *(_line(block) for block in sorted(done)), ""]
        self._path.write_text("\n".join(lines), "utf-8")

    def append(self, block):
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(f"{_line(block)}\n")

    def read(self):
        """The blocks done.

        Raises:
            ValueError: if the file belongs to another run.
        """
        if not self._path.exists():
            raise ValueError(
                f"{self._path.with_suffix('')} cannot be gone on with: {self._path.name}, which "
                "says how far it came, is not beside it. Leave out `resume` to begin anew."
            )
        header, *lines = self._path.read_text("utf-8").split("\n")
        made_by = _parsed(header)
        different = [
            key
            for key, value in self._made_by.items()
            if key != "tile" and made_by.get(key) != value  # the tiling tells more
        ]
        if different:
            raise ValueError(
                f"{self._path.with_suffix('')} was begun with another {' and '.join(different)}. "
                "Leave out `resume` to begin anew."
            )
        return {tuple(map(int, line.split())) for line in lines[:-1]}  # the last may be torn


def _line(block):
    return "{} {}".format(*block)


def _parsed(header):
    try:
        found = json.loads(header)
    except json.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
