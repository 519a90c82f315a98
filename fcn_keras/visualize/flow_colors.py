"""Optical flow in colours: the hue is the direction, the saturation the length.

Source: Baker et al. (2011), "A Database and Evaluation Methodology for Optical Flow", and its
colour code, which flow-vis has too.
"""

import numpy as np
from PIL import Image, ImageDraw

from fcn_keras.visualize.legends import INK, PAPER, load_font, widest

SECTORS = (  # how many colours lie from one to the next: red, yellow, green, cyan, blue, magenta
    (15, 0, 1, True), (6, 1, 0, False), (4, 1, 2, True),
    (11, 2, 1, False), (13, 2, 0, True), (6, 0, 2, False),
)  # fmt: skip
BEYOND = 0.75  # brightness of what is longer than the largest length
SMALLEST = 1e-5  # pixels
UNKNOWN = (0, 0, 0)


def _wheel():
    """The 55 colours, float (55, 3) of 0 to 1: one channel is full, another grows or shrinks."""
    parts = []
    for count, full, changing, grows in SECTORS:
        part = np.zeros((count, 3))
        ramp = np.floor(255 * np.arange(count) / count)
        part[:, full] = 255
        part[:, changing] = ramp if grows else 255 - ramp
        parts.append(part)
    return np.concatenate(parts) / 255


WHEEL = _wheel()


def longest(flow):
    """Returns the largest length of a displacement that is known, in pixels; 0 where none is.

    Args:
        flow: Float (..., 2), NaN where it is not known.
    """
    lengths = np.linalg.norm(np.asarray(flow, "float64"), axis=-1)
    known = lengths[np.isfinite(lengths)]
    return float(known.max()) if known.size else 0.0


def flow_colors(flow, largest=None):
    """Returns optical flow in the colours of Middlebury's colour wheel.

    White does not move; red moves to the right, yellow down, cyan to the left, violet-blue
    up. The farther, the more saturated; what moves farther than `largest` is darker.

    Args:
        flow: Float (H, W, 2): pixels to the right and down; NaN is black.
        largest: The length with full saturation, in pixels: give one to compare several maps.
            None: that of the map.

    Returns:
        uint8 (H, W, 3), RGB.

    Raises:
        ValueError: for an array of another shape.

    Example:

    ```python
    flow = np.zeros((4, 6, 2), "float32")
    fcn_keras.visualize.flow_colors(flow)[0, 0]     # [255, 255, 255]
    ```
    """
    flow = np.asarray(flow, "float64")
    if flow.ndim != 3 or flow.shape[-1] != 2:
        raise ValueError(f"Optical flow is (H, W, 2), got shape {flow.shape}.")
    known = np.isfinite(flow).all(-1)
    largest = longest(flow) if largest is None else largest
    x, y = np.moveaxis(np.where(known[..., None], flow, 0) / (largest + SMALLEST), -1, 0)
    length = np.hypot(x, y)[..., None]
    place = (np.arctan2(-y, -x) / np.pi + 1) / 2 * (len(WHEEL) - 1)
    before = np.floor(place).astype(int)
    share = (place - before)[..., None]
    color = (1 - share) * WHEEL[before] + share * WHEEL[(before + 1) % len(WHEEL)]
    color = np.where(length <= 1, 1 - length * (1 - color), BEYOND * color)
    return np.where(known[..., None], np.floor(255 * color), UNKNOWN).astype("uint8")


def color_wheel(largest, title, *, text_size=14, lying=False, unknown=False):
    """Draws the key to the colours of flow: a disc in which each point shows its own direction.

    Args:
        largest: The length at the rim of the disc, in pixels.
        title: What is shown, such as "flow, px".
        text_size: Height of the text, in pixels.
        lying: Whether the text stands beside the disc; else the title is above, the rest below.
        unknown: Whether to list the black of pixels whose flow is not known.

    Returns:
        A `PIL.Image.Image`, RGB.
    """
    font, line, gap = load_font(text_size), round(1.5 * text_size), round(0.6 * text_size)
    texts, side = [title, f"rim: {largest:.3g}", *["unknown"] * unknown], 6 * text_size + 1
    wide = widest(font, texts) + line * unknown
    if lying:
        size, disc = (side + wide + 3 * gap, side + 2 * gap), (gap, gap)
        lefts, tops = [side + 2 * gap] * 3, [gap, gap + line, gap + 2 * line]
    else:
        size = 2 * gap + max(side, wide), 3 * gap + len(texts) * line + side
        disc, below = (gap, gap + line), 2 * gap + line + side
        lefts, tops = [gap] * 3, [gap, below, below + line]
    picture = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(picture)
    colors, mask = _disc(side)
    picture.paste(colors, disc, mask)
    for number, text in enumerate(texts):
        left, middle = lefts[number], tops[number] + line // 2
        if number == 2:
            draw.rectangle(
                (left, middle - line // 4, left + line // 2, middle + line // 4), UNKNOWN
            )
            left += line
        draw.text((left, middle), text, INK, font, anchor="lm")
    return picture


def _disc(side):
    """A disc in colours and its mask, two Pillow images."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    colors = flow_colors(np.stack([x, y], -1), (side - 1) / 2)
    inside = np.hypot(x, y) <= (side - 1) / 2
    return Image.fromarray(colors), Image.fromarray(np.where(inside, 255, 0).astype("uint8"))
