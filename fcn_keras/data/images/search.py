"""The images among the files and folders that a user names, and what was not taken."""

from dataclasses import dataclass, field
from pathlib import Path

from fcn_keras.data.images.formats import COMMON, is_image_name, is_left_over, why_not

SHOWN = 3


@dataclass
class Found:
    """What was found.

    Attributes:
        files: (path, None) of each image in order, and (path, sentence) of what was named and
            holds no image.
        notes: Sentences about files and folders that were not taken.
    """

    files: list = field(default_factory=list)
    notes: list = field(default_factory=list)


def find_images(paths, leave_out=None):
    """Returns the images that paths name, as `Found`.

    Of a folder these are the images directly in it; where it has none, those of its subfolders.

    Args:
        paths: Files and folders.
        leave_out: A folder whose images are no input: that of the results.
    """
    found, seen = Found(), set()
    for path in map(Path, paths):
        if path.is_dir():
            images = _of_folder(path, leave_out and Path(leave_out).resolve(), found)
            if not images:
                kinds = ", ".join(suffix[1:] for suffix in COMMON)
                found.files.append((path, f"{path} holds no image ({kinds}, ...)."))
        elif path.exists():
            images = [path]
        else:
            images = []
            found.files.append((path, f"{path} does not exist."))
        for image in images:
            if image.resolve() not in seen:
                seen.add(image.resolve())
                found.files.append((image, None))
    return found


def _of_folder(folder, leave_out, found):
    """The images of a folder; what is not taken is told in the notes."""
    images, others = _divided(folder)
    below = sorted(p for p in folder.iterdir() if p.is_dir() and not is_left_over(p))
    below = [p for p in below if p.resolve() != leave_out]
    if images:
        passed = [p for p in below if any(map(is_image_name, p.iterdir()))]
        if passed:
            found.notes.append(
                f"{folder}: {_count(passed, 'subfolder with images', 'subfolders with images')} "
                f"not taken: {_few(passed)}. Name each to take it."
            )
    else:
        inside = [_of_subfolders(place, leave_out) for place in below]
        images = [path for taken, _ in inside for path in taken]
        others += [path for _, left in inside for path in left]
        if images:
            found.notes.append(
                f"{folder} has no image itself: {_count(images, 'image')} taken from its "
                "subfolders."
            )
    found.notes += _told(folder, others)
    return images


def _of_subfolders(folder, leave_out):
    """(images, other files) of a folder and all below it."""
    images, others = _divided(folder)
    for place in sorted(p for p in folder.iterdir() if p.is_dir() and not is_left_over(p)):
        if place.resolve() != leave_out:
            more = _of_subfolders(place, leave_out)
            images, others = images + more[0], others + more[1]
    return images, others


def _divided(folder):
    """(images, other files) directly in a folder; of one name the common format counts."""
    files = sorted(p for p in folder.iterdir() if p.is_file() and not is_left_over(p))
    common = {p.stem for p in files if p.suffix.lower() in COMMON}
    images = [
        p for p in files
        if p.suffix.lower() in COMMON or (is_image_name(p) and p.stem not in common)
    ]  # fmt: skip
    return images, [p for p in files if p not in set(images)]


def _told(folder, others):
    """A sentence for each reason why files were not taken."""
    reasons = {}
    for path in others:
        reason = "an image of a more common format has the same name"
        reasons.setdefault(reason if is_image_name(path) else why_not(path), []).append(path)
    return [
        f"{folder}: {_count(paths, 'file')} not taken ({reason}): {_few(paths)}."
        for reason, paths in reasons.items()
    ]


def _count(found, what, several=None):
    return f"1 {what} was" if len(found) == 1 else f"{len(found)} {several or f'{what}s'} were"


def _few(paths):
    names = ", ".join(path.name for path in paths[:SHOWN])
    return names + (f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else "")
