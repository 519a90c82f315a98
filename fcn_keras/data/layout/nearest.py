"""The file that a missing one may be: the nearest name among those without a partner."""

import difflib
import re
from pathlib import Path

from fcn_keras.data.images.folder import normal
from fcn_keras.data.images.formats import is_image_name, is_left_over, why_not

LIKE = 0.6
MOST = 20_000  # names that are compared; more would take seconds


class Nearest:
    """Finds the files that may be meant by those that are not there."""

    def __init__(self):
        self._folders = {}

    def told(self, path, partner):
        """Returns a sentence that names the nearest file in the folder of a path, or "".

        Args:
            path: The path of a file that is not there.
            partner: The path of its image, or of its mask. A file whose name begins or ends with
                that of a file beside it has a partner, and is not meant.
        """
        path, partner = Path(path), Path(partner)
        if not path.parent.is_dir():
            return f"There is no folder {path.parent}."
        files = self._names(path.parent)
        partners = self._names(partner.parent) if partner.parent != path.parent else {}
        wanted = _folded(path.stem)
        own = {wanted, _folded(partner.stem)}
        free = {
            stem: file
            for stem, file in files.items()
            if not any(part in partners and part not in own for part in _parts(stem))
        }
        longer = [s for s in free if wanted in _parts(s) or s in _parts(wanted)]
        alike = [stem for stem in free if _numbers(stem) == _numbers(wanted)]
        other = [stem for stem in free if _letters(stem) != _letters(wanted)][:MOST]
        close = (
            sorted(longer, key=len)
            or _close(wanted, alike, LIKE / 2)
            or _close(wanted, other, LIKE)
        )
        if not any(map(is_image_name, files.values())) and not _subfolders(path.parent):
            return f"{path.parent} holds no image."
        if not close:
            return ""
        found = free[close[0]]
        if not is_image_name(found):
            return f"There is {found.name}: {why_not(found)}."
        case = " (upper and lower case differ)" if close[0] == wanted else ""
        return f"The nearest file there is {found.name}{case}."

    def _names(self, folder):
        """{folded stem: path} of the files in a folder."""
        if folder not in self._folders:
            there = folder.is_dir()
            files = sorted(p for p in folder.iterdir() if not is_left_over(p)) if there else ()
            self._folders[folder] = {_folded(p.stem): p for p in files if p.is_file()}
        return self._folders[folder]


def _subfolders(folder):
    return any(path.is_dir() for path in folder.iterdir())


def _close(wanted, stems, cutoff):
    return difflib.get_close_matches(wanted, stems, n=1, cutoff=cutoff)


def _folded(text):
    return normal(text).casefold()


def _parts(stem):
    """The name, and its beginnings and ends at separators."""
    cuts = [place for place, letter in enumerate(stem) if not letter.isalnum()]
    return {stem, *(stem[:place] for place in cuts), *(stem[place + 1 :] for place in cuts)}


def _letters(text):
    """The text without its numbers: equal in two files of one series."""
    return re.sub(r"[0-9]+", "0", text)


def _numbers(text):
    return [int(digits) for digits in re.findall(r"[0-9]+", text)]
