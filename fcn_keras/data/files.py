"""Finding a dataset's files: folders, lists of names, images and their masks."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from fcn_keras.data.augmentation import Augmentation
from fcn_keras.data.dataset import Dataset
from fcn_keras.data.images import SUFFIXES, is_image_name, read_image
from fcn_keras.data.masks import MaskReader
from fcn_keras.labels import LabelSet


@dataclass(frozen=True)
class Listing:
    """The files of one split, whether they are there or not.

    Attributes:
        name: The dataset's name.
        split: The split's name.
        labels: Its `LabelSet`.
        names: One stem an example.
        images: One path an example: the image's, or where it should be.
        masks: One path an example: the mask's, or where it should be.
        reader: How masks are read.
        augmentation: What `augment=True` means for the dataset.
        hint: What is expected where, and where it is published.
        image_reader: From a path to the image.
    """

    name: str
    split: str
    labels: LabelSet
    names: tuple[str, ...]
    images: tuple[Path, ...]
    masks: tuple[Path, ...]
    reader: MaskReader
    augmentation: Augmentation
    hint: str = ""
    image_reader: Callable = read_image

    @property
    def missing(self):
        """("image" or "mask", name, path) of each file that is not there, in the names' order."""
        return [
            (kind, name, path)
            for name, *paths in zip(self.names, self.images, self.masks, strict=True)
            for kind, path in zip(("image", "mask"), paths, strict=True)
            if not path.is_file()
        ]

    def at(self, places):
        """The examples of these numbers, in this order, as a Listing."""
        return replace(
            self,
            names=tuple(self.names[place] for place in places),
            images=tuple(self.images[place] for place in places),
            masks=tuple(self.masks[place] for place in places),
        )

    def dataset(self):
        """The files as a `Dataset`.

        Raises:
            FileNotFoundError: naming the first file that is missing, and how many are.
        """
        if missing := self.missing:
            kind, name, path = missing[0]
            count = sum(other == kind for other, _, _ in missing)
            raise FileNotFoundError(
                f"{self.name} ({self.split}): the {kind} of {name!r} is not in {path.parent} "
                f"({count} of {len(self.names)} {kind}s are missing). "
                + (self.hint or "An image and its mask have the same name up to the suffix.")
                + f" Expected was {path.name}. `fcn-keras check-data` lists every missing file."
            )
        return Dataset(
            self.name, self.split, self.labels, self.names, self.images, self.masks, self.reader,
            self.augmentation, self.image_reader,
        )  # fmt: skip


def require(path, dataset, hint):
    """A folder or file that a dataset must have, as Path.

    Raises:
        FileNotFoundError: saying what was expected where, and the hint.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{dataset}: {path} was expected and is not there. {hint}")
    return path


def listed(path, known=()):
    """The names in a list file: the first word of each line, a stem or a path.

    Args:
        path: The list file, UTF-8.
        known: Stems that may hold spaces: a line that is one of them is taken whole.

    Raises:
        ValueError: for an empty list or a name that is listed twice.
    """
    lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
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
    return Path(name).stem if Path(name).suffix.lower() in SUFFIXES else name


def by_stem(folder):
    """{stem: path} of the image files in a folder.

    Raises:
        ValueError: if two files differ in their suffix alone.
    """
    found = {}
    for path in sorted(Path(folder).iterdir()):
        if not is_image_name(path):
            continue
        if path.stem in found:
            raise ValueError(
                f"{found[path.stem]} and {path} have one name; which is meant? Remove one."
            )
        found[path.stem] = path
    return found


def paired(names, images, masks):
    """Paths of the image and the mask of each name; where one is missing, the path it should have.

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
    """The names in the list of a split, `folder/split.txt`.

    Raises:
        FileNotFoundError: if the folder or all lists are missing.
        ValueError: for a split without a list, naming those there are.
    """
    path = require(folder, dataset, hint) / f"{split}.txt"
    if not path.exists():
        known = listed_splits(folder) or listed_splits(folder, None)
        if not known:
            require(path, dataset, hint)
        raise ValueError(f"{dataset} has no split {split!r} in {folder}; it has {known}.")
    return listed(path)


def listed_splits(folder, known=("train", "val", "trainval", "test")):
    """The splits that have a list in a folder, of those known; None: every .txt is one."""
    found = sorted(path.stem for path in Path(folder).glob("*.txt"))
    return found if known is None else [split for split in known if split in found]


def named(names, folder, suffix):
    """The path of each name in a folder, whether it is there or not."""
    return tuple(Path(folder) / f"{name}{suffix}" for name in names)
