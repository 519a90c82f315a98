"""A look through the images of a data set, to decide once for all of them how they are read."""

import contextlib
import dataclasses
from pathlib import Path

import numpy as np

from fcn_keras.data.images import alpha as alphas
from fcn_keras.data.images.npy import is_npy
from fcn_keras.data.images.opening import UNREADABLE, opened
from fcn_keras.data.images.reader import ImageReader
from fcn_keras.data.images.scale import SURE, unsure
from fcn_keras.data.images.wide_colors import is_wide_color, lower_bytes

HEADERS = 1000  # files whose headers are read, at most
DECODED = 200  # files of 16 bits that are decoded in search of a bright one, at most
TRANSPARENT = 3  # files with alpha that are decoded
NARROW = (".jpg", ".jpeg", ".jfif", ".jpe", ".bmp")  # of 8 bits, without alpha
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY_OR_RGB = (0, 2)


def decided_reader(reader, paths, strict=True):
    """Returns the `ImageReader` of a data set with the bits of its 16-bit images, and notes.

    Only headers are read, of 1000 files spread evenly at most. Where there are files of 16 bits
    and `reader` has no `bits`, these are decoded until one has a value that only 16 bits have.

    Args:
        reader: An `ImageReader`, which may have options already.
        paths: All image files of the data set; some may be missing.
        strict: Whether files of 16 bits that do not show which value is white are an error here.
            Otherwise the reader refuses each of them.

    Returns:
        (reader, notes): the reader to use for all files, and sentences about what was decided.

    Raises:
        ValueError: naming a file, if no file of 16 bits shows which value is white.
    """
    if reader.decided:
        return reader, ()
    paths = list(paths)
    wide, transparent, notes = [], [], []
    if given := reader.to_config():
        options = ", ".join(f"{name}={value}" for name, value in given.items())
        notes.append(f"images are read with {options}, as given")
    worth = [Path(path) for path in paths if _worth_a_look(path)]
    for path in _spread(worth, HEADERS):
        deep, alpha = _header(path, reader)
        if deep:
            wide.append(path)
        if alpha:
            transparent.append(path)
    if wide and reader.bits is None:
        try:
            reader, note = _with_bits(reader, _spread(wide, DECODED), len(wide))
        except ValueError:
            if strict:
                raise
            reader, note = dataclasses.replace(reader, unsure=True), []
        notes += note
    if reader.bits and not reader.found and not wide and not any(map(is_npy, paths)):
        notes.append(f"bits={reader.bits} changes nothing: no image has 16 bits a pixel")
    reader = dataclasses.replace(reader, decided=True)
    if transparent and reader.alpha is None:
        notes += _on_transparency(reader, _spread(transparent, TRANSPARENT))
    return reader, tuple(notes)


def _worth_a_look(path):
    return isinstance(path, (str, Path)) and Path(path).suffix.lower() not in NARROW


def _spread(paths, most):
    """At most so many of the paths, spread evenly over them."""
    if len(paths) <= most:
        return paths
    return [paths[i] for i in np.linspace(0, len(paths) - 1, most).astype(int)]


def _header(path, reader):
    """(whether the bits of a file are in question, whether it has alpha), from its header."""
    if is_npy(path):
        return False, False
    try:
        with open(path, "rb") as file:
            head = file.read(26)
        png = head[:8] == _SIGNATURE and len(head) == 26
        if png and head[24] <= 8 and head[25] in _GREY_OR_RGB:
            return False, False
        with opened(path) as image:
            deep = image.mode.startswith("I") or is_wide_color(image)
            declared = ImageReader.declared_bits(image) or ImageReader.noted_bits(image)
            return deep and not (declared and not reader.bits), alphas.has_alpha(image)
    except UNREADABLE:
        return False, False


def _with_bits(reader, paths, count):
    """The reader with the bits that the values of 16-bit files show, and a list of notes."""
    brightest, found = None, -1
    for path in paths:
        try:
            highest = _highest(path, reader.page)
        except UNREADABLE:
            continue
        if highest > found:
            brightest, found = path, highest
        if found >= SURE:
            break
    if brightest is None:
        return reader, []
    if 255 < found < SURE:
        raise ValueError(
            f"{brightest}: {unsure(found)}. It is the brightest of the {count} images of 16 bits"
            + (f" ({len(paths)} were looked at)." if len(paths) < count else ".")
        )
    bits = 16 if found >= SURE else 8
    white = 2**bits - 1
    why = f"{brightest.name} reaches {found}" if bits == 16 else f"none exceeds {found}"
    note = f"images of 16 bits are read with {white} as white (bits={bits}): {why}"
    return dataclasses.replace(reader, bits=bits, found=True), [note]


def _highest(path, page):
    """The highest value of a 16-bit file, alpha left out."""

    @contextlib.contextmanager
    def at_page():
        with opened(path) as image:
            image.seek(page or 0)
            yield image

    with at_page() as image:
        wide = is_wide_color(image)
        pixels = np.asarray(image)
    if not wide:
        return int(pixels.max(initial=0))
    pixels = pixels[..., :3]
    highest = 256 * int(pixels.max(initial=0))
    if highest >= SURE:
        return highest + 255
    low = lower_bytes(at_page)
    if low is None:
        return highest + 255
    return int((256 * pixels.astype("int32") + low[..., :3]).max(initial=0))


def _on_transparency(reader, paths):
    """Notes about alpha that is taken as transparency."""
    for path in paths:
        try:
            with opened(path) as image:
                if not alphas.varies(image):
                    continue
                reader.picture(path)
                alpha = np.asarray(image.convert("RGBA"))[..., 3]
        except UNREADABLE:
            continue
        note = f'images: transparent pixels are read as white, as in {path.name}; alpha="ignore" '
        note += "keeps their colours"
        if (share := float(np.mean((alpha > 0) & (alpha < 255)))) > 0.5:
            note += (
                f". {share:.0%} of the pixels of {path.name} are partly transparent: if its fourth "
                'band is not transparency, alpha="band" reads it as a channel'
            )
        return [note]
    return []
