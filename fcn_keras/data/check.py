"""What is wrong with a dataset: every image and mask is read, nothing stops at the first problem.

Works on folders that `load` refuses, because a file is missing.
"""

import functools
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from fcn_keras.data import registry
from fcn_keras.data.dataset import Dataset, size_message
from fcn_keras.data.masks import BINARY_HINT, LabelError
from fcn_keras.labels import LabelSet
from fcn_keras.progress import ProgressBar

TESTED = ("train", "val", "test")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        kind: "missing", "unreadable", "size" or "labels".
        split: The split it was found in.
        message: A sentence or two that name the file.

    Example:

    ```python
    for problem in fcn_keras.data.check("folder", "parts").problems:
        print(problem.kind, problem.message)
    ```
    """

    kind: str
    split: str
    message: str

    def __str__(self):
        return f"{self.split}: {self.message}"


@dataclass(frozen=True)
class CheckReport:
    """What `check` found.

    Attributes:
        name: The dataset's name.
        labels: Its `LabelSet`.
        examples: {split: number of examples read}; an example in two splits counts in the first.
        problems: `Problem`s, in the order found; none if all is well.
        warnings: Sentences about what may be meant so: a class that never occurs, an example
            that is in two lists.
        pixels: Pixels of each class, int64 (num_classes,).
        images: Images that contain the class, int64 (num_classes,).
        void_pixels: Pixels of void.
        dataset: The examples without a problem as one `Dataset`, or None.

    Example:

    ```python
    report = fcn_keras.data.check("folder", "parts")
    print(report.table() if report.ok else report.problems)
    ```
    """

    name: str
    labels: LabelSet
    examples: dict
    problems: tuple
    warnings: tuple
    pixels: np.ndarray
    images: np.ndarray
    void_pixels: int
    dataset: Dataset | None

    @property
    def ok(self):
        """Whether nothing is wrong; warnings do not count."""
        return not self.problems

    def table(self):
        """The class distribution as text: a line for each class, and one for void."""
        width = max(len(name) for name in (*self.labels.names, "class"))
        every = max(int(self.pixels.sum()) + self.void_pixels, 1)
        lines = [f"{'':5}{'class':{width}}  {'share of pixels':>15}  {'images':>7}"]
        for number, name in enumerate(self.labels.names):
            share = f"{self.pixels[number] / every:.2%}"
            if not self.images[number]:
                share = "never occurs"
            lines.append(f"{number:3}  {name:{width}}  {share:>15}  {self.images[number]:7}")
        void = f"{self.void_pixels / every:.2%}"
        lines.append(f"{self.labels.ignore:3}  {'void':{width}}  {void:>15}")
        return "\n".join(lines)

    def to_dict(self):
        """All of it in JSON types, but for the dataset."""
        return {
            "name": self.name,
            "labels": self.labels.to_config(),
            "examples": dict(self.examples),
            "problems": [vars(problem) for problem in self.problems],
            "warnings": list(self.warnings),
            "pixels": self.pixels.tolist(),
            "images": self.images.tolist(),
            "void_pixels": self.void_pixels,
        }


def check(data, root=None, split=None, *, progress=True, **options):
    """Reads every image and mask of a dataset and reports what is wrong.

    That is: missing images or masks, masks without an image, unreadable files, masks of another
    size than their image, and labels that are neither a class nor void (file, value, allowed
    range, likely cause).

    Args:
        data: Name of a dataset, as for `load`, or a `Dataset`.
        root: The dataset's folder.
        split: One split; None for all.
        progress: Whether to show a bar, on a terminal.
        **options: The dataset's own, as for `load`.

    Returns:
        A `CheckReport`.

    Raises:
        ValueError, FileNotFoundError: if there is nothing that could be read: no such folder, no
            list of classes, no image with a mask.

    Example:

    ```python
    report = fcn_keras.data.check("digits")
    print(*report.problems, report.table(), sep="\\n")
    fcn_keras.data.contact_sheet(report.dataset, "digits.png")
    ```
    """
    problems, warnings = [], []
    if isinstance(data, Dataset):
        parts = [data]
    elif hasattr(registry.module_of(data), "listing"):
        parts = _listed(data, root, split, options, problems, warnings)
    else:
        splits = [split] if split else registry.module_of(data).splits(root)
        parts = [registry.load(data, root, name, **options) for name in splits]
    return _report(parts, problems, warnings, progress)


def _listed(name, root, split, options, problems, warnings):
    """The examples of which both files are there, a `Dataset` for each split.

    What is missing goes to `problems`, what is listed twice to `warnings`.
    """
    registry.need_root(name, root)
    module = registry.module_of(name)
    parts, seen, errors = [], {}, []
    for part in [split] if split else module.splits(root, **options):
        try:
            listing = module.listing(root, part, **options)
        except (FileNotFoundError, ValueError) as error:
            problems.append(Problem("missing", part, str(error)))
            errors.append(error)
            continue
        warnings += _in_two_lists(listing, seen)
        absent = dict(_missing(listing))
        new = [place for place, image in enumerate(listing.images) if image not in seen]
        seen |= {listing.images[place]: part for place in new}
        problems += [Problem("missing", part, absent[place]) for place in new if place in absent]
        whole = [place for place in new if place not in absent]
        if whole:
            parts.append(listing.at(whole).dataset())
    if not parts:
        raise errors[0] if errors else FileNotFoundError(problems[0].message)
    return parts


def _in_two_lists(listing, seen):
    """A sentence about the examples of train, val or test that are in an earlier of them."""
    first = [seen[i] for i in listing.images if seen.get(i) in TESTED]
    if not first or listing.split not in TESTED:
        return []
    example = next(i for i in listing.images if i in seen)
    return [
        f"{len(first)} examples of {listing.split} are in {first[0]} too, so that one is no test "
        f"of the other: {example.name}, ..."
    ]


def _missing(listing):
    """`(place, sentence)` of each example with a file that is not there."""
    for place, pair in enumerate(zip(listing.images, listing.masks, strict=True)):
        image, mask = (path.is_file() for path in pair)
        if image and not mask:
            yield place, f"{pair[0]} has no mask {pair[1]}."
        elif mask and not image:
            yield place, f"{pair[1]} has no image {pair[0]}."
        elif not mask:
            yield place, f"neither the image {pair[0]} nor the mask {pair[1]} is there."


def _report(parts, problems, warnings, progress):
    labels = parts[0].labels
    pixels = np.zeros((len(parts), labels.num_classes), "int64")
    images, void, good = np.zeros(labels.num_classes, "int64"), 0, []
    bar = ProgressBar(sum(len(part) for part in parts), "pair", progress)
    with bar, ThreadPoolExecutor(min(os.cpu_count() or 1, 8)) as pool:
        for number, part in enumerate(parts):
            fine = []
            read = functools.partial(_read, part)
            for index, (found, counts) in enumerate(pool.map(read, range(len(part)))):
                problems += found
                if counts is not None:
                    pixels[number] += counts[0]
                    images += counts[0] > 0
                    void += counts[1]
                if not found:
                    fine.append(index)
                bar.step()
            good += [part.at(fine)] if fine else []
    examples = {part.split: len(part) for part in parts}
    if void and not pixels[:, 1:].any() and pixels.any() and _undeclared(parts[0].reader):
        text = f"No mask holds anything but {labels.names[0]!r} and 255. {BINARY_HINT}"
        problems.append(Problem("labels", parts[0].split, text))
    warnings += _never(parts, pixels, labels)
    return CheckReport(
        parts[0].name,
        labels,
        examples,
        tuple(problems),
        tuple(warnings),
        pixels.sum(0),
        images,
        void,
        _joined(good),
    )


def _undeclared(reader):
    """Whether 255 stands in the masks of a folder without anybody having said what it means."""
    return reader.values is not None and not reader.declares_255


def _read(dataset, index):
    """The problems of one example, and (pixels of each class, pixels of void) or None."""
    found = []

    def attempt(function):
        try:
            return function()
        except LabelError as error:
            found.append(Problem("labels", dataset.split, str(error)))
        except (OSError, ValueError) as error:
            found.append(Problem("unreadable", dataset.split, str(error)))
        return None

    if dataset.in_memory:
        image, label = dataset[index]
    else:
        image = attempt(lambda: dataset.image_reader(dataset.images[index]))
        label = attempt(lambda: dataset.reader.read(dataset.targets[index]))
        if image is not None and label is not None and image.shape[:2] != label.shape:
            text = size_message(
                dataset.images[index], image.shape, dataset.targets[index], label.shape
            )
            found.append(Problem("size", dataset.split, text))
    if label is None:
        return found, None
    void = label == dataset.labels.ignore
    counts = np.bincount(label[~void], minlength=dataset.labels.num_classes)
    return found, (counts, int(void.sum()))


def _never(parts, pixels, labels):
    """Sentences about classes that no mask holds, or none of the training masks."""
    total = pixels.sum(0)
    missing = [name for name, count in zip(labels.names, total, strict=True) if not count]
    sentences = [f"Never occurs: {', '.join(missing)}."] if missing else []
    for part, own in zip(parts, pixels, strict=True):
        only = [
            n for n, here, all_ in zip(labels.names, own, total, strict=True) if all_ > here == 0
        ]
        if part.split == "train" and only and own.any():
            sentences.append(f"Occurs, but never in train: {', '.join(only)}.")
    return sentences


def _joined(parts):
    """Several splits as one `Dataset`, or None."""
    if not parts:
        return None
    return replace(
        parts[0],
        split="+".join(part.split for part in parts),
        names=tuple(name for part in parts for name in part.names),
        images=tuple(image for part in parts for image in part.images),
        targets=tuple(target for part in parts for target in part.targets),
    )
