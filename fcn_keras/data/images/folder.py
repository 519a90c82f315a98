"""The image files of a folder by name, with those of its subfolders where it has none itself."""

import os
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from fcn_keras.data.images.formats import COMMON, NO_IMAGE, is_image_name, is_left_over, why_not


def normal(text):
    """Returns a name as files are compared: composed letters (NFC), `/` between folders."""
    text = str(text).replace("\\", "/")
    return text if text.isascii() else unicodedata.normalize("NFC", text)


@dataclass
class ImageFolder:
    """The images of a folder, or of several folders with the same purpose.

    Attributes:
        parts: {prefix of the names: folder}. One folder has the prefix "".
        files: {name: paths}. A name is the path in the folder without suffix, in NFC, with `/`
            between folders. More than one path differ in their suffix only.
        notes: Sentences about what was left out.
    """

    parts: dict
    files: dict = field(default_factory=dict)
    notes: list = field(default_factory=list)

    def __str__(self):
        return ", ".join(map(str, self.parts.values()))

    def expected(self, name, suffix):
        """Returns the path that the file of a name should have."""
        prefix = max((p for p in self.parts if name.startswith(p)), key=len, default="")
        folder = self.parts.get(prefix, next(iter(self.parts.values())))
        return folder / f"{name.removeprefix(prefix)}{suffix}"

    def single(self):
        """Returns {name: path}: of files that differ in their suffix only, the common format.

        Raises:
            ValueError: for two files of common formats.
        """
        found, left = {}, []
        for name, paths in self.files.items():
            common = [path for path in paths if path.suffix.lower() in COMMON] or paths
            if len(common) > 1:
                raise ValueError(
                    f"{common[0]} and {common[1]} have the same name up to the suffix; remove one."
                )
            found[name] = common[0]
            left += [path for path in paths if path != common[0]]
        if left:
            many = f" and {len(left) - 1} more" if len(left) > 1 else ""
            self.notes.append(
                f"{left[0]}{many} was left out, because an image of a more common format has the "
                "same name."
            )
        return found

    def without(self, prefix):
        """Returns the folder without the names that begin with a prefix."""
        kept = {name: paths for name, paths in self.files.items() if not name.startswith(prefix)}
        return ImageFolder(self.parts, kept, self.notes)


def scan(parts, nested=None):
    """Returns the `ImageFolder` of one folder or of several.

    Args:
        parts: A folder, or {prefix of the names: folder}.
        nested: Whether subfolders are searched. Default: where the folder has no image itself.
    """
    parts = parts if isinstance(parts, dict) else {"": Path(parts)}
    found = ImageFolder(parts)
    for prefix, folder in parts.items():
        images, below, others = _listed(folder)
        deep = not images if nested is None else nested
        if deep:
            for inside, more, rest in _below(folder):
                _add(found, prefix + inside, folder, inside, more)
                _tell(found, Path(folder, inside), more, rest)
            continue
        _add(found, prefix, folder, "", images)
        _tell(found, folder, images, others)
        passed = [name for name in below if _has_image(folder / name)] if nested is None else ()
        if passed:
            found.notes.append(
                f"{folder} has images itself; its subfolders were left out: {_few(passed)}."
            )
    found.files = dict(sorted(found.files.items()))
    return found


def _add(found, prefix, folder, inside, images):
    """Adds files of one folder, given by their names, under names that begin with a prefix."""
    prefix = normal(prefix)
    for image in images:
        name = prefix + normal(os.path.splitext(image)[0])
        found.files.setdefault(name, []).append(Path(folder, inside + image))


def _tell(found, folder, images, others):
    """Notes which files of a folder must be converted; not those beside an image of the name."""
    stems, reasons = {os.path.splitext(name)[0] for name in images}, {}
    for name in others:
        if os.path.splitext(name)[0] not in stems:
            reasons.setdefault(why_not(name), []).append(name)
    for reason, names in reasons.items():
        many = "1 file was" if len(names) == 1 else f"{len(names)} files were"
        found.notes.append(f"{many} left out of {folder} ({reason}): {_few(names)}.")


def _listed(folder):
    """The names of the images, the folders, and the files to convert that are in a folder."""
    images, below, others = [], [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                if not is_left_over(entry.name):
                    below.append(entry.name)
            elif is_image_name(entry.name):
                images.append(entry.name)
            elif why_not(entry.name) != NO_IMAGE and not is_left_over(entry.name):
                others.append(entry.name)
    return sorted(images), sorted(below), sorted(others)


def _below(folder, inside=""):
    """Yields (path below the folder, images, files to convert) of a folder and of all below it."""
    images, below, others = _listed(Path(folder, inside))
    yield inside, images, others
    for name in below:
        yield from _below(folder, f"{inside}{name}/")


def _has_image(folder):
    return any(images for _, images, _ in _below(folder))


def _few(names):
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
