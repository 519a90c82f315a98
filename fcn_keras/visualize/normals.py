"""Surface normals in colours, and the ball that says what the colours mean."""

import numpy as np
from PIL import Image, ImageDraw

from fcn_keras.visualize.legends import INK, PAPER, load_font
from fcn_keras.visualize.values import NO_VALUE


def colors_of_normals(normals):
    """Returns normals in colours: red to the right, green upwards, blue towards the camera.

    Args:
        normals: Float (H, W, 3), unit vectors; NaN is grey.

    Returns:
        uint8 (H, W, 3), RGB: -1 to 1 become 0 to 255.

    Raises:
        ValueError: for a map of another shape.
    """
    normals = np.asarray(normals, "float64")
    if normals.ndim != 3 or normals.shape[-1] != 3:
        raise ValueError(f"A map of normals has shape (H, W, 3), got {normals.shape}.")
    unknown = np.isnan(normals).any(-1, keepdims=True)
    colors = np.rint(127.5 * (np.clip(np.where(unknown, 0, normals), -1, 1) + 1))
    return np.where(unknown, NO_VALUE, colors).astype("uint8")


def normals_ball(text_size):
    """Returns a ball in the colours of its normals, a `PIL.Image.Image` with a title.

    Args:
        text_size: Height of the text, in pixels.
    """
    radius, gap, line = 3 * text_size, round(0.6 * text_size), round(1.5 * text_size)
    y, x = np.mgrid[radius : -radius - 1 : -1, -radius : radius + 1] / radius
    height = 1 - x**2 - y**2
    normals = np.stack([x, y, np.sqrt(np.maximum(height, 0))], -1)
    ball = np.where((height > 0)[..., None], colors_of_normals(normals), PAPER).astype("uint8")
    font, title = load_font(text_size), "normals"
    width = max(len(ball), round(font.getlength(title))) + 2 * gap
    picture = Image.new("RGB", (width, 2 * gap + line + len(ball)), PAPER)
    ImageDraw.Draw(picture).text((gap, gap + line // 2), title, INK, font, anchor="lm")
    picture.paste(Image.fromarray(ball), (gap, gap + line))
    return picture
