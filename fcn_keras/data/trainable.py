"""Whether a training on a dataset can mean anything, from what `check` has read of it."""

import zlib
from typing import NamedTuple

import numpy as np

from fcn_keras.data.sentences import are, count_images, first_of

EVALUATED = ("val", "valid", "validation", "dev", "test", "testing", "seg11valid")
LEAST_SIZE = 8
LEAST_CONSTANT = 3  # images of one colour that are no chance
LEAST_EQUAL = 10  # equal masks that are no chance


class Look(NamedTuple):
    """What `check` keeps of one example.

    Attributes:
        name: The example's name.
        size: Height and width of the image.
        constant: Whether the image has one colour.
        varies: Whether the target has several values.
        image, target: Checksums.
    """

    name: str
    size: tuple[int, int]
    constant: bool
    varies: bool
    image: int
    target: int


def look_at(name, image, target):
    """Returns the `Look` of an example.

    Args:
        name: The example's name.
        image: (H, W, channels).
        target: (H, W) or (H, W, C).
    """
    constant, varies = _constant(image), not _constant(target)
    return Look(name, image.shape[:2], constant, varies, *map(_checksum, (image, target)))


def trained_splits(splits):
    """Returns those of the splits that a net is trained on.

    These are train and trainval; without them all that are not for evaluation by their names.
    """
    named = [split for split in splits if split.lower() in ("train", "training", "trainval")]
    return named or [split for split in splits if split.lower() not in EVALUATED]


def untrainable(counts, looks):
    """Returns what makes a training meaningless: (split, sentence) of each.

    Args:
        counts: What the targets hold, such as a `fcn_keras.data.counts.ClassCounts`.
        looks: {split: list of `Look`}.
    """
    found = []
    for split in looks:
        if not counts.read(split):
            continue
        if split in trained_splits(looks):
            texts = (counts.teaches_nothing(split), _without_content(split, looks[split]))
        else:
            texts = (counts.measures_nothing(split),)
        found += [(split, text) for text in texts if text]
    return found


def oddities(looks):
    """Returns sentences about images and targets of the trained splits that may be intended."""
    sentences = []
    for split in trained_splits(looks):
        seen = looks[split]
        constant = [look.name for look in seen if look.constant]
        if constant and not _without_content(split, seen):
            sentences.append(
                f"{count_images(constant)} of {split} {are(constant)} of one colour: "
                f"{first_of(constant)}."
            )
        small = [look.name for look in seen if min(look.size) < LEAST_SIZE]
        if small:
            sentences.append(
                f"{count_images(small)} of {split} {are(small)} less than {LEAST_SIZE} pixels high "
                f"or wide: {first_of(small)}."
            )
        if len(seen) >= LEAST_EQUAL:
            sentences += _equal(split, seen)
    return sentences


def _equal(split, seen):
    """Sentences about images or targets that are all the same."""
    images, targets = ({getattr(look, what) for look in seen} for what in ("image", "target"))
    if len(images) == 1 and not seen[0].constant:
        return [f"All {len(seen)} images of {split} are equal."]
    if len(targets) == 1 and len(images) > 1 and seen[0].varies:
        return [
            f"All {len(seen)} masks of {split} are equal, though the images differ: if each image "
            "has a mask of its own, they were saved wrongly."
        ]
    return []


def _without_content(split, seen):
    """A sentence where all images have one colour each, though their targets vary; else None."""
    if len(seen) < LEAST_CONSTANT or not all(look.constant for look in seen):
        return None
    if not any(look.varies for look in seen):
        return None
    return (
        f"Every image of {split} is of one colour ({first_of(look.name for look in seen)}), so "
        "that nothing in them tells the pixels apart: they were saved or converted wrongly."
    )


def _constant(array):
    """Whether all pixels are equal, NaN being equal to NaN."""
    first = array[:1, :1]
    if array.dtype.kind == "f" and np.isnan(first).all():
        return bool(np.isnan(array).all())
    return bool((array[0] == first[0]).all() and (array == first).all())


def _checksum(array):
    return zlib.crc32(np.ascontiguousarray(array).view("uint8").reshape(-1))
