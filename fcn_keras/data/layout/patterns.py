"""Patterns from an image's name to its mask's, such as {name}_mask: written, applied and found."""

import os
from typing import NamedTuple

import numpy as np

SAMPLES, KEPT = 5, 8
MASK_WORDS = (
    "mask", "label", "lbl", "seg", "gt", "truth", "anno", "target", "matte", "trimap", "manual",
    "instance", "semantic", "roi", "标", "掩",
)  # fmt: skip
HELP = (
    "Write the pattern as the mask's name for the image {name}, such as pattern={name}_mask; or as "
    "IMAGE:MASK, such as pattern={name}_sat:{name}_mask."
)


class Pattern(NamedTuple):
    """What stands before and after the common part of the names of an image and of its mask."""

    before: str = ""
    after: str = ""
    mask_before: str = ""
    mask_after: str = ""

    def __str__(self):
        image, mask = self.before + "{name}" + self.after, self.mask_before + "{name}"
        mask += self.mask_after
        return mask if image == "{name}" else f"{image}:{mask}"

    @property
    def cost(self):
        """Number of characters that are not the common part."""
        return sum(map(len, self))

    @property
    def reversed(self):
        """The pattern from the mask's name to the image's."""
        return Pattern(self.mask_before, self.mask_after, self.before, self.after)

    def core(self, name):
        """Returns (folder, common part) of an image's name, or None if it does not fit."""
        if not name.endswith(self.after):
            return None
        folder, slash, base = name[: len(name) - len(self.after)].rpartition("/")
        if not base.startswith(self.before) or base == self.before:
            return None
        return folder + slash, base[len(self.before) :]

    def mask(self, image):
        """Returns the name of the mask of an image's name, or None if it does not fit."""
        found = self.core(image)
        return found and found[0] + self.mask_before + found[1] + self.mask_after

    def matched(self, images, masks):
        """Returns {image: mask} of the names that the pattern brings together."""
        found = ((image, self.mask(image)) for image in images)
        return {image: mask for image, mask in found if mask in masks and mask != image}


def read_pattern(text):
    """Returns the `Pattern` that a text describes: MASK or IMAGE:MASK, each with {name} once.

    Raises:
        ValueError: for other text.
    """
    image, _, mask = text.rpartition(":")
    sides = (image or "{name}", mask)
    if any(side.count("{name}") != 1 for side in sides) or sides[0] == sides[1] == "":
        raise ValueError(f"`pattern` needs {{name}} once in each part, got {text!r}. {HELP}")
    return Pattern(*(part for side in sides for part in side.split("{name}")))


def candidates(images, masks):
    """Returns the `Pattern`s that a few of the names suggest, those of the fewest letters first.

    Args:
        images, masks: Sets of names. They may be the same.
    """
    if not images or not masks:
        return []
    names = sorted(images)
    chosen = {names[i] for i in np.linspace(0, len(names) - 1, SAMPLES).astype(int)}
    found = set()
    for image in chosen:
        folder, _, base = image.rpartition("/")
        near = set()
        for mask in masks:
            place, _, other = mask.rpartition("/")
            if mask != image and place == folder:
                near.update(_between(base, other))
        found |= set(sorted(near, key=lambda pattern: (pattern.cost, pattern))[:KEPT])
    found |= _of_all(images, masks)
    return sorted(
        (_to_separator(pattern, images) for pattern in found if _is_meant(pattern)),
        key=lambda pattern: (pattern.cost, pattern),
    )


def _between(image, mask):
    """The patterns by which two names belong together."""
    if image in mask:
        before, _, after = mask.partition(image)
        yield Pattern("", "", before, after)
    elif mask in image:
        before, _, after = image.partition(mask)
        yield Pattern(before, after, "", "")
    elif start := os.path.commonprefix((image, mask)):
        yield Pattern("", image[len(start) :], "", mask[len(start) :])
    if end := os.path.commonprefix((image[::-1], mask[::-1])):
        yield Pattern(image[: -len(end)], "", mask[: -len(end)], "")


def _of_all(images, masks):
    """The pattern of what all images, and all masks, begin and end with."""
    bases = [[name.rpartition("/")[2] for name in names] for names in (images, masks)]
    if min(map(len, bases)) < 2:
        return set()
    around = []
    for names in bases:
        start = os.path.commonprefix(names)
        end = os.path.commonprefix([name[len(start) :][::-1] for name in names])[::-1]
        around += [_without_digits(start), _without_digits(end[::-1])[::-1]]
    return {Pattern(*around)}


def _without_digits(text):
    """A common beginning without the digits at its end: they belong to the numbers."""
    return text.rstrip("0123456789")


def _is_meant(pattern):
    """Whether the parts of image and mask differ by letters, and not by a number."""
    image, mask = pattern[:2], pattern[2:]
    letters = ["".join(filter(str.isalpha, "/".join(parts))) for parts in (image, mask)]
    numbers = ["".join(filter(str.isdigit, "/".join(parts))) for parts in (image, mask)]
    return letters[0] != letters[1] and (numbers[0] == numbers[1] or not all(numbers))


def _to_separator(pattern, images):
    """The same pattern, with the separator beside {name} in all names, for reading."""
    before, after = pattern.before or pattern.mask_before, pattern.after or pattern.mask_after
    if bool(before) == bool(after):
        return pattern
    cores = [found[1] for name in images if (found := pattern.core(name))]
    place = 0 if before else -1
    beside = {core[place] for core in cores if len(core) > 1}
    if len(beside) != 1 or not beside <= {*"_-. "} or any(len(core) < 2 for core in cores):
        return pattern
    (letter,) = beside
    if before:
        return pattern._replace(
            before=pattern.before + letter, mask_before=pattern.mask_before + letter
        )
    return pattern._replace(after=letter + pattern.after, mask_after=letter + pattern.mask_after)


def cuts_a_word(pattern, image):
    """Returns 2 if the pattern cuts a number of an image's name, 1 for a word, else 0."""
    folder, core = pattern.core(image)
    joints = [(part[-1:], core[:1]) for part in (pattern.before, pattern.mask_before)] + [
        (core[-1:], part[:1]) for part in (pattern.after, pattern.mask_after)
    ]
    worst = 0
    for left, right in joints:
        if left.isdigit() and right.isdigit():
            return 2
        if left.isalpha() and right.isalpha() and not (left.islower() and right.isupper()):
            worst = 1
    return worst


def is_mask_word(text):
    """Returns whether a part of a name says that the file is a mask."""
    letters = "".join(filter(str.isalpha, text)).lower()
    return any(word in letters for word in MASK_WORDS)
