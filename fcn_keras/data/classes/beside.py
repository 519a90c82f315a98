"""Lists of classes beside a dataset whose classes are known: used, or named as unused.

People and tools put other data into the layouts of VOC or CamVid; then the names that the package
knows are wrong, and a file such as labelmap.txt says what the masks hold.
"""

from dataclasses import replace
from pathlib import Path

from fcn_keras.data.classes.reading import (
    DETECTION,
    OWN,
    TOOLS,
    labels_and_reader,
    listed,
    read_list,
)
from fcn_keras.tasks import Classes

UNLABELLED = {"unlabelled", "unlabeled", "void", "ignore", "ignored", "unknown"}  # after the others


def with_classes_beside(dataset, folders, *, used=False, known=None, own=()):
    """Returns a dataset with the classes of a list beside it, or with a note about the list.

    A list with the dataset's own classes changes nothing.

    Args:
        dataset: A `Dataset` of classes.
        folders: Folders in which a list may lie, the first before the others.
        used: Whether the masks may be read by the list; otherwise it is named as unused.
        known: {name: colour} of all names that the dataset's masks may have, where they are more
            than its classes.
        own: Names of files that belong to the dataset itself.

    Returns:
        The `Dataset`; `notes` says what was used and what was not.

    Raises:
        ValueError: for a list that is used and whose classes do not go together.
    """
    known = {name.lower(): color for name, color in (known or {}).items()}
    for path in _lists(folders, own):
        try:
            found = read_list(path)
        except ValueError as error:
            dataset = _noted(dataset, f"{path} is not used; it cannot be read as classes: {error}")
            continue
        if _agrees(found, dataset, known):
            continue
        if used and path.name not in DETECTION:
            labels, reader = labels_and_reader(found)
            note = (
                f"{path} names {listed(found.names)}, other classes than {dataset.name} has, and "
                f"is used. {found.understood()}"
            )
            dataset = replace(_noted(dataset, note), task=Classes(labels), reader=reader)
            used, known = False, {}
        else:
            dataset = _noted(
                dataset,
                f"{path} names {listed(found.names)} and is not used: the classes are "
                f"{listed(dataset.labels.names)}. If the masks hold those of the file, read the "
                "folders as folder:DIR,images=NAME,masks=NAME with a classes.txt.",
            )
    return dataset


def _lists(folders, own):
    """The files in folders that are named as lists of classes are."""
    places = dict.fromkeys(Path(folder).absolute() for folder in folders)
    paths = (place / name for place in places for name in (OWN, *TOOLS, *DETECTION))
    return [path for path in paths if path.name not in own and path.is_file()]


def _agrees(found, dataset, known):
    """Whether a list says nothing else than the dataset: the same names, colours and values."""
    classes = [entry for entry in found.classes if not entry.is_void]
    names = [entry.name.lower() for entry in classes]
    if known and all(name in known for name in names):
        return all(e.color in (None, known[e.name.lower()]) for e in classes)
    labels = [name.lower() for name in dataset.labels.names]
    without_background = labels[1:] if labels[0] == "background" else labels
    if names[: len(labels)] == labels and {*names[len(labels) :]} <= UNLABELLED:
        classes, names = classes[: len(labels)], labels
    if names not in (labels, without_background):
        return False
    if names != labels:  # a detector's or a classifier's list, which does not number pixels
        return not any(entry.values for entry in classes)
    return all(
        entry.color in (None, color) and entry.values in (None, (number, number))
        for number, (entry, color) in enumerate(zip(classes, dataset.labels.palette, strict=True))
    )


def _noted(dataset, note):
    return replace(dataset, notes=(*dataset.notes, note))
