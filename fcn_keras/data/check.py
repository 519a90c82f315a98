"""Finding what is wrong with a dataset: every image and target is read, all problems are reported.

Works on folders that `load` refuses, because a file is missing.
"""

import functools
import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from fcn_keras.data import registry
from fcn_keras.data.counts import counts_for
from fcn_keras.data.dataset import Dataset
from fcn_keras.data.joined import joined
from fcn_keras.data.layout.nearest import Nearest
from fcn_keras.data.masks.black_and_white import is_framed
from fcn_keras.data.masks.palettes import conflict
from fcn_keras.data.masks.reader import LabelError, MaskReader
from fcn_keras.data.sentences import are, count_images, first_of
from fcn_keras.data.shared_images import equal_files, files_of, image_keys
from fcn_keras.data.size_mismatch import size_message
from fcn_keras.data.trainable import look_at, oddities, untrainable
from fcn_keras.progress import ProgressBar
from fcn_keras.tasks import Task
from fcn_keras.threads import checked_threads

INVERTED = 0.9  # share of the masks with class 1 all around, from which on check says so
TESTED = ("train", "val", "trainval", "test")
WITHIN = ({"train", "trainval"}, {"val", "trainval"})  # one is a part of the other
EXPLAINED = 20  # missing files of a split for which the nearest file is looked for


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        kind: "missing", "unreadable", "size", "labels", or "content" for what makes a training
            meaningless.
        split: The split in which it was found.
        message: One or two sentences that name the file.

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
    """The result of `check`.

    Attributes:
        name: The dataset's name.
        task: Its `fcn_keras.tasks.Task`.
        examples: {split: number of examples read}; an example in two splits counts in the first.
        problems: `Problem`s in the order in which they were found.
        notes: Sentences about how the files were understood: the `notes` of the splits.
        warnings: Sentences about what may be intended: a class that never occurs, an example that
            is in two lists.
        counts: What the targets hold: for classes `pixels` and `images` of each class and
            `void_pixels` (`fcn_keras.data.counts.ClassCounts`), for regression the range of the
            values in each split (`ValueCounts`).
        dataset: The examples without a problem as one `Dataset`, or None.

    Example:

    ```python
    report = fcn_keras.data.check("folder", "parts")
    print(report.table() if report.ok else report.problems)
    ```
    """

    name: str
    task: Task
    examples: dict
    problems: tuple
    notes: tuple
    warnings: tuple
    counts: Any
    dataset: Dataset | None

    @property
    def ok(self):
        """Whether there is no problem; warnings do not count."""
        return not self.problems

    @property
    def labels(self):
        """The `LabelSet` of the classes; None where the task has none."""
        return self.task.labels

    def table(self):
        """Returns what the targets hold, as text: the class distribution or the range of values."""
        return self.counts.table()

    def to_dict(self):
        """Returns the report in JSON types, without the dataset."""
        return {
            "name": self.name,
            "examples": dict(self.examples),
            "problems": [vars(problem) for problem in self.problems],
            "notes": list(self.notes),
            "warnings": list(self.warnings),
            **self.counts.to_dict(),
        }


def check(data, root=None, split=None, *, progress=True, **options):
    """Reads every image and target of a dataset and reports what is wrong.

    It finds missing images and masks, unreadable files, masks of another size than their image,
    and labels that are neither a class nor void (file, value, allowed range, likely cause); for
    regression infinite values. It also finds what makes a training meaningless: training targets
    without a pixel of a class or with one class alone, images of one colour, values that never
    differ.

    Args:
        data: Name of a dataset, as for `load`, or a `Dataset`.
        root: The dataset's folder.
        split: One split; None for all.
        progress: Whether to show a progress bar on a terminal.
        **options: Options of the dataset, as for `load`.

    Returns:
        A `CheckReport`.

    Raises:
        ValueError, FileNotFoundError: if there is nothing to read: no such folder, no list of
            classes, no image with a mask.

    Example:

    ```python
    report = fcn_keras.data.check("digits")
    print(*report.problems, report.table(), sep="\\n")
    fcn_keras.visualize.contact_sheet(report.dataset, "digits.png")
    ```
    """
    problems, warnings = [], []
    if isinstance(data, Dataset):
        parts = [data]
    else:
        parts = _found(data, root, split, options, problems, warnings)
    return _report(parts, problems, warnings, progress)


def _found(name, root, split, options, problems, warnings):
    """The examples whose files are both there: one `Dataset` for each split.

    Missing files go to `problems`, examples that are in two lists to `warnings`.
    """
    registry.check_arguments(name, root, options)
    root = registry.at_home(root)
    module = registry.module_of(name)
    parts, seen, errors = [], {}, []
    for split_name in [split] if split else module.splits(root, **options):
        try:
            part = module.load(root, split_name, **options)
        except (FileNotFoundError, ValueError) as error:
            problems.append(Problem("missing", split_name, str(error)))
            errors.append(error)
            continue
        absent, keys = _absent(part), image_keys(part)
        warnings += _in_two_lists(part, keys, seen)
        new = [index for index, key in enumerate(keys) if key not in seen]
        seen |= {keys[index]: part.split for index in new}
        problems += [Problem("missing", part.split, absent[i]) for i in new if i in absent]
        whole = [index for index in new if index not in absent]
        if whole:
            parts.append(part.at(whole))
    if not parts:
        raise errors[0] if errors else FileNotFoundError(problems[0].message)
    warnings += _copies(parts)
    return parts


def _in_two_lists(part, keys, seen):
    """Sentences about the examples of train, val or test that are in an earlier one of them."""
    if part.split not in TESTED:
        return []
    sentences = []
    for split in TESTED:
        if {split, part.split} in WITHIN:
            continue
        twice = [index for index, key in enumerate(keys) if seen.get(key) == split]
        if twice:
            sentences.append(
                f"{count_images(twice)} of {part.split} {are(twice)} in {split} too, so that "
                "neither tests what the other trains: "
                f"{first_of(part.names[index] for index in twice)}."
            )
    return sentences


def _copies(parts):
    """Sentences about images of train, val or test that are copies of images in another of them."""
    tested = [part for part in parts if part.split in TESTED]
    sentences = []
    for part, other in itertools.combinations(tested, 2):
        if {part.split, other.split} in WITHIN:
            continue
        pairs = equal_files(files_of(part), files_of(other))
        if pairs:
            sentences.append(
                f"{count_images(pairs)} of {other.split} {are(pairs)} equal, byte for byte, to "
                f"one of {part.split}: {first_of(f'{copy} = {path}' for path, copy in pairs)}."
            )
    return sentences


def _absent(part):
    """{index: sentence} of each example with a file that is not there."""
    missing, word = set(part.missing), "mask" if part.labels else "target"
    sentences, nearest = {}, Nearest()
    for index in dict.fromkeys(index for _, index in part.missing):
        image, target = part.images[index], part.targets[index]
        if ("image", index) not in missing:
            sentences[index] = f"{image} has no {word} {target}."
            absent = target, image
        elif ("target", index) not in missing:
            sentences[index] = f"{target} has no image {image}."
            absent = image, target
        else:
            sentences[index] = f"Neither the image {image} nor the {word} {target} is there."
            absent = image, target
        if len(sentences) <= EXPLAINED:
            sentences[index] = f"{sentences[index]} {nearest.told(*absent)}".rstrip()
    return sentences


def _report(parts, problems, warnings, progress):
    task, found, good, looks = parts[0].task, {}, [], {}
    notes = [note for part in parts for note in part.notes]
    sizes = {part.split: len(part) for part in parts}
    differing = {part.split: text for part in parts if (text := _difference(parts[0], part))}
    problems += [Problem("labels", split, text) for split, text in differing.items()]
    problems += _numbering(parts)
    framed = []  # whether class 1 fills the border, for each example
    bar = ProgressBar(sum(len(part) for part in parts), "pair", progress)
    with bar, ThreadPoolExecutor(checked_threads()) as pool:
        for part in parts:
            counted, fine = found.setdefault(part.split, []), []
            seen = looks.setdefault(part.split, [])
            read = functools.partial(_read, part)
            for index, one in enumerate(pool.map(read, range(len(part)))):
                problems += one.problems
                notes += [one.note] if one.note else []
                framed.append(one.framed)
                if one.counts is not None and part.task == task:
                    counted.append(one.counts)
                seen += [one.look] if one.look else []
                if not one.problems and part.split not in differing:
                    fine.append(index)
                bar.step()
            good += [part.at(fine)] if fine else []
    counts = counts_for(task).of_dataset(task, found)
    for part in parts:
        if part.task == task and (text := counts.problem(part.reader)):
            problems.append(Problem("labels", part.split, text))
            break
    else:
        sound = {part.split: len(part) for part in good}
        mostly = {s: seen for s, seen in looks.items() if 2 * sound.get(s, 0) > sizes[s]}
        problems += [Problem("content", *one) for one in untrainable(counts, mostly)]
    return CheckReport(
        parts[0].name,
        task,
        sizes,
        tuple(problems),
        tuple(dict.fromkeys(notes)),
        (*warnings, *counts.warnings(), *oddities(looks), *_inverted(task, framed)),
        counts,
        joined(good) if good else None,
    )


def _difference(first, part):
    """A sentence about why no net fits two splits, or None: other classes or channels."""
    if part.task != first.task:
        what = "classes" if part.labels and first.labels else "task"
        return (
            f"{first.split} and {part.split} differ in their {what}, so that no net fits both: "
            f"{first.split} has {_meaning(first.task)}; {part.split} has {_meaning(part.task)}."
        )
    if part.channels != first.channels and {part.channels, first.channels} != {1, 3}:
        return (
            f"The images of {first.split} have {first.channels} channels and those of {part.split} "
            f"{part.channels}, so that no net fits both."
        )
    return None


def _meaning(task):
    return ", ".join(task.labels.names) if task.labels else str(task)


def _numbering(parts):
    """The problem of palette masks whose indices differ from file to file, or none."""
    parts = [part for part in parts if type(part.reader) is MaskReader and not part.in_memory]
    if not parts:
        return []
    text = conflict(parts[0].reader, [path for part in parts for path in part.targets])
    return [Problem("labels", parts[0].split, text)] if text else []


def _inverted(task, framed):
    """A sentence about masks in which class 1 is where a background would be, or none."""
    count = sum(framed)
    if not count or count < INVERTED * len(framed):
        return []
    first, second = task.labels.names
    return [
        f"{second!r} fills the whole border of {count} of {len(framed)} masks, as a background "
        f"does. If {second!r} is what is black in the masks, give the classes their colours in "
        f"classes.txt (`{first} 255 255 255`, `{second} 0 0 0`), without binary; with threshold, "
        f"write {second} in the first line and {first} in the second."
    ]


class _Example(NamedTuple):
    """What was found in one example: with a target its counts, a note, a `Look`, a white border."""

    problems: list
    counts: Any = None
    note: str | None = None
    look: Any = None
    framed: bool = False


def _read(dataset, index):
    """What was found in one example, a `_Example`."""
    found = []

    def attempt(function):
        try:
            return function(index)
        except LabelError as error:
            found.append(Problem("labels", dataset.split, str(error)))
        except (OSError, ValueError) as error:
            found.append(Problem("unreadable", dataset.split, str(error)))
        return None

    image, target = attempt(dataset.read_image), attempt(dataset.read_target)
    if image is not None and target is not None and image.shape[:2] != target.shape[:2]:
        text = size_message(dataset, index, image.shape, target.shape)
        found.append(Problem("size", dataset.split, text))
    if target is None:
        return _Example(found)
    note, look, framed, reader = None, None, False, dataset.reader
    if image is not None:
        look = look_at(dataset.names[index], image, target)
    if type(reader) is MaskReader and not dataset.in_memory:
        note = reader.note(dataset.targets[index])
        framed = (reader.binary or reader.threshold is not None) and is_framed(target)
    if not dataset.labels_pixels:  # tags count once for each image
        target = np.flatnonzero(dataset.read_alternatives(index)[0])[None].astype(target.dtype)
    counts = counts_for(dataset.task).of_target(dataset.task, target)
    return _Example(found, counts, note, look, framed)
