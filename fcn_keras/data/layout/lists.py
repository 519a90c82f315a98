"""Lists of the images of a split, as people write them: names, paths, or pairs of paths."""

import os
import re
from collections import Counter
from pathlib import Path, PureWindowsPath

from fcn_keras.data.images.folder import normal
from fcn_keras.data.images.formats import suffixes
from fcn_keras.text_files import read_text

_COLUMNS = re.compile(r"\s*[\t,;]\s*|\s+")


def lines_of(path):
    """Returns the lines of a list that are not empty, each without spaces and quotes around it.

    Raises:
        ValueError: for an empty list, or a file that is no text.
    """
    lines = [line.strip().strip("\"'") for line in read_text(path).splitlines()]
    lines = [line for line in lines if line]
    if not lines:
        raise ValueError(f"{path} lists no names.")
    return lines


def names_in(path, names, also=None):
    """Returns the names that a list has, in its order.

    A line is a name, or a path with or without suffix; a second column is passed over. What is no
    known name is returned as it stands.

    Args:
        path: The list.
        names: The known names, a set.
        also: {other name: name}: names of masks, say, that stand for those of images.

    Raises:
        ValueError: for an empty list, a name that is listed twice or could be two files.
    """
    known = _Known(path, names, also or {})
    found = [known.name(line) for line in lines_of(path)]
    refuse_twice(path, found)
    return found


def refuse_twice(path, names):
    """Raises ValueError if a list has a name twice."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(f"{path} lists {twice[0]!r} twice.")


def stem(word):
    """Returns the last part of a path in a list without the suffix of an image, in NFC."""
    return without_suffix(normal(word).rpartition("/")[2])


def without_suffix(name):
    """Returns a name without the suffix of an image."""
    base, dot, suffix = name.rpartition(".")
    return base if dot and f".{suffix.lower()}" in suffixes() else name


def pairs_in(path, root, folders):
    """Returns [(image, mask)] if every line of a list names two files that are there, else None.

    Args:
        path: The list.
        root: The dataset's folder.
        folders: (folder of images, folder of masks); either may be None.
    """
    found = []
    for line in lines_of(path):
        halves = _two(line)
        pair = (
            [_there(half, root, folder) for half, folder in zip(halves, folders, strict=True)]
            if halves
            else [None]
        )
        if None in pair or pair[0] == pair[1]:
            return None
        found.append(tuple(pair))
    return found


def _two(line):
    """The two columns of a line, also of names with spaces that end in a suffix; or None."""
    columns = _COLUMNS.split(line)
    if len(columns) == 2:
        return columns
    ends = "|".join(re.escape(suffix) for suffix in suffixes())
    found = re.fullmatch(rf"(.+?(?:{ends}))\s*[\s,;]\s*(.+?(?:{ends}))", line, re.IGNORECASE)
    return found.groups() if found else None


def _there(text, root, folder):
    """The path of a file that a list names: absolute, below the root or in its folder."""
    if without_suffix(text) == text:
        return None
    places = [Path(root) / text.lstrip("/\\"), Path(text).expanduser()]
    places += [Path(folder) / text] if folder is not None else []
    return next((place for place in places if place.is_file()), None)


class _Known:
    """The names that files have, by the ways in which a list may write them."""

    def __init__(self, path, names, also):
        self._path, self._names = path, {**also, **{name: name for name in names}}
        self._bases = {}
        for name in names:
            self._bases.setdefault(name.rpartition("/")[2], []).append(name)

    def name(self, line):
        """Returns the name that a line means."""
        for text in dict.fromkeys((line, *_COLUMNS.split(line)[:1])):
            found = self._found(text)
            if found is not None:
                return found
        first = _COLUMNS.split(line)[0]
        one_path = without_suffix(line) != line and without_suffix(first) == first
        return stem(line if one_path else first)

    def _found(self, text):
        parts = [part for part in normal(text).split("/") if part not in ("", ".")]
        if PureWindowsPath(text).drive:
            parts = parts[1:]
        for count in range(len(parts), 0, -1):
            tail = "/".join(parts[-count:])
            for name in (tail, without_suffix(tail)):
                if name in self._names:
                    return self._names[name]
        for base in (parts[-1], without_suffix(parts[-1])) if parts else ():
            found = sorted(self._bases.get(base, ()))
            if len(found) > 1:
                raise ValueError(
                    f"{self._path}: {text!r} could be {' or '.join(found[:3])}; write its folder "
                    "too."
                )
            if found:
                return found[0]
        return None


def relative_name(path, folder):
    """Returns the name of a file in a folder: its path there without suffix; else its stem."""
    path, folder = Path(os.path.abspath(path)), Path(os.path.abspath(folder))
    inside = path.is_relative_to(folder)
    return normal((path.relative_to(folder) if inside else Path(path.name)).with_suffix(""))
