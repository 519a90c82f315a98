"""Outputs: arrays and files that are filled block by block, and a log of the blocks that are done.

A file is mapped again for each block, so that what was written does not stay in memory.
"""

import json
import os
from pathlib import Path

import numpy as np


def begun_with(out, several):
    """Returns what the interrupted run that wrote `out` depends on: a dict, empty without one.

    Args:
        out: As `Outputs` takes a target, or a pair of them.
        several: Whether it is a pair.
    """
    target = out[0] if several and isinstance(out, (tuple, list)) else out
    if not isinstance(target, (str, os.PathLike)) or not _log_of(Path(target)).exists():
        return {}
    return _parsed(_log_of(Path(target)).read_text("utf-8").partition("\n")[0])


class Outputs:
    """Fills one or two arrays block by block.

    Args:
        targets: For each array None (it is made in memory), the path of a .npy file, or anything
            with `shape` and slice assignment.
        shapes, dtypes: Of each array.
        made_by: A dict of JSON types that says what the output depends on.
        resume: Whether the files of an interrupted run are continued.

    Raises:
        ValueError: if a target has another shape or cannot hold the type, or `resume` finds no
            file to continue, or one of another model, image or tiling.
    """

    def __init__(self, targets, shapes, dtypes, made_by, resume):
        self._log = None
        paths = [_npy(target) for target in targets if isinstance(target, (str, os.PathLike))]
        if resume and not isinstance(targets[0], (str, os.PathLike)):
            raise ValueError(
                "`resume` continues the file that `out` names, such as 'labels.npy'; got "
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
        """Returns whether a block was written."""
        return block in self._done

    def write(self, block, place, parts):
        """Writes the parts of a block, one for each array, to a pair of slices, and logs it."""
        for array, part in zip(self._arrays, parts, strict=True):
            array[place] = part
        self._done.add(block)
        if self._log:
            self._log.append(block)

    def result(self):
        """Returns the arrays; of files, read-only memory maps."""
        arrays = [a.mapped() if isinstance(a, _File) else a for a in self._arrays]
        return arrays[0] if len(arrays) == 1 else tuple(arrays)


def _npy(path):
    path = Path(path)
    if path.suffix != ".npy":
        raise ValueError(f"`out` is written as a NumPy file and needs the suffix .npy; got {path}.")
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
            "`out` must be None, the path of a .npy file, or anything with `shape` and slice "
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
                f"{np.dtype(dtype)} {shape}: it belongs to another run."
            )

    def __setitem__(self, place, part):
        array = np.lib.format.open_memmap(self._path, mode="r+")
        array[place] = part
        array.flush()

    def mapped(self):
        """Returns the file as a read-only memory map."""
        return np.load(self._path, mmap_mode="r")


class _Log:
    """The log file beside the output: a header, then one line for each block that is done."""

    def __init__(self, path, made_by):
        self._path, self._made_by = path, made_by

    def begin(self, done):
        """Writes the header and the blocks that are done."""
        lines = [json.dumps(self._made_by), *(_line(block) for block in sorted(done)), ""]
        self._path.write_text("\n".join(lines), "utf-8")

    def append(self, block):
        """Adds a block."""
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(f"{_line(block)}\n")

    def read(self):
        """Returns the blocks that are done.

        Raises:
            ValueError: if the file belongs to another run.
        """
        if not self._path.exists():
            raise ValueError(
                f"{self._path.with_suffix('')} cannot be continued: its log {self._path.name} is "
                "not beside it. Leave out `resume` to start again."
            )
        header, *lines = self._path.read_text("utf-8").split("\n")
        made_by = _parsed(header)
        different = [
            key
            for key, value in self._made_by.items()
            if key != "tile" and made_by.get(key) != value  # the tiling contains it
        ]
        if different:
            raise ValueError(
                f"{self._path.with_suffix('')} was started with another {' and '.join(different)}. "
                "Leave out `resume` to start again."
            )
        return {
            tuple(map(int, line.split())) for line in lines[:-1]
        }  # the last line may be incomplete


def _line(block):
    return "{} {}".format(*block)


def _parsed(header):
    try:
        found = json.loads(header)
    except json.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
