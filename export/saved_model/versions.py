"""Versions of a SavedModel: the folders 1, 2, 3, ... that TF Serving watches.

A version appears whole or not at all.
"""

import contextlib
import os
import tempfile
from pathlib import Path

from fcn_keras.checks import whole_number


def versions_in(directory):
    """Returns {number: folder} of the versions in a directory, lowest first."""
    folders = [path for path in Path(directory).glob("*") if path.is_dir()]
    numbered = {int(p.name): p for p in folders if p.name.isascii() and p.name.isdecimal()}
    return dict(sorted(numbered.items()))


def find_saved_model(path):
    """Returns the SavedModel that a path means, or None.

    Args:
        path: A SavedModel's folder, or a folder of versions, of which the highest is taken.

    Example:

    ```python
    fcn_keras.export.export_saved_model(model, "serving/street")
    fcn_keras.export.saved_model.find_saved_model("serving/street").name    # "1"
    ```
    """
    path = Path(path)
    for folder in (path, *reversed(versions_in(path).values())):
        if (folder / "saved_model.pb").is_file():
            return folder
    return None


def check_version(directory, version, overwrite):
    """Raises ValueError unless the version can be written into the directory."""
    if version is not None:
        whole_number("version", version)
    if overwrite and version is None:
        raise ValueError(
            "overwrite=True replaces one version: name it, as in version=1 (--version 1)."
        )
    if (directory / "saved_model.pb").exists():
        raise ValueError(f"{directory} is a SavedModel; versions go into a folder of their own.")
    if directory.exists() and not directory.is_dir():
        raise ValueError(f"{directory} already exists and is not a folder.")
    target = versions_in(directory).get(version)
    if target and not overwrite:
        raise ValueError(
            f"{target} already exists. Leave the version out for the next free number, or replace "
            "it (--overwrite, overwrite=True)."
        )
    if target and not (target / "saved_model.pb").is_file():
        raise ValueError(f"{target} exists and is not a SavedModel, so it is not replaced.")


@contextlib.contextmanager
def new_version(directory, version):
    """Yields a `Draft`: a folder to write into, which `publish` makes the version.

    A draft that was not published is deleted.
    """
    existed = directory.exists()
    directory.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(
            prefix=".being-written-", dir=directory, ignore_cleanup_errors=True
        ) as aside:
            yield Draft(directory, version, Path(aside))
    except BaseException:
        if not existed:
            with contextlib.suppress(OSError):
                directory.rmdir()
        raise


class Draft:
    """A version that is being written, in `folder`.

    It gets its number in `publish` and not before, so that two exports at once get two numbers.
    """

    def __init__(self, directory, version, aside):
        self.directory, self.version, self.aside = directory, version, aside
        self.folder = aside / "written"

    def publish(self):
        """Moves the folder to its place, and returns the place."""
        if self.version is not None:
            existing = versions_in(self.directory).get(self.version)
            target = existing or self.directory / str(self.version)
            return _swap(self.folder, target, self.aside / "replaced")
        while True:
            target = self.directory / str(max(versions_in(self.directory), default=0) + 1)
            try:
                os.rename(self.folder, target)
                return target
            except OSError:
                if not target.exists():
                    raise


def _swap(written, target, replaced):
    """Puts the new folder in place of the old one; if that fails, the old one stays."""
    existed = target.exists()
    if existed:
        os.rename(target, replaced)
    try:
        os.rename(written, target)
    except OSError:
        if existed:
            os.rename(replaced, target)
        raise
    return target
