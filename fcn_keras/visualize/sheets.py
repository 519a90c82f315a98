"""Files of pictures: label maps, an overlay with its legend, rows of comparisons.

Small images are enlarged by a whole factor, so that the legend beside them is legible.
"""

import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from fcn_keras.labels import VOID_COLOR
from fcn_keras.visualize.legends import INK, PALE_INK, PAPER, load_font
from fcn_keras.visualize.overlay import checked_map, rgb
from fcn_keras.visualize.painters import for_task

SMALLEST_SIDE = 240
TILE = 400


def save_label_map(label_map, labels, path):
    """Writes a label map as PNG whose pixels are the labels, with a palette of their colours.

    Args:
        label_map: Integers (H, W), each a class of `labels` or its ignored value.
        labels: A `fcn_keras.LabelSet`. Above 256 values the PNG is 16-bit grey without palette.
        path: The file to write.

    Returns:
        The path.

    Example:

    ```python
    labels = fcn_keras.LabelSet(("road", "sky"))
    path = fcn_keras.visualize.save_label_map(np.eye(9, dtype="uint8"), labels, "labels.png")
    np.array(PIL.Image.open(path))   # the labels again
    ```
    """
    label_map, path = checked_map(label_map), Path(path)
    labels.colorize(label_map)  # raises for a value that is no class
    if labels.dtype != np.uint8:
        Image.fromarray(label_map.astype(np.uint16)).save(path)
        return path
    picture = Image.fromarray(label_map.astype(np.uint8)).convert("P")
    palette = np.zeros((256, 3), np.uint8)
    palette[: labels.num_classes] = labels.palette
    palette[labels.ignore] = VOID_COLOR
    picture.putpalette(palette.tobytes())
    picture.save(path)
    return path


def save_overlay(image, values, task, path, alpha=0.5):
    """Writes an image with a map laid over it, and the legend or the scale bar beside it.

    Args:
        image: (H, W, 3) or (H, W), 0-255.
        values: A target or a decoded prediction of the task: for classes integers (H, W), each a
            class or void.
        task: A `fcn_keras.LabelSet`, or a `fcn_keras.tasks.Task`.
        path: The file to write; its suffix chooses the format.
        alpha: The weight of the colours, 0 to 1.

    Returns:
        The path.

    Raises:
        ValueError: for different sizes, an alpha outside 0 to 1, or values that the task does not
            allow.

    Example:

    ```python
    fcn_keras.visualize.save_overlay(image, fcn_keras.segment(model, image), labels, "overlay.png")
    ```
    """
    image, values, painter = rgb(image), np.asarray(values), for_task(task)
    shown = painter.shown([values], shares=True)
    factor = -(-SMALLEST_SIDE // max(image.shape[:2]))
    laid = painter.overlay(_enlarged(image, factor), _enlarged(values, factor), alpha, shown)
    picture = Image.fromarray(laid)
    save_photograph(painter.with_key(picture, shown, _text_size(picture)), path)
    return Path(path)


def save_photograph(picture, path):
    """Writes a picture that holds a photograph; its suffix chooses the format.

    Run lengths compress the noise of a photograph about as well as zlib's search for repetitions,
    in a fifth of the time: a PNG becomes a seventh larger.

    Args:
        picture: A `PIL.Image.Image`.
        path: The file to write.
    """
    fast = {"compress_type": zlib.Z_RLE} if Path(path).suffix.lower() == ".png" else {}
    picture.save(path, **fast)


def comparison(images, truths, predictions, task, path, *, names=None):
    """Writes rows of image, truth and prediction, with one legend or scale bar for all.

    Args:
        images: Arrays (H, W, 3) or (H, W), 0-255; sizes may differ.
        truths: Targets of the task, such as label maps (H, W), or None for a sheet without that
            column.
        predictions: Decoded predictions of the task, such as label maps (H, W).
        task: A `fcn_keras.LabelSet`, or a `fcn_keras.tasks.Task`.
        path: The file to write.
        names: A caption for each row, or None.

    Returns:
        The path.

    Raises:
        ValueError: for lists of different lengths, empty lists, or a map of another size than its
            image.

    Example:

    ```python
    image, truth = dataset[0]
    fcn_keras.visualize.comparison([image], [truth], [fcn_keras.segment(model, image)],
                                   dataset.labels, "comparison.png")
    ```
    """
    maps = {"truth": truths, "prediction": predictions}
    maps = {title: column for title, column in maps.items() if column is not None}
    _check_columns({"image": images, **maps, **({"name": names} if names is not None else {})})
    painter = for_task(task)
    shown = painter.shown([values for column in maps.values() for values in column])
    rows = []
    for row, image in enumerate(images):
        image = rgb(image)
        for title, column in maps.items():
            if np.shape(column[row])[:2] != image.shape[:2]:
                raise ValueError(
                    f"Row {row}: the {title} has shape {np.shape(column[row])}, "
                    f"and its image {image.shape}: they must have the same height and width."
                )
        tiles = [_tile(image, smooth=True)]
        tiles += [_tile(painter.paint(column[row], shown)) for column in maps.values()]
        rows.append((tiles, names[row] if names is not None else None))
    sheet = _stacked(rows, ["image", *maps])
    painter.with_key(sheet, shown, text_size=15).save(path)
    return Path(path)


def _check_columns(columns):
    lengths = {title: len(column) for title, column in columns.items()}
    if len(set(lengths.values())) > 1 or not lengths["image"]:
        counts = ", ".join(f"{count} {title}(s)" for title, count in lengths.items())
        raise ValueError(
            f"A comparison needs at least one row, and one of each in every row, got {counts}."
        )


def _stacked(rows, titles, gap=8):
    """Returns a sheet of tiles, with a title above each column and a caption above each row."""
    title_font, caption_font = load_font(16), load_font(12)
    width = max(tile.width for tiles, _ in rows for tile in tiles)
    heights = [tiles[0].height + (20 if caption else 0) for tiles, caption in rows]
    sheet = Image.new(
        "RGB",
        (gap + len(titles) * (width + gap), 32 + sum(heights) + gap * len(rows)),
        PAPER,
    )
    draw = ImageDraw.Draw(sheet)
    for column, title in enumerate(titles):
        left = gap + column * (width + gap)
        draw.text((left + width // 2, 17), title, INK, title_font, anchor="mm")
    top = 32
    for (tiles, caption), height in zip(rows, heights, strict=True):
        if caption:
            draw.text((gap, top + 9), str(caption), PALE_INK, caption_font, anchor="lm")
        for column, tile in enumerate(tiles):
            left = gap + column * (width + gap) + (width - tile.width) // 2
            sheet.paste(tile, (left, top + height - tile.height))
        top += height + gap
    return sheet


def _tile(pixels, smooth=False):
    """Returns an image scaled to the size of a tile; only photographs are smoothed, if shrunk."""
    scale = TILE / max(pixels.shape[:2])
    size = tuple(max(1, round(n * scale)) for n in reversed(pixels.shape[:2]))
    blend = smooth and scale < 1
    method = Image.Resampling.LANCZOS if blend else Image.Resampling.NEAREST
    return Image.fromarray(pixels).resize(size, method)


def _enlarged(array, factor):
    return array if factor == 1 else array.repeat(factor, axis=0).repeat(factor, axis=1)


def _text_size(picture):
    return int(np.clip(max(picture.size) / 38, 13, 56))
