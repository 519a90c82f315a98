"""Pictures of maps of numbers, such as entropies, and of probabilities."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

INCHES, DPI = 6.4, 120


def save_heat_map(values, path, *, title=None, limits=None):
    """Draws a map of numbers in colours, with a scale bar beside it.

    Args:
        values: Numbers (H, W); those that are not finite are white.
        path: The file to write; its suffix chooses the format.
        title: A heading, or None.
        limits: (lowest, highest) value of the scale bar, or None for those of the map.

    Returns:
        The path.

    Raises:
        ValueError: for an array that is not (H, W), or has no finite number.

    Example:

    ```python
    fcn_keras.visualize.save_heat_map(np.eye(9), "heat.png", title="entropy", limits=(0, 1))
    ```
    """
    values = np.asarray(values, "float64")
    if values.ndim != 2 or not np.isfinite(values).any():
        raise ValueError(
            f"A heat map needs numbers (H, W) of which some are finite, got shape {values.shape}."
        )
    lowest, highest = (np.nanmin(values), np.nanmax(values)) if limits is None else limits
    height, width = values.shape
    figure = Figure(figsize=(INCHES, INCHES * height / width * 0.86 + 0.4), layout="constrained")
    axes = figure.subplots()
    shown = axes.imshow(
        np.ma.masked_invalid(values), vmin=lowest, vmax=highest, interpolation="nearest"
    )
    axes.set_axis_off()
    if title:
        axes.set_title(title)
    figure.colorbar(shown, ax=axes, fraction=0.046, pad=0.02)
    figure.savefig(path, dpi=DPI)
    return Path(path)


def save_confidence(confidence, path):
    """Writes probabilities as a grey PNG: a probability of 1 becomes 255.

    Args:
        confidence: Probabilities (H, W), 0 to 1.
        path: The file to write.

    Returns:
        The path.

    Raises:
        ValueError: for an array that is not (H, W), or values outside 0 to 1.

    Example:

    ```python
    from fcn_keras.visualize.heat import save_confidence

    path = save_confidence(np.full((4, 6), 0.5), "confidence.png")
    np.array(PIL.Image.open(path)) / 255    # the probabilities again, to 0.002
    ```
    """
    confidence = np.asarray(confidence, "float64")
    slack = 1e-4
    if confidence.ndim != 2 or not (
        (confidence >= -slack).all() and (confidence <= 1 + slack).all()
    ):
        raise ValueError(
            f"A confidence map needs probabilities (H, W), 0 to 1, got shape {confidence.shape}, "
            f"{confidence.min():g} to {confidence.max():g}."
        )
    Image.fromarray(np.rint(255 * confidence.clip(0, 1)).astype("uint8")).save(path)
    return Path(path)
