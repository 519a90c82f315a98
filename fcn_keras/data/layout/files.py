"""The files of a dataset: folders, lists of names, images and their masks."""

from pathlib import Path

from fcn_keras.data.images.folder import normal, scan
from fcn_keras.data.layout.lists import lines_of, refuse_twice, stem


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
    names = [
        stem(line) if stem(line) in known else stem(line.split()[0]) for line in lines_of(path)
    ]
    refuse_twice(path, names)
    return names


def by_stem(folder):
    """Returns {stem: path} of the image files in a folder; the stems are in NFC.

    Raises:
        ValueError: if two files differ only in their suffix.
    """
    return scan(folder, nested=False).single()


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
        tuple(paths.get(normal(name), Path(folder) / f"{name}{suffix}") for name in names)
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
    """Returns the path of each name in a folder, whether the file is there or not.

    A file whose name has its accents as characters of their own (NFD) is found too.
    """
    folder, others = Path(folder), {}
    if any(not str(name).isascii() for name in names) and folder.is_dir():
        others = {normal(path.name): path for path in folder.iterdir()}
    paths = (folder / f"{name}{suffix}" for name in names)
    return tuple(others.get(normal(path.name), path) for path in paths)
