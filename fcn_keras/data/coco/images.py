"""Finding the image files that a COCO file names: folders, URLs and paths of other machines."""

import os
import re
import unicodedata
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from fcn_keras.data.coco.layout import WORDS, split_word, stated_split
from fcn_keras.data.images.formats import is_image_name

FOLDERS = ("images", "JPEGImages", "imgs", "img", "data")
SAMPLE = 25
_PREFIX = re.compile(r"^[0-9a-f]{6,8}-(?=.)")  # Label Studio writes one before the name


def find_images(root, file, names, folder=None, dataset="coco"):
    """Returns the path of each image that a COCO file, or another tool's file, names.

    Looked for are the folders that COCO and annotation tools use, then the whole tree. Folders in a
    name count as far as they are there. An image that is nowhere gets the path that it should have.

    Args:
        root: Path of the data set.
        file: Path of the JSON file.
        names: The file names as it has them.
        folder: The only folder to look in, or None.
        dataset: Name of the dataset, for messages.

    Returns:
        (paths, notes): a list of Paths, and sentences about names that were not found as written.

    Raises:
        ValueError: if two names, or two files for one name, are equally possible.
        FileNotFoundError: if there is none of the images.
    """
    ways = [_ways(name) for name in names]
    bases = [folder] if folder else _bases(root, file)
    base = _best(bases, ways)
    split = stated_split(file, root)
    elsewhere = _Elsewhere(root, folder, bases, dataset)
    paths, loosely = [], []
    for name, way in zip(names, ways, strict=True):
        path = _beside(file, name) or _below(base, way) or elsewhere.find(name, way)
        if path is not None and path.name not in {parts[-1] for parts in way}:
            loosely.append((name, path))
        paths.append(path)
    if not folder and split and any(_below(base, way) for way in ways):
        pairs = zip(paths, ways, strict=True)
        paths = [None if _is_of_another_split(p, root, base, split, w) else p for p, w in pairs]
    if not any(paths):
        tried = ", ".join(str(place) for place in bases[:6])
        raise FileNotFoundError(
            f"{dataset}: none of the {len(names)} images that {file} lists is below "
            f"{folder or root}: {names[0]} is not in {tried}. Put the images there, or name their "
            "folder by images=FOLDER, a path from DIR."
        )
    missing = (base / Path(*way[0]) for way in ways)
    found = [path or expected for path, expected in zip(paths, missing, strict=True)]
    _refuse_two_names(found, names, file)
    return found, _notes(file, loosely)


def _is_of_another_split(path, root, base, split, way):
    """Whether an image in another folder is of another split, which has one of the same name."""
    if path is None or split is None or path.is_relative_to(base) or not path.is_relative_to(root):
        return False
    said = {split_word(part) for part in path.relative_to(root).parts[:-1]} - {None}
    named = {split_word(part) for parts in way for part in parts[:-1]}
    return bool(said) and split not in said and not said & named


def _ways(name):
    """The parts of a file name, in the spellings to try: as written, and as a URL would mean it."""
    spelled = [_parts(name)]
    if "://" in name or "?" in name:
        url = urlsplit(name)
        local = parse_qs(url.query).get("d")  # Label Studio: /data/local-files/?d=images/a.jpg
        spelled.append(_parts(local[0] if local else url.path))
    if "%" in name:
        spelled += [_parts(unquote("/".join(parts))) for parts in tuple(spelled)]
    return [parts for parts in dict.fromkeys(spelled) if parts] or [(name,)]


def _parts(name):
    name = re.sub(r"^[A-Za-z]:(?=[\\/])", "", name).replace("\\", "/")
    return tuple(part for part in name.split("/") if part not in ("", ".", ".."))


def _bases(root, file):
    """The folders in which images may be, the likeliest first."""
    name, split = file.stem.removeprefix("instances_"), stated_split(file, root)
    places = [root / name, root / "images" / name]
    if file.parent.name != "annotations" or not (root / "images").is_dir():
        places.append(file.parent)
    places.append(root / "images")
    words = [word for word in WORDS if WORDS[word] == split]
    above = [file.parent, *(p for p in file.parents if root in (p, *p.parents))]
    for place in dict.fromkeys(above):
        places += [place / name, place / "images" / name]
        places += [place / part for word in words for part in (f"images/{word}", word)]
        places += _named_after(place, split) + _named_after(place / "images", split)
        places += [place / part for part in FOLDERS]
        places.append(place)
    return [place for place in dict.fromkeys(places) if place.is_dir()] or [root]


def _named_after(place, split):
    """Folders such as val_images, which the split of the file names."""
    if not split or not place.is_dir():
        return []
    with os.scandir(place) as entries:
        return sorted(place / e.name for e in entries if e.is_dir() and split_word(e.name) == split)


def _best(bases, ways):
    """The folder that has most of some of the images, with most folders of their names.

    Of equal ones it is the likeliest.
    """
    some = ways[:: max(len(ways) // SAMPLE, 1)]

    def fit(base):
        found = {path for way in some if (path := _below(base, way))}
        return len(found), sum(len(path.relative_to(base).parts) for path in found)

    return max(bases, key=fit)


def _beside(file, name):
    """The file that a path such as ../images/a.jpg means from the JSON file's folder, or None."""
    path = Path(os.path.normpath(file.parent / name)) if name.startswith("../") else None
    return path if path and path.is_file() else None


def _below(base, ways):
    """The file below a folder with as many of the name's folders as are there, or None."""
    for parts in ways:
        for start in range(len(parts)):
            path = base.joinpath(*parts[start:])
            if path.is_file():
                return path
    return None


class _Elsewhere:
    """Where an image may be that is not in the likeliest folder."""

    def __init__(self, root, folder, bases, dataset):
        self._root, self._folder, self._bases = root, folder, bases
        self._dataset = dataset
        self._tree = None

    def find(self, name, way):
        """Returns the path of an image, or None."""
        found = list(dict.fromkeys(p for base in self._bases if (p := _below(base, way))))
        if len(found) > 1:
            raise _two_files(name, found, self._dataset)
        if found:
            return found[0]
        if self._tree is None:
            self._tree = _tree(self._folder or self._root)
        path = _in_tree(self._tree, way, name, self._dataset)
        if path is None and self._folder is None and Path(name).is_file():
            return Path(name)  # a path of this machine
        return path


def _tree(root):
    """{simple name: paths} of the image files below a folder."""
    found = {}
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for path in (Path(folder) / name for name in names):
            if is_image_name(path):
                for key in {_simple(path.name), _simple(path.stem)}:
                    found.setdefault(key, []).append(path)
    return found


def _simple(name):
    return unicodedata.normalize("NFC", name).casefold()


def _in_tree(tree, ways, name, dataset):
    """The only file in the tree that the name fits: by case, accents, without prefix or suffix."""
    for parts in ways:
        last = _simple(parts[-1])
        for key in (last, _PREFIX.sub("", last), _simple(Path(parts[-1]).stem)):
            found = list(dict.fromkeys(tree.get(key, ())))
            exact = [path for path in found if path.name == parts[-1]]
            found = exact or found
            if len(found) > 1:
                raise _two_files(name, found, dataset)
            if found:
                return found[0]
    return None


def _two_files(name, found, dataset):
    shown = ", ".join(map(str, found[:4]))
    return ValueError(
        f"{dataset}: {len(found)} files may be the image {name}: {shown}. Name the folder of the "
        "right one by images=FOLDER, a path from DIR."
    )


def _refuse_two_names(paths, names, file):
    known = {}
    for path, name in zip(paths, names, strict=True):
        other = known.setdefault(path, name)
        if other != name:
            raise ValueError(
                f"{file}: {other} and {name} are two images, but for both only {path} was found. "
                "Keep the folders in which the images were annotated."
            )


def _notes(file, loosely):
    if not loosely:
        return []
    name, path = loosely[0]
    count = f"{len(loosely)} image{'s' * (len(loosely) > 1)}"
    return [f"{file.name}: {count} found by another spelling; the first: {name} is {path.name}."]
