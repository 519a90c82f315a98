"""The image files of a folder by name, with those of its subfolders where it has none itself."""

import os
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from fcn_keras.data.formats import COMMON, is_image_name, is_left_over


def normal(text):
    """Returns a name as files are compared: composed letters (NFC), `/` between folders."""
    return unicodedata.normalize("NFC", str(text)).replace("\\", "/")


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
        here = _images_in(folder)
        deep = not here if nested is None else nested
        if deep:
            here = [path for place in _folders(folder) for path in _images_in(place)]
        elif nested is None and (others := [p.name for p in _subfolders(folder) if _has_image(p)]):
            found.notes.append(
                f"{folder} has images itself; its subfolders were left out: {_few(others)}."
            )
        for path in here:
            name = prefix + normal(path.relative_to(folder).with_suffix(""))
            found.files.setdefault(name, []).append(path)
    found.files = dict(sorted(found.files.items()))
    return found


def _images_in(folder):
    with os.scandir(folder) as entries:
        paths = [Path(entry.path) for entry in entries if not entry.is_dir()]
    return sorted(path for path in paths if is_image_name(path))


def _folders(folder):
    """The folder and all below it, without those that systems and tools leave."""
    for place, below, _ in os.walk(folder, followlinks=True):
        below[:] = sorted(name for name in below if not is_left_over(Path(name)))
        yield Path(place)


def _subfolders(folder):
    return sorted(p for p in Path(folder).iterdir() if p.is_dir() and not is_left_over(p))


def _has_image(folder):
    return any(_images_in(place) for place in _folders(folder))


def _few(names):
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
