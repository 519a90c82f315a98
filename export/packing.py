"""A packed run: one archive of a trained model, its classes, its card and checksums.

The archive is an ordinary zip file. SHA256SUMS in it is what `sha256sum --check` reads.
"""

import atexit
import hashlib
import os
import shutil
import tempfile
import zipfile
import zlib
from pathlib import Path

from fcn_keras.training.run_folder import RunFolder, aside

SUMS = "SHA256SUMS"
_OPENED = {}  # (path, time, bytes) of an archive: the temporary folder that it was unpacked to


def pack(run, out, *, overwrite=False):
    """Writes what others need of a run into one archive.

    Args:
        run: The run folder. Its best.keras, or model.keras of a run without validation, is taken,
            with labels.json, config.json, history.csv, curves.png, predictions.png and README.md
            where they are there.
        out: Path of the archive, NAME.zip.
        overwrite: Whether a file at `out` is replaced.

    Returns:
        The path, which `fcn_keras.load` opens.

    Raises:
        FileNotFoundError: if the folder holds no run or no model.
        FileExistsError: if `out` exists and `overwrite` is not set.
        ValueError: if `out` does not end in .zip.

    Example:

    ```python
    fcn_keras.export.pack("runs/street", "street.zip")
    segmenter = fcn_keras.load("street.zip")
    ```
    """
    folder, out = RunFolder(run), Path(out)
    folder.read_config()
    if out.suffix != ".zip":
        raise ValueError(f"An archive ends in .zip, got {str(out)!r}.")
    if out.exists() and not overwrite:
        raise FileExistsError(f"{out} is there already: --overwrite (overwrite=True) replaces it.")
    files = [folder.model_path(), *(path for path in _companions(folder) if path.is_file())]
    sums = "".join(f"{_digest(path)}  {path.name}\n" for path in files)
    with aside(out) as beside, zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:  # a .keras file is compressed already
            stored = path.suffix in (".keras", ".png")
            archive.write(path, path.name, zipfile.ZIP_STORED if stored else None)
        archive.writestr(SUMS, sums)
    return out


def unpacked(path):
    """Returns the folder with the files of an archive; any other path as it is.

    An archive is unpacked once in a process, into a temporary folder that is removed at its end.

    Raises:
        ValueError: if a file in the archive is damaged, missing, or none that `pack` writes.
    """
    if not is_pack(path):
        return path
    state = os.stat(path)
    key = (os.path.realpath(path), state.st_mtime_ns, state.st_size)
    if key not in _OPENED or not _OPENED[key].is_dir():
        _OPENED[key] = _unpack(Path(path))
    return _OPENED[key]


def is_pack(path):
    """Returns whether a path is an archive that `pack` wrote."""
    path = Path(path)
    if path.suffix == ".keras" or not path.is_file() or not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return SUMS in archive.namelist()


def _companions(folder):
    """The paths beside the model that an archive may hold."""
    return (
        folder.config, folder.labels, folder.history, folder.curves, folder.predictions,
        folder.card,
    )  # fmt: skip


def _unpack(path):
    """Unpacks an archive into a new temporary folder and checks every file in it."""
    place = Path(tempfile.mkdtemp(prefix="fcn_keras-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    folder = RunFolder(place)
    known = {file.name for file in (folder.best, folder.last, *_companions(folder))}
    with zipfile.ZipFile(path) as archive:
        sums = dict(
            reversed(line.split("  ", 1))
            for line in archive.read(SUMS).decode("utf-8").splitlines()
            if "  " in line
        )
        if foreign := [name for name in archive.namelist() if name not in {*known, SUMS}]:
            raise ValueError(f"{path} holds {foreign[0]!r}, which no packed run has.")
        for name, digest in sums.items():
            if name not in archive.namelist():
                raise ValueError(f"{path} is damaged: {name} is missing. Copy it again.")
            try:
                archive.extract(name, place)
            except (zipfile.BadZipFile, zlib.error) as error:
                raise ValueError(f"{path} is damaged: {name}: {error}. Copy it again.") from error
            if _digest(place / name) != digest:
                raise ValueError(
                    f"{path} is damaged: the checksum of {name} is not the one in SHA256SUMS. Copy "
                    "it again."
                )
    return place


def _digest(path):
    """The SHA-256 checksum of a file, in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
