"""A sheet of images beside their coloured targets: one look shows whether the labels are right."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from fcn_keras.visualize.legends import INK, PAPER, load_font
from fcn_keras.visualize.overlay import rgb
from fcn_keras.visualize.painters import for_task

TILE = 200
CAPTION, GAP = 20, 8


def contact_sheet(dataset, path, *, count=12, columns=3):
    """Writes a sheet of examples: each image beside its target in colours.

    Args:
        dataset: A `fcn_keras.data.Dataset`. Examples that cannot be read are left out.
        path: The file to write; its suffix chooses the format.
        count: Number of examples, spread evenly over the dataset.
        columns: Number of examples side by side.

    Returns:
        The path.

    Raises:
        ValueError: if no example can be read.

    Example:

    ```python
    data = fcn_keras.data.load("digits", split="val")
    fcn_keras.visualize.contact_sheet(data, "contact.png")
    ```
    """
    names, pairs = [], []
    wanted = np.linspace(0, len(dataset) - 1, min(count, len(dataset))).round().astype(int)
    for index in wanted:
        try:
            pairs.append(dataset[int(index)])
        except (OSError, ValueError):
            continue
        names.append(dataset.names[index])
    if not pairs:
        raise ValueError(f"None of the {len(wanted)} examples tried of {dataset.name} is readable.")
    painter = for_task(dataset.task)
    shown = painter.shown([target for _, target in pairs], shares=True)
    cells = [
        _cell(image, target, name, painter, shown)
        for name, (image, target) in zip(names, pairs, strict=True)
    ]
    sheet = _grid(cells, min(columns, len(cells)))
    painter.with_key(sheet, shown, text_size=15).save(path)
    return Path(path)


def _cell(image, target, name, painter, shown):
    """An image and its coloured target side by side, the name below."""
    scale = TILE / max(target.shape[:2])
    size = tuple(max(1, round(n * scale)) for n in target.shape[1::-1])
    photo = Image.fromarray(rgb(image)).resize(size, Image.Resampling.BILINEAR)
    colors = painter.paint(_resized(target, size), shown)
    cell = Image.new("RGB", (2 * size[0], size[1] + CAPTION), PAPER)
    cell.paste(photo, (0, 0))
    cell.paste(Image.fromarray(colors), (size[0], 0))
    draw, font = ImageDraw.Draw(cell), load_font(12)
    while font.getlength(name) > cell.width and len(name) > 1:
        name = name[:-2] + "…"
    draw.text((2, size[1] + CAPTION // 2), name, INK, font, anchor="lm")
    return cell


def _resized(target, size):
    """A target resized by nearest neighbour to (width, height)."""
    if target.ndim == 3:
        channels = np.moveaxis(target, -1, 0)
        return np.stack([_resized(channel, size) for channel in channels], axis=-1)
    return np.asarray(Image.fromarray(target).resize(size, Image.Resampling.NEAREST))


def _grid(cells, columns):
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
