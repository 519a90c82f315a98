"""Masks of two classes: by a threshold, or what is black and what is not."""

import numpy as np

from fcn_keras.data.masks.label_error import LabelError

SOFT = 0.4  # share of the greys that occur at edges alone, from which on edges are blended
MANY = 8  # such greys beside others; fewer must be half of the pixels between black and white
THIN = 0.9  # share of the pixels in no 2x2 block of one grey, where JPEG's noise is known by it
LEAST = 4  # pixels of blended greys
NEAR = 16  # what JPEG at its best adds to black or takes from white
DARK = 64  # a mask that is darker everywhere holds numbers


def by_threshold(stored, threshold):
    """Returns which pixels are class 1: those of `threshold` and more, bool (H, W).

    A colour counts by its largest channel, a transparent pixel as black.

    Args:
        stored: A `StoredMask`.
        threshold: A number on the scale of the file's greys.

    Raises:
        LabelError: if the threshold seems to be meant for another scale than the file's.
    """
    levels = shown_levels(stored)
    if levels.dtype.kind == "f" and not np.isfinite(levels).all():
        raise LabelError(f"{stored.path} holds values that are no numbers (NaN or infinity).")
    found = levels >= threshold
    highest = levels.max(initial=0)
    if 0 < highest <= 1 < threshold and stored.lossy is None:
        raise LabelError(
            f"{stored.path} holds nothing above {highest:g}, and threshold={threshold:g} would "
            "leave no object in it. If every value but 0 is the object, use binary instead; "
            "otherwise choose a threshold on the scale of the values."
        )
    if highest > 255 >= threshold > 1 and (found != (levels >= 257 * threshold)).any():
        raise LabelError(
            f"{stored.path} has 16 bits (its largest value is {highest:g}), and "
            f"threshold={threshold:g} is on the scale 0-255. On the scale 0-65535 it is "
            f"threshold={257 * threshold:g}."
        )
    _require_ink(stored, found.any())
    return found


def shown_levels(stored):
    """Returns how bright each pixel is shown, (H, W): greys of up to 8 bits on the scale 0-255.

    16 bits and floats keep their values, a colour has that of its largest channel, and
    transparency is put on black.
    """
    if stored.colors is not None:
        levels = stored.colors.max(axis=-1)
    elif stored.white in (1, 3, 15) and stored.values.dtype == np.uint8:
        levels = stored.values * np.uint8(255 // stored.white)
    else:
        levels = stored.values
    if stored.alpha is None:
        return levels
    return np.round(levels * (stored.alpha / 255.0)).astype(levels.dtype)


def black_or_not(stored):
    """Returns the numbers that say which pixels are the object: 0 for black, else not 0.

    Args:
        stored: A `StoredMask` without loss.

    Returns:
        `(numbers, note)`: whole numbers (H, W), the file's own where they agree with its colours;
        and a sentence about how the file was understood, or None.

    Raises:
        LabelError: if it cannot be told what is the object; the message says why.
    """
    note = None
    if stored.rgb is not None:
        numbers = _numbers_of_colors(stored)
    elif stored.palette is not None:
        numbers, note = _numbers_of_palette(stored)
    else:
        numbers = stored.values
    if stored.alpha is not None:
        numbers, transparent = _opaque(stored, numbers)
        note = note or transparent
    return numbers, note


def _numbers_of_colors(stored):
    """Greys by their value and other colours as 255; colours without any black are refused."""
    rgb = stored.colors
    numbers = rgb.max(axis=-1)
    colored = numbers != rgb.min(axis=-1)
    if not colored.any():
        return numbers
    if numbers.all() and (rgb != rgb[0, 0]).any() and stored.alpha is None:
        raise LabelError(
            f"{stored.path} has several colours, such as {tuple(rgb[0, 0].tolist())}, and none of "
            "them is black. Class 0 of a binary mask is black, so everything would be class 1. "
            "Give both classes their colour in classes.txt instead (name red green blue), without "
            "binary."
        )
    return np.where(colored, np.uint8(255), numbers)


def _numbers_of_palette(stored):
    """The indices of a palette image, or its colours where index 0 is not black."""
    if not stored.palette[0].any() or stored.colors is None:
        return stored.values, None
    numbers, note = _numbers_of_colors(stored), None
    if ((numbers != 0) != (stored.values != 0)).any():
        note = (
            "palette masks were read by their colours: black is class 0 and every other colour is "
            "class 1, although black is not index 0."
        )
    return numbers, note


def _opaque(stored, numbers):
    """The numbers with 0 where the mask is transparent; refused where that is a question."""
    plain = numbers != 0
    _require_ink(stored, plain.any())
    shown = plain & (stored.alpha > 0)
    if (plain == shown).all():
        return numbers, None
    if plain.all():
        return np.where(shown, numbers, 0), "transparent pixels of masks were read as class 0."
    raise LabelError(
        f"{stored.path} has transparent pixels that are not black, so either its colours or its "
        "transparency could be the mask. Save it without an alpha channel."
    )


def _require_ink(stored, found):
    """Refuses black on a transparent ground, in which no pixel is other than black."""
    if not found and stored.alpha is not None:
        raise LabelError(
            f"{stored.path} is black on a transparent ground: by its colours it has no object. "
            "Save the mask without an alpha channel, with the object white and the rest black."
        )


def is_framed(label):
    """Returns whether class 1 fills the border of a label map (H, W), and another class is inside.

    Example:

    ```python
    is_framed(np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]]))      # True
    ```
    """
    border = (label[0], label[-1], label[:, 0], label[:, -1])
    return bool(all((part == 1).all() for part in border) and (label == 0).any())


def require_hard_edges(levels, path, void=None):
    """Refuses a mask of two classes whose edges are blended greys.

    Blended greys lie between darker and brighter neighbours and differ from pixel to pixel;
    instance numbers fill regions.

    Args:
        levels: How bright each pixel is, (H, W), 0 for the background.
        path: The file, for the message.
        void: Pixels that are void, bool (H, W).

    Raises:
        LabelError: naming the greys and the threshold that decides.
    """
    top = levels.max(initial=0)
    between = (levels > 0) & (levels < top)
    if void is not None:
        between &= ~void
    numbers = levels.dtype.kind != "f" and top < DARK
    if numbers or not between.any() or not _is_soft(levels, between):
        return
    greys = np.unique(levels[between])
    shown = ", ".join(f"{grey:g}" for grey in greys[:6]) + (", ..." if len(greys) > 6 else "")
    half = (int(top) + 1) // 2
    raise LabelError(
        f"{path} has edges of blended greys ({shown} between 0 and {top:g}; {between.sum()} "
        "pixels), as after smoothing, resizing or JPEG. Of which class they are is not known: "
        f"threshold={half} makes greys of {half} and more class 1 (on the command line "
        f"folder:DIR,threshold={half}), and threshold=1 makes every grey class 1."
    )


def _is_soft(levels, between):
    """Whether the pixels `between` are, or hold among others, those of blended edges.

    A grey of an edge fills no 2x2 block, and most of its pixels have darker and brighter
    neighbours. Of instances only tiny ones are so. What JPEG of the highest quality leaves is
    known by its greys, which are all close to black or white.
    """
    if min(levels.shape) < 2:
        return False
    rows, columns = levels[1:] == levels[:-1], levels[:, 1:] == levels[:, :-1]
    blocks = rows[:, 1:] & rows[:, :-1] & columns[1:] & columns[:-1]
    flat = np.zeros(levels.shape, bool)
    for down in (slice(None, -1), slice(1, None)):
        for right in (slice(None, -1), slice(1, None)):
            flat[down, right] |= blocks
    padded = np.pad(levels, 1, mode="edge")
    height, width = levels.shape
    around = [padded[y : y + height, x : x + width] for y in range(3) for x in range(3)]
    inside = (np.minimum.reduce(around) < levels) & (levels < np.maximum.reduce(around))
    greys, pixels, filling, among = _by_grey(levels[between], flat[between], inside[between])
    count = pixels.sum()
    if count < LEAST:
        return False
    soft = (filling == 0) & (among >= pixels / 2)
    if soft.sum() >= SOFT * len(greys) and (soft.sum() >= MANY or pixels[soft].sum() >= count / 2):
        return True
    if filling.sum() <= (1 - THIN) * count and among.sum() >= count / 2:
        return True
    near_white = levels.max() - greys <= NEAR
    return bool(near_white.any() and (near_white | (greys <= NEAR)).all() and not filling.any())


def _by_grey(values, *marks):
    """The greys among values, the number of pixels of each, and those of them with each mark."""
    if values.dtype.kind == "f" or values.max() > 65535:
        greys, place = np.unique(values, return_inverse=True)
        row = np.arange(len(greys))
    else:
        place = values
        greys = row = np.flatnonzero(np.bincount(values))
    return greys, *(np.bincount(place, mark)[row] for mark in (None, *marks))
