"""Pictures of the objects that were found, missed and extra."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from fcn_keras.metrics.components import numbered_regions
from fcn_keras.metrics.instances import FOUND, pairs_of
from fcn_keras.visualize.legends import FRAME, INK, PAPER, load_font
from fcn_keras.visualize.overlay import boundaries, mixed, rgb, size_text
from fcn_keras.visualize.sheets import save_photograph

COLORS = {"found": (0, 158, 115), "missed": (213, 94, 0), "extra": (240, 228, 66)}
OUTLINE = (255, 255, 255)
TEXT = 13  # height in pixels


def save_instances(image, truth, prediction, path, *, alpha=0.5):
    """Draws which objects of an image were found, with their IoU, which were missed and are extra.

    A true object is found (green) where a predicted one has an IoU above 0.5 with it, else missed
    (red); a predicted object that matches none is extra (yellow). The outlines of the predicted
    objects are white.

    Args:
        image: An array (H, W), (H, W, 1) or (H, W, 3) of 0-255.
        truth: whole numbers (H, W): a mask, whose 4-connected components are the true objects, or
            the number of each pixel's object, 0 for none.
        prediction: The same of the predicted objects.
        path: The file to write; its suffix chooses the format.
        alpha: The weight of the colours, 0 to 1.

    Returns:
        The path.

    Raises:
        ValueError: for maps of another size than the image, or numbers that are negative or not
            whole.

    Example:

    ```python
    cells = np.zeros((60, 80), int)
    cells[10:30, 10:30], cells[10:30, 50:70] = 1, 2
    image = np.zeros((60, 80, 3), "uint8")
    fcn_keras.visualize.save_instances(image, cells, np.roll(cells, 3, axis=1), "cells.png")
    ```
    """
    image = rgb(image)
    for what, numbers in (("truth", truth), ("prediction", prediction)):
        if np.shape(numbers) != image.shape[:2]:
            raise ValueError(
                f"The objects of the {what} have shape {np.shape(numbers)}, the image is "
                f"{size_text(image)}: they must have the same height and width."
            )
    truth, prediction = numbered_regions(truth), numbered_regions(prediction)
    pairs = pairs_of(truth, prediction)
    found = pairs.iou > FOUND
    seen = np.isin(truth, pairs.true[found])
    painted = image.copy()
    painted[(prediction > 0) & ~np.isin(prediction, pairs.predicted[found])] = COLORS["extra"]
    painted[(truth > 0) & ~seen] = COLORS["missed"]
    painted[seen] = COLORS["found"]
    picture = mixed(image, painted, alpha)
    picture[boundaries(prediction)] = OUTLINE
    picture = Image.fromarray(picture)
    for number, iou in zip(pairs.true[found], pairs.iou[found], strict=True):
        _write(picture, np.argwhere(truth == number), f"{iou:.2f}")
    count = int(found.sum())
    missed = np.count_nonzero(pairs.true_areas) - count
    extra = np.count_nonzero(pairs.predicted_areas) - count
    counts = zip(COLORS, (count, missed, extra), strict=True)
    save_photograph(_with_key(picture, [f"{kind} {number}" for kind, number in counts]), path)
    return Path(path)


def _write(picture, pixels, text):
    """Writes a text in the middle of an object, white on dark, if the object is wide enough."""
    font = load_font(TEXT)
    (top, left), (bottom, right) = pixels.min(0), pixels.max(0)
    if right - left < font.getlength(text) or bottom - top < TEXT:
        return
    middle = (int(left + right) // 2, int(top + bottom) // 2)
    draw = ImageDraw.Draw(picture)
    draw.text(middle, text, PAPER, font, anchor="mm", stroke_width=2, stroke_fill=INK)


def _with_key(picture, texts):
    """The picture with a line below it: a swatch and a count of each kind, and what lines are."""
    font, gap = load_font(TEXT), TEXT // 2
    cells = [(colour, text) for colour, text in zip(COLORS.values(), texts, strict=True)]
    cells.append((None, "lines: prediction"))
    widths = [3 * gap + TEXT + font.getlength(text) for _, text in cells]
    width = max(picture.width, round(sum(widths)) + gap)
    sheet = Image.new("RGB", (width, picture.height + 2 * TEXT), PAPER)
    sheet.paste(picture, (0, 0))
    draw, left, middle = ImageDraw.Draw(sheet), gap, picture.height + TEXT
    for (colour, text), step in zip(cells, widths, strict=True):
        top = middle - TEXT // 2
        if colour:
            draw.rectangle((left, top, left + TEXT - 1, top + TEXT - 1), colour, FRAME)
        draw.text((left + (TEXT + gap if colour else 0), middle), text, INK, font, anchor="lm")
        left += step
    return sheet
