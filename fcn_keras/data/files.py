"""The files of a dataset: folders, lists of names, images and their masks."""

from pathlib import Path

from fcn_keras.data.formats import is_image_name, suffixes
from fcn_keras.text_files import read_text


def require(path, dataset, hint):
    """Returns the path of a folder or file that a dataset must have.

    Raises:
        FileNotFoundError: if it is not there; the message ends with the hint.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{dataset}: {path} was expected and is not there. {hint}")
    return path


def listed(path, known=()):
    """Returns the names in a list file: the first word of each line, a stem or a path.

    Args:
        path: The list file; for its encoding see `fcn_keras.text_files.read_text`.
        known: Stems that may contain spaces: a line that is one of them is one name.

    Raises:
        ValueError: for an empty list, a name that is listed twice, or a file that is no text.
    """
    lines = [line.strip() for line in read_text(path).splitlines()]
    names = [
        _stem(line) if _stem(line) in known else _stem(line.split()[0]) for line in lines if line
    ]
    if not names:
        raise ValueError(f"{path} lists no names.")
    if len(set(names)) < len(names):
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        raise ValueError(f"{path} lists {twice!r} twice.")
    return names


def _stem(word):
    name = Path(word).name
    return Path(name).stem if Path(name).suffix.lower() in suffixes() else name


def by_stem(folder):
    """Returns {stem: path} of the image files in a folder.

    Raises:
        ValueError: if two files differ only in their suffix.
    """
    found = {}
    for path in sorted(Path(folder).iterdir()):
        if not is_image_name(path):
            continue
        if path.stem in found:
            raise ValueError(
                f"{found[path.stem]} and {path} have the same name up to the suffix; remove one."
            )
        found[path.stem] = path
    return found


def paired(names, images, masks):
    """Returns the paths of the image and the mask of each name.

    Where a file is missing, it is the path that the file should have.

    Args:
        names: Stems.
        images: Folder of images.
        masks: Folder of masks.
    """
    found = ((by_stem(images), images, ".jpg"), (by_stem(masks), masks, ".png"))
    return tuple(
        tuple(paths.get(name, Path(folder) / f"{name}{suffix}") for name in names)
        for paths, folder, suffix in found
    )


def listed_split(folder, split, dataset, hint):
    """Returns the names in the list of a split, `folder/split.txt`.

    Raises:
        FileNotFoundError: if the folder or all lists are missing.
        ValueError: for a split without a list; the message names the splits that have one.
    """
    path = require(folder, dataset, hint) / f"{split}.txt"
    if not path.exists():
        known = listed_splits(folder) or listed_splits(folder, None)
        if not known:
            require(path, dataset, hint)
        raise ValueError(f"{dataset} has no split {split!r} in {folder}; it has {known}.")
    return listed(path)


def listed_splits(folder, known=("train", "val", "trainval", "test")):
    """Returns the splits that have a list in a folder.

    Args:
        folder: Folder of the lists.
        known: The possible splits; None if every .txt is one.
    """
    found = sorted(path.stem for path in Path(folder).glob("*.txt"))
    return found if known is None else [split for split in known if split in found]


def named(names, folder, suffix):
    """Returns the path of each name in a folder, whether the file is there or not."""
    return tuple(Path(folder) / f"{name}{suffix}" for name in names)
