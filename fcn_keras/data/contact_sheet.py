"""A sheet of images beside their coloured masks: one look tells whether the labels are right."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

TILE = 200
CAPTION, GAP = 20, 8


def contact_sheet(dataset, path, *, count=12, columns=3):
    """Writes a sheet of examples: each image beside its mask in the classes' colours.

    Args:
        dataset: A `Dataset`. Examples that cannot be read are left out.
        path: The file to write; its suffix chooses the format.
        count: How many examples, spread evenly over the dataset.
        columns: How many stand side by side.

    Returns:
        The path.

    Raises:
        ValueError: if no example can be read.

    Example:

    ```python
    fcn_keras.data.contact_sheet(fcn_keras.data.load("digits", split="val"), "contact.png")
    ```
    """
    from fcn_keras.visualize.legends import with_legend

    cells, pixels = [], np.zeros(dataset.labels.ignore + 1, "int64")
    wanted = np.linspace(0, len(dataset) - 1, min(count, len(dataset))).round().astype(int)
    for index in wanted:
        try:
            image, label = dataset[int(index)]
        except (OSError, ValueError):
            continue
        cells.append(_cell(image, label, dataset.labels, dataset.names[index]))
        pixels += np.bincount(label.ravel(), minlength=len(pixels))
    if not cells:
        raise ValueError(f"None of the {len(wanted)} examples tried of {dataset.name} is readable.")
    present = {int(v): float(pixels[v] / pixels.sum()) for v in np.flatnonzero(pixels)}
    sheet = _grid(cells, min(columns, len(cells)))
    with_legend(sheet, dataset.labels, present, text_size=15).save(path)
    return Path(path)


def _cell(image, label, labels, name):
    """An image and its painted mask side by side, the name below."""
    from fcn_keras.visualize.legends import INK, PAPER, load_font
    from fcn_keras.visualize.overlay import paint

    scale = TILE / max(label.shape)
    size = tuple(max(1, round(n * scale)) for n in label.shape[::-1])
    photo = Image.fromarray(image).resize(size, Image.Resampling.BILINEAR)
    mask = Image.fromarray(label).resize(size, Image.Resampling.NEAREST)
    cell = Image.new("RGB", (2 * size[0], size[1] + CAPTION), PAPER)
    cell.paste(photo, (0, 0))
    cell.paste(Image.fromarray(paint(np.asarray(mask), labels)), (size[0], 0))
    draw, font = ImageDraw.Draw(cell), load_font(12)
    while font.getlength(name) > cell.width and len(name) > 1:
        name = name[:-2] + "…"
    draw.text((2, size[1] + CAPTION // 2), name, INK, font, anchor="lm")
    return cell


def _grid(cells, columns):
    from fcn_keras.visualize.legends import PAPER

    width = max(cell.width for cell in cells) + GAP
    rows = [cells[i : i + columns] for i in range(0, len(cells), columns)]
    heights = [max(cell.height for cell in row) for row in rows]
    sheet = Image.new("RGB", (columns * width + GAP, sum(heights) + 2 * GAP), PAPER)
    top = GAP
    for row, height in zip(rows, heights, strict=True):
        for column, cell in enumerate(row):
            sheet.paste(cell, (GAP + column * width, top))
        top += height
    return sheet
