"""Legends: a swatch and a name for each class, in as many columns as there is room for.

The font is DejaVu Sans, which is a part of Matplotlib and has accents, Greek and Cyrillic.
"""

import functools
import math
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from fcn_keras.visualize.overlay import paint

INK = (40, 40, 40)
PALE_INK = (110, 110, 110)
PAPER = (255, 255, 255)
FRAME = (130, 130, 130)
LONGEST_NAME = 26


def legend(labels, present=None, *, text_size=14, height=None, width=None):
    """Returns a picture of the colours and names of classes.

    Args:
        labels: A `fcn_keras.LabelSet`.
        present: The values to list, in this order, which may include the ignored value; or a dict
            from value to its share (0 to 1), which is printed after the name. None lists all
            classes.
        text_size: Height of the text, in pixels.
        height: Room for the rows, in pixels; more classes are listed in further columns.
        width: Room for the columns, in pixels, instead of `height`.

    Returns:
        A `PIL.Image.Image`, RGB, as large as the entries need.

    Raises:
        ValueError: for a value that is no class.

    Example:

    ```python
    fcn_keras.visualize.legend(fcn_keras.LabelSet(("road", "sky")), [0, 255]).save("legend.png")
    ```
    """
    values = [int(v) for v in (range(labels.num_classes) if present is None else present)]
    shares = present if isinstance(present, dict) else {}
    texts = [_name(labels, value) for value in values]
    percents = [_percent(shares[value]) if value in shares else "" for value in values]
    font, line, gap = load_font(text_size), round(text_size * 1.5), round(text_size * 0.6)
    swatch = round(text_size * 1.1)
    cell = swatch + 3 * gap + widest(font, texts) + widest(font, percents)
    cell += gap if shares else 0
    if width is not None:
        columns = max(1, (width - gap) // cell)
        rows = max(1, -(-len(values) // columns))
    else:
        rows = max(1, len(values) if height is None else (height - gap) // line)
    columns = max(1, -(-len(values) // rows))
    rows = max(1, -(-len(values) // columns))

    picture = Image.new("RGB", (gap + columns * cell, 2 * gap + rows * line), PAPER)
    draw = ImageDraw.Draw(picture)
    for place, (value, text, percent) in enumerate(zip(values, texts, percents, strict=True)):
        left, top = gap + place // rows * cell, gap + place % rows * line
        middle = top + line // 2
        picture.paste(_swatch(labels, value, swatch), (left, top + (line - swatch) // 2))
        draw.text((left + swatch + gap, middle), text, INK, font, anchor="lm")
        draw.text((left + cell - 2 * gap, middle), percent, PALE_INK, font, anchor="rm")
    return picture


def with_legend(picture, labels, present, text_size):
    """Returns a picture with the legend beside it, or below it where it is a wide band."""
    if not len(present):
        return picture
    return beside(picture, lambda **room: legend(labels, present, text_size=text_size, **room))


def beside(picture, key):
    """Returns a picture with a key beside it, or below it where the picture is a wide band.

    Args:
        picture: A `PIL.Image.Image`, RGB.
        key: A function of `height` or `width`, the room in pixels, that returns a
            `PIL.Image.Image`, or None for no key.
    """
    wide = picture.width > 2 * picture.height
    strip = key(**{"width": picture.width} if wide else {"height": picture.height})
    if strip is None:
        return picture
    corner = (0, picture.height) if wide else (picture.width, 0)
    size = (
        max(picture.width, corner[0] + strip.width),
        max(picture.height, corner[1] + strip.height),
    )
    sheet = Image.new("RGB", size, PAPER)
    sheet.paste(picture, (0, 0))
    sheet.paste(strip, corner)
    return sheet


@functools.lru_cache(maxsize=32)
def load_font(size):
    """Returns the font of the pictures at a height of `size` pixels."""
    path = Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"
    return ImageFont.truetype(path, size)


def shortened(name):
    """Returns a name, cut off where it is too long for a legend."""
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1].rstrip() + "…"


def _name(labels, value):
    if value == labels.ignore:
        return "void"
    if 0 <= value < labels.num_classes:
        return shortened(labels.names[value])
    raise ValueError(
        f"A value of the legend must be a class, 0..{labels.num_classes - 1}, or "
        f"{labels.ignore} for void, got {value}."
    )


def _percent(share):
    return "<1 %" if share < 0.01 else f"{round(100 * share)} %"


def widest(font, texts):
    """Returns the width of the widest text, in pixels."""
    return max((math.ceil(font.getlength(text)) for text in texts), default=0)


@functools.lru_cache(maxsize=1024)
def _swatch(labels, value, size):
    patch = Image.fromarray(paint(np.full((14, 14), value, np.int64), labels))
    patch = patch.resize((size, size), Image.Resampling.NEAREST)
    ImageDraw.Draw(patch).rectangle((0, 0, size - 1, size - 1), outline=FRAME)
    return patch
