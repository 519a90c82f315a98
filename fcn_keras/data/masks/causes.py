"""Messages about masks: which values are wrong, which are allowed, and the likely cause."""

import numpy as np

BINARY_HINT = (
    "It is a binary mask of 0 and 255; 255 means void by convention, so the object would be "
    "ignored. To read every value but 0 as class 1, pass binary=True, on the command line "
    "folder:DIR,binary; or write `= 0` and `= 255` after the names in classes.txt. If 255 really "
    "is void, declare it: void=255, folder:DIR,void=255, or a line `void = 255` in classes.txt."
)


def wrong_values(path, values, table, labels):
    """Returns the message for values that are no labels: file, values, allowed range, cause.

    Args:
        path: The file.
        values: The whole numbers of an index mask.
        table: From a value 0..65535 to its label, below 0 for a wrong value.
        labels: The `LabelSet`.
    """
    present = np.unique(values).tolist()
    wrong = [value for value in present if not 0 <= value < len(table) or table[value] < 0]
    shown = ", ".join(str(value) for value in wrong[:8]) + (", ..." if len(wrong) > 8 else "")
    return (
        f"{path} holds the label{'s' * (len(wrong) > 1)} {shown}; allowed are "
        f"{_allowed(table, labels)}. {_cause(wrong, present, labels.num_classes)}"
    )


def lossy_mask(stored, labels):
    """Returns the message for a `StoredMask` that was compressed with loss."""
    text = (
        f"{stored.path} was stored with loss ({stored.lossy}). This changes the values of a mask "
        "and mixes classes at their borders, so that pixels get a wrong class even where every "
        "value is one of the allowed. Save masks as PNG, from the program that made them."
    )
    if labels.num_classes > 2:
        return text
    return text + (
        " If you have only these files, threshold=128 (on the command line "
        "folder:DIR,threshold=128) reads masks of two classes: values of 128 and more are class 1."
    )


def transparent_class(path, name):
    """Returns the message for transparent pixels that have a class other than the first."""
    return (
        f"{path} has transparent pixels whose values are those of {name!r}, so either the values "
        "or the transparency could be wrong. Save the masks without an alpha channel."
    )


def white_is_zero(path):
    """Returns the message for class numbers in a TIFF that counts from white."""
    return (
        f"{path} is a TIFF in which 0 is shown as white (photometric interpretation MinIsWhite), "
        "so that its numbers as stored and as shown differ. Save the masks as PNG, or as TIFF "
        "with MinIsBlack; black and white alone can be read with binary=True (folder:DIR,binary)."
    )


def broken_numbers(path, values, num_classes):
    """Returns the message for floats that are not whole numbers."""
    broken = values[~(values == np.round(values))]
    text = f"{path} holds {broken.flat[0]:g}; labels are whole numbers."
    if num_classes > 2 or not np.isfinite(values).all():
        return text
    half = values.max() / 2
    return text + (
        f" If it has two classes, threshold={half:g} makes values of {half:g} and more class 1."
    )


def _allowed(table, labels):
    table = np.append(table, -1)
    known = (table >= 0) & (table != labels.ignore)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known])))
    runs = [
        f"{first} to {end - 1}" if end - first > 1 else str(first)
        for first, end in zip(edges[::2], edges[1::2], strict=True)
    ]
    void = " and ".join(str(v) for v in np.flatnonzero(table == labels.ignore)[:4])
    text = f"{', '.join(runs)} ({labels.num_classes} classes)"
    return f"{text} and {void} for void" if void else text


def _cause(wrong, present, count):
    if set(present) <= {0, 1, 255} and 255 in wrong:
        return BINARY_HINT
    if wrong[-1] > 255 and all(value % 257 == 0 for value in present):
        return (
            "Likely cause: the mask was widened from 8 to 16 bits, which multiplied its values "
            "by 257. Save it with 8 bits."
        )
    if count == 2 and len(wrong) > 2 and present[0] == 0 and present[-1] > 200:
        return (
            "Likely cause: the edges of the mask are blended greys, as after smoothing, resizing "
            "or JPEG. threshold=128 (on the command line folder:DIR,threshold=128) makes values "
            "of 128 and more class 1, the others class 0."
        )
    if len(wrong) > 20:
        return (
            "Likely cause: this is a photograph or a blended picture, not a mask of class "
            "numbers; it may have been saved as JPEG or resized with blending."
        )
    if wrong == [count] and 0 not in present:
        return "Likely cause: the classes are counted from 1 instead of 0."
    if wrong == [count]:
        return (
            f"Likely cause: a class is missing (there are {count} names), the classes are "
            f"counted from 1, or {count} means void (void={count}, folder:DIR,void={count}, or "
            f"a line `void = {count}` in classes.txt)."
        )
    if set(present) == {0, wrong[0]}:
        return (
            f"Likely cause: a binary mask whose object is {wrong[0]}. Pass binary=True, on "
            f"the command line folder:DIR,binary; or write `= {wrong[0]}` after the object's "
            "name in classes.txt."
        )
    return "Likely cause: a class is missing from the names, or the value means void."
