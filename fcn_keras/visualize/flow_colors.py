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


def color_wheel(largest, title, *, text_size=14, unknown=False):
    """Draws the key to the colours of flow: a disc in which each point shows its own direction.

    Args:
        largest: The length at the rim of the disc, in pixels.
        title: What is shown, such as "flow, px".
        text_size: Height of the text, in pixels.
        unknown: Whether to list the black of pixels whose flow is not known.

    Returns:
        A `PIL.Image.Image`, RGB.
    """
    font, line, gap = load_font(text_size), round(1.5 * text_size), round(0.6 * text_size)
    radius = 3 * text_size
    texts = [title, f"rim: {largest:.3g}", *["unknown"] * unknown]
    width = 2 * gap + max(2 * radius + 1, widest(font, texts) + line * unknown)
    picture = Image.new("RGB", (width, 2 * gap + len(texts) * line + 2 * radius + 1 + gap), PAPER)
    draw = ImageDraw.Draw(picture)
    draw.text((gap, gap + line // 2), texts[0], INK, font, anchor="lm")
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    disc = Image.fromarray(flow_colors(np.stack([x, y], -1), radius))
    mask = Image.fromarray(np.where(x**2 + y**2 <= radius**2, 255, 0).astype("uint8"))
    picture.paste(disc, (gap, gap + line), mask)
    top = 2 * gap + line + 2 * radius + 1
    draw.text((gap, top + line // 2), texts[1], INK, font, anchor="lm")
    if unknown:
        top += line
        draw.rectangle((gap, top + line // 4, gap + line // 2, top + 3 * line // 4), UNKNOWN)
        draw.text((gap + line, top + line // 2), texts[2], INK, font, anchor="lm")
    return picture
