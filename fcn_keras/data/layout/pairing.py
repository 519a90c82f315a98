"""Pairing images with masks by their names: equal names, or a pattern that is found or given."""

import itertools
from collections import Counter
from dataclasses import dataclass

from fcn_keras.data.images.formats import suffixes
from fcn_keras.data.layout.patterns import (
    HELP,
    Pattern,
    candidates,
    cuts_a_word,
    is_mask_word,
    read_pattern,
)

SAME = Pattern()
NEARLY_ALL = 0.9  # share of equal names with which no pattern is looked for
MOST_OF_ONE = 0.6  # share of the files of one folder that a pattern must bring together
JPEG = (".jpg", ".jpeg", ".jfif", ".jpe")


class AmbiguousError(ValueError):
    """Names of images and masks that can be paired in several ways."""


@dataclass(frozen=True)
class Pairs:
    """Images and masks by the image's name.

    Attributes:
        images, masks: {name: path} of the files that are there.
        folders: The `ImageFolder` of images and that of masks.
        pattern: The `Pattern` from an image's name to its mask's.
        notes: Sentences about how they were paired, and what was left out.
    """

    images: dict
    masks: dict
    folders: tuple
    pattern: Pattern
    notes: tuple

    @property
    def names(self):
        """The names of which there is an image or a mask, in order."""
        return sorted({*self.images, *self.masks})

    @property
    def mask_names(self):
        """{mask's name: image's name}."""
        return {self.pattern.mask(name) or name: name for name in self.masks}

    def of(self, name):
        """Returns the paths of the image and the mask: where one is missing, the expected path."""
        images, masks = self.folders
        mask = self.pattern.mask(name) or name
        return (
            self.images.get(name) or images.expected(name, ".jpg"),
            self.masks.get(name) or masks.expected(mask, ".png"),
        )


def pair(images, masks, pattern=None):
    """Returns the `Pairs` of a folder of images and a folder of masks.

    Equal names belong together; else names that differ by one pattern which gives each image a
    mask and each mask an image, such as {name}_mask.

    Args:
        images, masks: `ImageFolder`s; the same object where images and masks are in one folder.
        pattern: Text of a `Pattern`; None finds it.

    Raises:
        AmbiguousError: for names that can be paired in several ways, or several masks of an image.
        ValueError: for a pattern that fits no file.
    """
    if images is masks:
        return _in_one_folder(images, pattern)
    found, targets = images.single(), masks.single()
    if pattern is not None:
        return _by_given(read_pattern(pattern), images, masks, found, targets)
    if found.keys() == targets.keys():
        return _pairs(images, masks, found, targets, SAME, [])
    targets, notes = _comparable(found, targets, masks)
    chosen = _choose(found, targets, masks)
    if chosen != SAME:
        notes.append(_told(chosen, found, targets))
    return _pairs(images, masks, found, targets, chosen, notes)


def _comparable(found, targets, masks):
    """The masks by names like the images', and notes about what was taken off or left out."""
    stripped = {_without_suffix(name): path for name, path in targets.items()}
    if len(stripped) == len(targets) and len(stripped.keys() & found.keys()) > len(
        targets.keys() & found.keys()
    ):
        example = next(path for name, path in stripped.items() if name in found)
        targets, note = stripped, f"Masks end in the image's suffix too, such as {example.name}."
        return targets, [note]
    bases = [{name.rpartition("/")[2]: name for name in names} for names in (found, targets)]
    alone = all(len(b) == len(n) for b, n in zip(bases, (found, targets), strict=True))
    folders = [{name.rpartition("/")[0] for name in names} for names in (found, targets)]
    if alone and found and targets and not folders[0] & folders[1]:
        moved = {bases[0].get(base, base): targets[name] for base, name in bases[1].items()}
        if moved.keys() & found.keys():
            return moved, [f"The subfolders of {masks} differ; files are paired by name alone."]
    return targets, []


def _without_suffix(name):
    stem, dot, suffix = name.rpartition(".")
    return stem if dot and f".{suffix.lower()}" in suffixes() else name


def _choose(found, targets, masks):
    """The pattern that brings the names together; equal names where none does better."""
    names, wanted = set(found), set(targets)
    equal = len(names & wanted)
    if not names or not wanted or (equal and len(names) != len(wanted)):
        return SAME
    if equal > NEARLY_ALL * len(names):
        return SAME
    likely = candidates(names, wanted)
    whole = _distinct(_complete(likely, names, wanted)) if len(names) == len(wanted) else []
    if len(whole) > 1:
        raise AmbiguousError(_ambiguous([pattern for pattern, _ in whole], found, targets))
    if whole or equal:
        return whole[0][0] if whole else SAME
    _refuse_several(names, wanted, found, targets, masks)
    ranked = ((pattern, pattern.matched(names, wanted)) for pattern in likely)
    partial = _distinct(
        sorted((one for one in ranked if _is_sound(*one, False)), key=lambda one: -len(one[1]))
    )
    if not partial or not _is_enough(*partial[0], names, wanted):
        return SAME
    if len(partial) > 1 and len(partial[1][1]) == len(partial[0][1]):
        raise AmbiguousError(_ambiguous([pattern for pattern, _ in partial[:2]], found, targets))
    return partial[0][0]


def _complete(patterns, names, wanted):
    """The patterns that give each image a mask and each mask an image, with their pairs."""
    for pattern in patterns:
        if all(pattern.mask(name) in wanted for name in itertools.islice(names, 20)):
            pairs = pattern.matched(names, wanted)
            if len(pairs) == len(names) and _is_sound(pattern, pairs, True):
                yield pattern, pairs


def _is_enough(pattern, pairs, names, wanted):
    """Whether a pattern that leaves files over still explains most of them."""
    contained = not (pattern.before or pattern.after) or not any(pattern[2:])
    return 2 * len(pairs) >= min(len(names), len(wanted)) and (contained or len(pairs) > 1)


def _is_sound(pattern, pairs, whole):
    """Whether a pattern cuts no number, and a word only where all of three files or more agree."""
    worst = max((cuts_a_word(pattern, image) for image in pairs), default=2)
    return worst == 0 or worst == 1 and whole and len(pairs) >= 3


def _distinct(ranked):
    """The patterns that lead to different pairs, the first of each."""
    kept = {}
    for pattern, pairs in ranked:
        kept.setdefault(frozenset(pairs.items()), (pattern, pairs))
    return list(kept.values())


def _ambiguous(patterns, found, targets):
    lines = []
    for pattern in patterns[:3]:
        image, mask = next(iter(sorted(pattern.matched(found, set(targets)).items())))
        lines.append(f"{found[image].name} with {targets[mask].name} (pattern={pattern})")
    return (
        f"folder: the names of images and masks can be paired in several ways: "
        f"{'; '.join(lines)}. Choose one with the option pattern. {HELP}"
    )


def _refuse_several(names, wanted, found, targets, masks):
    """Raises ValueError where an image has several masks, such as one for each class."""
    owners = {}
    for mask in sorted(wanted):
        owner = _owner(mask, names)
        if owner is not None:
            owners.setdefault(owner, []).append(mask)
    several = [image for image, own in owners.items() if len(own) > 1]
    if not several:
        return
    image = several[0]
    kinds = Counter(_kind(mask, owner, masks) for owner, own in owners.items() for mask in own)
    shown = ", ".join(f"{mask}{targets[mask].suffix}" for mask in owners[image][:4])
    raise AmbiguousError(
        f"folder: {len(several)} images have several masks in {masks}: {found[image].name} has "
        f"{shown}. An image needs one mask, with a value for each class: join them into one file, "
        f"or choose one kind: {', '.join(kind for kind, _ in kinds.most_common(4))}."
    )


def _kind(mask, image, masks):
    """The option that chooses masks such as this one of an image."""
    folder, _, base = mask.rpartition("/")
    place, _, own = image.rpartition("/")
    if folder != place and len(masks.parts) == 1:
        return f"masks={next(iter(masks.parts.values())).name}/{folder}"
    return f"pattern={base.replace(own, '{name}', 1)}"


def _owner(mask, names):
    """The image's name that a mask's name begins or ends with, the longest at a separator."""
    folder, slash, base = mask.rpartition("/")
    cuts = [place for place in range(1, len(base)) if not base[place].isalnum()]
    parts = [base, *(base[:n] for n in reversed(cuts)), *(base[n + 1 :] for n in cuts)]
    places = dict.fromkeys((folder + slash, ""))
    return next((place + part for place in places for part in parts if place + part in names), None)


def _told(pattern, found, targets):
    image, mask = next(iter(sorted(pattern.matched(found, set(targets)).items())))
    return (
        f"Images and masks are paired by pattern={pattern}: {found[image].name} with "
        f"{targets[mask].name}."
    )


def _pairs(images, masks, found, targets, pattern, notes):
    """The `Pairs` of a pattern; a mask that does not fit it is one of an image that is missing."""
    back = pattern.reversed
    return Pairs(
        found,
        {back.mask(name) or name: path for name, path in targets.items()},
        (images, masks),
        pattern,
        (*images.notes, *(() if images is masks else masks.notes), *notes),
    )


def _by_given(pattern, images, masks, found, targets):
    """The `Pairs` of a pattern that the user gave: files that do not fit it are left out."""
    one = images is masks
    mine = {name for name in targets if pattern.reversed.core(name)}
    if one and pattern.before == pattern.after == "":
        fitting = {name: path for name, path in found.items() if name not in mine}
    else:
        fitting = {name: path for name, path in found.items() if pattern.core(name)}
    chosen = {name: path for name, path in targets.items() if name in mine}
    matched = pattern.matched(fitting, chosen)
    if not matched:
        raise ValueError(_nothing_fits(pattern, images, masks, found, fitting))
    if one:  # further masks of an image are no images
        others = {n for n in fitting if n not in matched and _owner(n, matched) is not None}
        fitting = {name: path for name, path in fitting.items() if name not in others}
    taken = {*fitting, *chosen} if one else {*fitting}
    left = [path for name, path in found.items() if name not in taken]
    left += [] if one else [path for name, path in targets.items() if name not in chosen]
    notes = [_told(pattern, fitting, chosen)]
    if left:
        notes.append(f"{len(left)} files do not fit the pattern and were left out: {left[0]}, ...")
    return _pairs(images, masks, fitting, chosen, pattern, notes)


def _nothing_fits(pattern, images, masks, found, fitting):
    if fitting:
        name, path = next(iter(fitting.items()))
        why = f"for {path.name} the mask {pattern.mask(name)} is not in {masks}."
    else:
        example = next(iter(found.values()), None)
        shown = f"; one is {example.name}" if example else ""
        why = f"no image in {images} has such a name{shown}."
    return f"folder: pattern={pattern} brings no image and mask together: {why} {HELP}"


def _in_one_folder(folder, pattern):
    """The `Pairs` of a folder that holds both images and masks."""
    if pattern is None and (split := _by_format(folder)):
        images, masks = split
        example = next(iter(images))
        note = (
            "Images and masks are in one folder: JPEG files are images, "
            f"such as {images[example].name}, and the others are masks, such as "
            f"{masks[example].name}."
        )
        return _pairs(folder, folder, images, masks, SAME, [note])
    files = folder.single()
    if pattern is not None:
        return _by_given(read_pattern(pattern), folder, folder, files, files)
    return _by_given(_best_of_one(files, folder), folder, folder, files, files)


def _by_format(folder):
    """({name: image}, {name: mask}) where each name has a JPEG and a file of one other suffix."""
    images, masks = {}, {}
    for name, paths in folder.files.items():
        photos = [path for path in paths if path.suffix.lower() in JPEG]
        if len(paths) != 2 or len(photos) != 1:
            return None
        images[name] = photos[0]
        masks[name] = next(path for path in paths if path not in photos)
    alike = len({path.suffix.lower() for path in masks.values()}) == 1
    return (images, masks) if masks and alike else None


def _best_of_one(files, folder):
    """The pattern that divides the files of one folder into images and masks."""
    names, ranked = set(files), []
    for pattern in candidates(names, names):
        oriented = _oriented(pattern)
        if oriented is None:
            continue
        masks = {name for name in names if oriented.reversed.core(name)}
        pairs = oriented.matched(names - masks, masks)
        if pairs and _is_sound(oriented, pairs, False):
            ranked.append((oriented, pairs))
    ranked = _distinct(sorted(ranked, key=lambda one: -len(one[1])))
    whole = [one for one in ranked if 2 * len(one[1]) == len(names)]
    if len(whole) == 1 and not _says_mask(whole[0][0]):
        raise AmbiguousError(_unsaid(*whole[0], files, folder))
    if len(whole) > 1:
        raise AmbiguousError(_ambiguous([pattern for pattern, _ in whole], files, files))
    if whole:
        return whole[0][0]
    if ranked:
        images = set().union(*(pairs for _, pairs in ranked))
        masks = {mask for _, pairs in ranked for mask in pairs.values()}
        others = {name for name in names - images - masks if _owner(name, images) is not None}
        _refuse_several(images - masks, masks | others, files, files, folder)
        if 2 * len(ranked[0][1]) > MOST_OF_ONE * len(names) and _says_mask(ranked[0][0]):
            return ranked[0][0]
    raise ValueError(
        f"folder: images and masks are both in {folder}, and no pattern of their names tells which "
        f"is which. {HELP}"
    )


def _says_mask(pattern):
    """Whether the name of a mask says that it is one; `_L` and `_P` are CamVid's."""
    ending = pattern.mask_before + pattern.mask_after
    return is_mask_word(ending) or ending.lower() in ("_l", "_p")


def _unsaid(pattern, pairs, files, folder):
    image, mask = sorted(pairs.items())[0]
    return (
        f"folder: {folder} holds pairs such as {files[image].name} and {files[mask].name}, and "
        f"their names do not say whether these are images and masks. If they are, give the option "
        f"pattern={pattern}."
    )


def _oriented(pattern):
    """The pattern from images to masks; None where the names do not tell which is which."""
    if not (pattern.before or pattern.after):
        return pattern
    if not (pattern.mask_before or pattern.mask_after):
        return pattern.reversed
    image = is_mask_word(pattern.before + pattern.after)
    mask = is_mask_word(pattern.mask_before + pattern.mask_after)
    if image == mask:
        return None
    return pattern if mask else pattern.reversed
