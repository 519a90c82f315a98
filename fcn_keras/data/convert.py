"""Converting any dataset of classes to a folder of images, masks and classes.txt."""

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from fcn_keras.data import registry
from fcn_keras.data.classes.reading import OWN, read_list
from fcn_keras.data.counts import ClassCounts, counts_for
from fcn_keras.labels import VOID_COLOR, LabelSet
from fcn_keras.progress import ProgressBar
from fcn_keras.threads import checked_threads

PARTS = ("images", "masks", OWN)


@dataclass(frozen=True)
class Conversion:
    """The result of `convert`.

    Attributes:
        folder: The folder that was written.
        labels: The `LabelSet` of the classes.
        examples: {split: number of examples written}.
        counts: Pixels and images of each class, a `fcn_keras.data.counts.ClassCounts`.
        notes: Sentences about how the files were understood, and about what was changed.
        errors: Sentences about examples that could not be read and were left out.

    Example:

    ```python
    converted = fcn_keras.data.convert("digits", None, "digits-as-files", count=5)
    print(converted.table())
    ```
    """

    folder: Path
    labels: LabelSet
    examples: dict
    counts: ClassCounts
    notes: tuple
    errors: tuple

    def table(self):
        """Returns the classes with their share of the pixels and their images, as text."""
        return self.counts.table()


class _Example(NamedTuple):
    """An example that is to be written: its part of the dataset, index in it, and new name."""

    dataset: object
    index: int
    name: str


def convert(data, root, out, *, split=None, progress=True, **options):
    """Writes a dataset of classes as a folder that `load("folder", out)` reads.

    It holds images/, masks/ (PNGs of class numbers, coloured by their palette), classes.txt and a
    list of the names of each split. Files of images are copied as they are; images that options
    or arrays define become PNGs, or .npy files where they have other channels than 1 and 3. What
    cannot be read is left out and reported.

    Args:
        data: Name of a dataset, as for `load`.
        root: The dataset's folder; None for one without files.
        out: The folder to write; made if missing.
        split: One split; None for all.
        progress: Whether to show a progress bar on a terminal.
        **options: Options of the dataset, as for `load`.

    Returns:
        A `Conversion`.

    Raises:
        FileExistsError: if the folder has images, masks or classes.txt already.
        FileNotFoundError: as `load`.
        ValueError: as `load`; for a dataset whose targets are no classes, whose splits have
            different classes, or of which nothing can be read.

    Example:

    ```python
    fcn_keras.data.convert("digits", None, "digits-as-files", split="val", count=5)
    data = fcn_keras.data.load("folder", "digits-as-files", split="val")
    ```
    """
    out = Path(out)
    for part in PARTS:
        if (out / part).exists():
            raise FileExistsError(f"{out / part} is there already; choose a new folder.")
    parts = _splits(data, root, split, options)
    labels = parts[0].labels
    named = _named(parts)
    (out / "masks").mkdir(parents=True, exist_ok=True)
    (out / "images").mkdir(exist_ok=True)
    written = {part.split: [] for part in parts}
    found = {part.split: [] for part in parts}
    errors = []
    with (
        ProgressBar(len(named), "image", progress) as bar,
        ThreadPoolExecutor(checked_threads()) as pool,
    ):
        for example, result in zip(named, pool.map(_writer(out, labels), named), strict=True):
            if isinstance(result, str):
                errors.append(result)
            else:
                written[example.dataset.split].append(example.name)
                found[example.dataset.split].append(result)
            bar.step()
    if not any(written.values()):
        raise ValueError(f"{data}: none of {len(named)} examples can be read: {errors[0]}")
    _write_classes(out / OWN, labels)
    for part, names in written.items():
        if names:
            (out / f"{part}.txt").write_text("\n".join(names) + "\n", encoding="utf-8")
    counts = counts_for(parts[0].task).of_dataset(parts[0].task, found)
    notes = dict.fromkeys(note for part in parts for note in part.notes)
    examples = {part: len(names) for part, names in written.items()}
    return Conversion(out, labels, examples, counts, tuple(notes), tuple(errors))


def _splits(data, root, split, options):
    """The splits of a dataset, which have the same classes."""
    registry.check_arguments(data, root, options)
    root, module = registry.at_home(root), registry.module_of(data)
    wanted = [split] if split else module.splits(root, **options)
    parts = [module.load(root, part, **options) for part in wanted]
    for part in parts:
        if part.labels is None:
            raise ValueError(
                f"A conversion is for datasets of classes; the task of {part.name} is "
                f"{part.task.kind!r}."
            )
        if part.labels.names != parts[0].labels.names:
            raise ValueError(
                f"{part.name}: {parts[0].split} and {part.split} have different classes; convert "
                "each alone, by split."
            )
    return parts


def _named(parts):
    """A list of `_Example` whose names are file names, each once."""
    plain = [_file_name(name) for part in parts for name in part.names]
    twice = len({name.casefold() for name in plain}) < len(plain)
    examples, taken = [], set()
    for part in parts:
        for index, name in enumerate(part.names):
            stem = f"{part.split}-{_file_name(name)}" if twice else _file_name(name)
            base, number = stem, 2
            while stem.casefold() in taken:
                stem, number = f"{base}-{number}", number + 1
            taken.add(stem.casefold())
            examples.append(_Example(part, index, stem))
    return examples


def _file_name(name):
    """A name of an example as that of a file: its folders are joined to it."""
    return "-".join(part for part in name.replace("\\", "/").split("/") if part not in ("", ".."))


def _writer(out, labels) -> Callable:
    """Returns a function that writes an `_Example`: the counts of its classes, or an error."""
    from fcn_keras.visualize import save_label_map

    def write(example):
        dataset, index, name = example
        try:
            image, label = dataset[index]
            save_label_map(label, labels, out / "masks" / f"{name}.png")
            _write_image(dataset, index, image, out / "images" / name)
        except (OSError, ValueError) as error:
            return f"{dataset.names[index]}: {error}"
        return counts_for(dataset.task).of_target(dataset.task, label)

    return write


def _write_image(dataset, index, image, target):
    """Writes an image: a copy of its file, or what was read, to a path without suffix."""
    path = dataset.images[index]
    as_it_is = dataset.reads_files and not dataset.image_reader.to_config()
    if as_it_is and not dataset.resize_images:
        shutil.copyfile(path, f"{os.fspath(target)}{Path(path).suffix}")
    elif image.dtype == np.uint8 and image.shape[-1] in (1, 3):
        Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(f"{target}.png")
    else:
        np.save(f"{target}.npy", image)


def _write_classes(path, labels):
    """Writes classes.txt, and reads it again to be sure that it says the same.

    Raises:
        ValueError: for names that a line cannot hold.
    """
    colors = [*labels.palette, VOID_COLOR]
    colored = labels.dtype == np.uint8 and len(set(colors)) == len(colors)
    for quote in ("", '"', "'"):
        lines = [
            f"{quote}{name}{quote}" + (" {} {} {}".format(*color) if colored else "")
            for name, color in zip(labels.names, labels.palette, strict=True)
        ]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        if _reads_as(path, labels, colored):
            return
    path.unlink()
    raise ValueError(
        f"The classes {', '.join(labels.names)} have a name that no line of {OWN} can hold; rename "
        "it in the source."
    )


def _reads_as(path, labels, colored):
    try:
        found = read_list(path)
    except ValueError:
        return False
    colors = tuple(one.color for one in found.classes)
    return tuple(found.names) == labels.names and (not colored or colors == labels.palette)
