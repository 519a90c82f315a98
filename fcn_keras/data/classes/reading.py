"""The list of classes of a folder: classes.txt, or the file in which a tool lists them."""

import dataclasses
import itertools
from typing import NamedTuple

from fcn_keras.data.classes.lines import Class
from fcn_keras.data.classes.notations import read_listing
from fcn_keras.data.layout.files import require
from fcn_keras.data.masks.instances import InstanceReader
from fcn_keras.data.masks.reader import MaskReader
from fcn_keras.labels import VOID_COLOR, LabelSet
from fcn_keras.text_files import read_text

OWN = "classes.txt"
# files that tools write beside masks, in the order in which they are looked for
TOOLS = (
    "labelmap.txt", "label_colors.txt", "labels.txt", "class_dict.csv", "_classes.csv",
    "classes.csv", "class_names.txt", "dataset_meta.json",
)  # fmt: skip
# files of detectors, whose classes have no background and so do not number the pixels of masks
DETECTION = ("data.yaml", "dataset.yaml", "obj.names", "classes.names")
SHOWN = 4


class ClassList(NamedTuple):
    """The classes of a file.

    Attributes:
        path: The file, or the one that was expected.
        classes: A list of `Class`, void among them.
        notation: The notation in words, "" for a documented one.
    """

    path: object
    classes: list
    notation: str

    @property
    def names(self):
        """The names of the classes without void, a list."""
        return [entry.name for entry in self.classes if not entry.is_void]

    def understood(self):
        """Returns a sentence that says how the file was read."""
        label_of = labels_of_values(self)
        shown = []
        for entry in (entry for entry in self.classes if not entry.is_void):
            values = [span for span, name in label_of if name == entry.name]
            marks = [_span(values[0])] if entry.values or not entry.color else []
            marks += [str(entry.color)] if entry.color else []
            shown.append(f"{' or '.join(marks)} is {entry.name!r}")
        more = ", ..." if len(shown) > SHOWN else ""
        notation = self.notation or "lines of classes"
        return f"{self.path.name} was read as {notation}: {', '.join(shown[:SHOWN])}{more}."


def read_list(path, reading=None):
    """Returns the `ClassList` in a file.

    Args:
        path: The file.
        reading: See `fcn_keras.data.classes.notations.read_listing`.

    Raises:
        ValueError: for a line that fits no notation or several, naming it, and for no class.
    """
    classes, notation = read_listing(path, read_text(path), reading)
    if not any(not entry.is_void for entry in classes):
        raise ValueError(f"{path} names no class; it needs one per line.")
    return ClassList(path, classes, notation)


def class_list_of(folder, binary, hint, reading=None):
    """Returns the `ClassList` of a folder, and sentences about how its files were understood.

    classes.txt comes first, then the files of `TOOLS`.

    Args:
        folder: The dataset's folder.
        binary: Whether the masks tell an object from the background; then without a classes.txt
            the classes are background and object.
        hint: What belongs in the folder, for the message about a missing file.
        reading: See `read_list`.

    Raises:
        FileNotFoundError: if there is no list.
        ValueError: for a line that means nothing, or two tools' files that disagree.
    """
    paths = [folder / name for name in (OWN, *TOOLS) if (folder / name).is_file()]
    own = paths[:1] == [folder / OWN]
    if binary and not own:
        why = "is not used: with binary or threshold the classes are two."
        notes = [f"{path.name} {why}" for path in paths]
        pair = [Class("background"), Class("object")]
        return ClassList(folder / OWN, pair, ""), tuple(notes)
    if not paths:
        require(folder / OWN, "folder", _with_detectors_files(folder, hint))
    chosen = read_list(paths[0], reading)
    notes = [chosen.understood()] if chosen.notation or not own else []
    for path in paths[1:]:
        if differs := difference(chosen, path):
            if not own:
                raise ValueError(f"{differs} Write {folder / OWN} with those of the masks.")
            notes.append(f"{differs} {paths[0].name} is used.")
    return chosen, tuple(notes)


def difference(chosen, path):
    """Returns a sentence about a file that lists other classes than a `ClassList`, or ""."""
    try:
        other = read_list(path)
    except ValueError as error:
        return f"{path.name} lies beside {chosen.path.name} and cannot be read: {error}"
    names = [[name.lower() for name in one.names] for one in (chosen, other)]
    if names[0] != names[1]:
        return (
            f"{path.name} names {listed(other.names)}, but {chosen.path.name} names "
            f"{listed(chosen.names)}."
        )
    for ours, theirs in zip(*(_classes(one) for one in (chosen, other)), strict=True):
        for what in ("color", "values"):
            one, two = getattr(ours, what), getattr(theirs, what)
            if one and two and one != two:
                return (
                    f"{path.name} gives {ours.name!r} {_plain(two)}, but {chosen.path.name} gives "
                    f"it {_plain(one)}."
                )
    return ""


def listed(names):
    """Returns names as text, the first of them where they are many."""
    more = f", ... ({len(names)} classes)" if len(names) > SHOWN else ""
    return ", ".join(map(repr, names[:SHOWN])) + more


def labels_and_reader(found, void=(), binary=False, threshold=None):
    """Returns the `LabelSet` and the `MaskReader` that a `ClassList` describes.

    Args:
        found: The `ClassList`.
        void: Further values of the files that mean void.
        binary: Whether every value of the masks but 0 is class 1.
        threshold: The value from which on a pixel is class 1, or None.

    Raises:
        ValueError: for classes that do not go together.
    """
    path, classes = found.path, _classes(found)
    _all_or_none(path, "colour", classes, [entry.color for entry in classes])
    _all_or_none(path, "value", classes, [entry.values for entry in classes])
    colors = tuple(entry.color for entry in classes) if classes[0].color else None
    try:
        labels = LabelSet(tuple(entry.name for entry in classes), colors)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    if binary and len(classes) != 2:
        raise ValueError(f"binary=True needs two classes; {path} names {len(classes)}.")
    if threshold is not None:
        _require_sides(found, void, threshold)
    values = None if binary else _values(found, labels)
    void_colors = tuple(entry.color for entry in found.classes if entry.is_void and entry.color)
    below = tuple(e.values[0] for e in found.classes if e.values and e.values[0] < 0)
    reader = MaskReader(
        labels, (*void, *below), values, void_colors or (VOID_COLOR,),
        palette_is_key=colors is not None, binary=binary, threshold=threshold,
    )  # fmt: skip
    refuse = len(classes) <= 2 and not reader.declares_255
    return labels, dataclasses.replace(reader, refuse_binary=refuse)


def instances_reader(found, void=(), threshold=None, separate=0):
    """Returns the `LabelSet` and the `InstanceReader` of masks that number objects.

    Args:
        found: The `ClassList`: two classes, or classes with the numbers of their objects.
        void: Further values of the files that mean void.
        threshold: As for `labels_and_reader`; it must be None.
        separate: Width of the background between objects that touch, in pixels.

    Raises:
        ValueError: for classes that do not say what the numbers are.
    """
    if threshold is not None:
        raise ValueError(
            f"threshold={threshold:g} makes one class of all values, so it does not go with "
            "instances, which tell objects apart by them. Leave one of both out."
        )
    ranged = any(entry.values for entry in _classes(found))
    if not ranged and len(found.names) != 2:
        raise ValueError(
            f"instances needs two classes, or the numbers of each class's objects in {found.path} "
            f"(`egg = 1-200`); it names {listed(found.names)}."
        )
    labels, reader = labels_and_reader(found, void, binary=not ranged)
    return labels, InstanceReader.of(reader, separate)


def _require_sides(found, void, threshold):
    """Refuses a threshold that says something else than the list of classes or `void`."""
    classes, path = _classes(found), found.path
    if len(classes) != 2:
        raise ValueError(f"threshold={threshold:g} needs two classes; {path} names {len(classes)}.")
    if void or len(found.classes) > 2:
        raise ValueError(
            f"threshold={threshold:g} makes every value one of two classes, so it does not go "
            "with void. Where one value means void, give each class its values in classes.txt "
            "instead (`ground = 0`, `egg = 255`, `void = 128`)."
        )
    for what, low, high in (
        ("values", *(entry.values and min(entry.values) for entry in classes)),
        ("colours", *(entry.color and max(entry.color) for entry in classes)),
    ):
        if None not in (low, high) and high < threshold <= low:
            raise ValueError(
                f"threshold={threshold:g} makes bright pixels {classes[1].name!r}, the second "
                f"class, but the {what} in {path} make it the dark one. Swap the two lines."
            )


def labels_of_values(found):
    """Returns ((first, last), name) of the values of index masks, in the order of the lines.

    Raises:
        ValueError: if two classes have one value.
    """
    meanings, place = [], 0
    for entry in found.classes:
        if entry.values is None:
            meanings.append(((place, place), entry.name))
            place += 1
        elif entry.values[0] >= 0:
            meanings.append((entry.values, entry.name))
    for ((_, last), _), ((first, _), _) in itertools.pairwise(sorted(meanings)):
        if first <= last:
            raise ValueError(f"{found.path}: the value {first} is given to two classes.")
    return meanings


def _values(found, labels):
    """The meaning of the values of an index mask: (first, last, label) in the order of lines."""
    label_of = {name: label for label, name in enumerate(labels.names)}
    return tuple(
        (*span, label_of.get(name, labels.ignore)) for span, name in labels_of_values(found)
    )


def _classes(found):
    return [entry for entry in found.classes if not entry.is_void]


def _all_or_none(path, what, classes, given):
    if any(given) and None in given:
        name = classes[given.index(None)].name
        raise ValueError(
            f"{path}: {name!r} has no {what}, but other classes have one; all need one."
        )


def _span(span):
    return str(span[0]) if span[0] == span[1] else f"{span[0]}-{span[1]}"


def _plain(mark):
    return f"the colour {mark}" if len(mark) == 3 else f"the value {_span(mark)}"


def _with_detectors_files(folder, hint):
    """The hint, with a word about a file of a detector's classes that lies there."""
    there = next((name for name in DETECTION if (folder / name).is_file()), None)
    if there is None:
        return hint
    return (
        f"{hint} {there} lists a detector's classes, among which there is no background, so it "
        "does not say what the masks' values mean."
    )
