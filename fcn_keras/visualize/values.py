"""Maps of values in colours, and the scale bar that says what the colours mean."""

import matplotlib
import numpy as np
from matplotlib.ticker import MaxNLocator
from PIL import Image, ImageDraw

from fcn_keras.visualize.legends import FRAME, INK, PAPER, load_font, widest

COLORMAP = "viridis"
NO_VALUE = (176, 176, 176)  # a grey that viridis does not have
MOST_TICKS = 6


def limits_of(maps):
    """Returns (lowest, highest) finite value of several maps; (0, 1) where there is none.

    Args:
        maps: Float arrays of any shapes.
    """
    finite = [values[np.isfinite(values)] for values in map(np.asarray, maps)]
    finite = [values for values in finite if values.size]
    if not finite:
        return 0.0, 1.0
    lowest = float(min(values.min() for values in finite))
    highest = float(max(values.max() for values in finite))
    return lowest, highest if highest > lowest else lowest + 1.0


def colors_of(values, limits, colormap=COLORMAP):
    """Returns a map of values in colours.

    Args:
        values: Float (H, W); NaN is grey. Values beyond the limits have the colours of the limits.
        limits: (lowest, highest) value of the scale.
        colormap: Name of a Matplotlib colormap.

    Returns:
        uint8 (H, W, 3), RGB.
    """
    values = np.asarray(values, "float64")
    lowest, highest = limits
    shares = np.clip((values - lowest) / (highest - lowest), 0, 1)
    colors = matplotlib.colormaps[colormap](shares, bytes=True)[..., :3]
    return np.where(np.isnan(values)[..., None], np.array(NO_VALUE, np.uint8), colors)


def scale_bar(
    limits, title, *, colormap=COLORMAP, text_size=14, height=None, width=None, unknown=False
):
    """Draws a scale bar with numbers: upright, or lying where `width` is given.

    Args:
        limits: (lowest, highest) value of the scale.
        title: What is measured and its unit, such as "distance, px".
        colormap: Name of a Matplotlib colormap.
        text_size: Height of the text, in pixels.
        height: Room for an upright bar, in pixels.
        width: Room for a lying bar, in pixels.
        unknown: Whether to list the grey of pixels without a value.

    Returns:
        A `PIL.Image.Image`, RGB.
    """
    font, line, gap = load_font(text_size), round(1.5 * text_size), round(0.6 * text_size)
    thickness = round(1.1 * text_size)
    rows = 2 if unknown else 1  # the title, and the grey
    if width is not None:
        length = max(width - 4 * gap - 2 * text_size, 6 * text_size)
        size = (length + 4 * gap + 2 * text_size, 2 * gap + (1 + rows) * line + thickness)
        corner = (2 * gap + text_size, gap + line)
        bar = colors_of(np.linspace(*limits, length)[None].repeat(thickness, 0), limits, colormap)
    else:
        length = max((height or 0) - 2 * gap - rows * line - text_size, 6 * text_size)
        corner = (gap, gap + line + text_size // 2)
        numbers = [f"{tick:g}" for tick in _ticks(limits, length, line)]
        right = thickness + gap + widest(font, numbers)
        texts = widest(font, [title]), thickness + gap + widest(font, ["no value"] * unknown)
        size = (2 * gap + max(right, *texts), 2 * gap + rows * line + length + text_size)
        upright = np.linspace(*limits[::-1], length)[:, None].repeat(thickness, 1)
        bar = colors_of(upright, limits, colormap)
    picture = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(picture)
    draw.text((gap, gap + line // 2), title, INK, font, anchor="lm")
    _draw_bar(picture, draw, bar, corner)
    _draw_numbers(draw, font, limits, corner, bar.shape, width is not None, line)
    if unknown:
        top = size[1] - gap - line
        box = (gap, top + (line - thickness) // 2)
        draw.rectangle((*box, box[0] + thickness, box[1] + thickness), NO_VALUE, FRAME)
        draw.text((box[0] + thickness + gap, top + line // 2), "no value", INK, font, anchor="lm")
    return picture


def _draw_bar(picture, draw, bar, corner):
    picture.paste(Image.fromarray(bar), corner)
    far = corner[0] + bar.shape[1] - 1, corner[1] + bar.shape[0] - 1
    draw.rectangle((*corner, *far), outline=FRAME)


def _draw_numbers(draw, font, limits, corner, shape, lying, line):
    lowest, highest = limits
    height, width = shape[:2]
    length = width if lying else height
    for tick in _ticks(limits, length, line * (2 if lying else 1)):
        place = round((tick - lowest) / (highest - lowest) * (length - 1))
        if lying:
            at, anchor = (corner[0] + place, corner[1] + height + line // 2), "mm"
        else:
            at, anchor = (corner[0] + width + line // 3, corner[1] + length - 1 - place), "lm"
        draw.text(at, f"{tick:g}", INK, font, anchor=anchor)


def _ticks(limits, length, line):
    """Returns round numbers within the limits, as many as have room on so many pixels."""
    locator = MaxNLocator(int(np.clip(length // (2 * line), 1, MOST_TICKS)), steps=[1, 2, 5, 10])
    slack = 1e-9 * (limits[1] - limits[0])
    ticks = [float(tick) for tick in locator.tick_values(*limits)]
    return [tick for tick in ticks if limits[0] - slack <= tick <= limits[1] + slack]
