"""A picture of the uncertainty of a net beside its labels."""

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from fcn_keras.visualize.legends import with_legend
from fcn_keras.visualize.overlay import paint, rgb

INCHES, DPI = 2.9, 120
TEXT_SIZE = 15  # pixels
SCALES = 0.2  # height of the scale bars below the pictures, in widths of a picture
NUMBERS = {"entropy": "entropy, nats", "mutual_information": "mutual information, nats"}


def uncertainty(images, found, path):
    """Draws rows of image, labels, entropy and mutual information, with one scale for each column.

    Args:
        images: Arrays (H, W, 3) or (H, W), 0-255; sizes may differ.
        found: The result of `fcn_keras.inference.uncertainty` for each image.
        path: The file to write; its suffix chooses the format.

    Returns:
        The path.

    Raises:
        ValueError: for an empty list, a different number of results, or a result of another size.

    Example:

    ```python
    found = fcn_keras.inference.uncertainty(model, image, samples=4)
    fcn_keras.visualize.uncertainty([image], [found], "uncertainty.png")
    ```
    """
    if not len(images) or len(images) != len(found):
        raise ValueError(
            "The picture needs at least one image and one result for each, got "
            f"{len(images)} image(s) and {len(found)} result(s)."
        )
    images = [rgb(image) for image in images]
    for row, (image, one) in enumerate(zip(images, found, strict=True)):
        if image.shape[:2] != one.labels.shape:
            raise ValueError(
                f"Row {row}: the labels have shape {one.labels.shape} and the image {image.shape}."
            )
    heights = [image.shape[0] / image.shape[1] for image in images]
    figure, table, below = _grid(heights)
    for axes, image, one in zip(table, images, found, strict=True):
        axes[0].imshow(image)
        axes[1].imshow(paint(one.labels, one.classes), interpolation="nearest")
    for column, title in enumerate(("image", "labels", *NUMBERS.values())):
        table[0, column].set_title(title)
    for column, name in enumerate(NUMBERS, start=2):
        maps = [getattr(one, name) for one in found]
        _draw_numbers(figure, table[:, column], maps, below[column])
    present = np.unique(np.concatenate([np.unique(one.labels) for one in found]))
    with_legend(_picture(figure), found[0].classes, present, TEXT_SIZE).save(path)
    return Path(path)


def _grid(heights):
    """Returns a figure, its axes for rows of these heights (in widths), and the axes below."""
    columns = 2 + len(NUMBERS)
    ratios = [*heights, SCALES]
    size = (columns * INCHES, sum(ratios) * INCHES + 0.4)
    figure = Figure(figsize=size, dpi=DPI, layout="constrained")
    table = figure.subplots(len(ratios), columns, gridspec_kw={"height_ratios": ratios})
    for axes in table.flat:
        axes.set_axis_off()
    return figure, table[:-1], table[-1]


def _draw_numbers(figure, axes, maps, below):
    highest = max(float(values.max()) for values in maps)
    for each, values in zip(axes, maps, strict=True):
        shown = each.imshow(values, vmin=0, vmax=highest or 1, interpolation="nearest")
    scale = below.inset_axes((0.1, 1 - 0.05 / SCALES, 0.8, 0.04 / SCALES))
    figure.colorbar(shown, cax=scale, orientation="horizontal")


def _picture(figure):
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
