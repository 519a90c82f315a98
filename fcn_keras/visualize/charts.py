"""Charts: learning curves over the epochs, and the confusion matrix of an evaluation.

Each has a Figure of its own, so that the state of pyplot does not change.
"""

import csv
import os
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from fcn_keras.text_files import read_text
from fcn_keras.visualize.legends import shortened

# Column, title, and whether the best epoch has the highest or the lowest value.
PANELS = (
    ("loss", "loss", None),
    ("mean_iou", "mean IoU", np.nanargmax),
    ("mean_absolute_error", "mean absolute error", np.nanargmin),
)
FEW = 25  # below so many points, each has a marker
TRAINING, VALIDATION, ABSENT = "#3465a4", "#d9660d", "#dddddd"


def curves(history, path):
    """Draws the loss and the task's main metric over the epochs, training and validation.

    Args:
        history: A history.csv, rows as dicts, a dict of lists, or what `model.fit` returned. The
            columns read are "epoch", and "loss", "mean_iou" and "mean_absolute_error", each also
            with "val_" before it; a missing one is left out.
        path: The file to write; its suffix chooses the format.

    Returns:
        The path.

    Raises:
        ValueError: if there is no epoch, or none of the columns.

    Example:

    ```python
    fcn_keras.visualize.curves("runs/x/history.csv", "curves.png")
    ```
    """
    columns = _columns(history)
    panels = [panel for panel in PANELS if not {panel[0], f"val_{panel[0]}"}.isdisjoint(columns)]
    if not panels:
        raise ValueError(
            f"The history has none of {', '.join(key for key, *_ in PANELS)} to draw; its "
            f"columns: {sorted(columns)}."
        )
    length = max(len(values) for values in columns.values())
    if not length:
        raise ValueError("The history has no epoch yet.")
    epochs = columns.get("epoch", np.arange(1, length + 1))
    figure = Figure(figsize=(5.2 * len(panels), 3.8), layout="constrained")
    row = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, (key, title, best) in zip(row, panels, strict=True):
        for column, name, color in (
            (key, "training", TRAINING),
            (f"val_{key}", "validation", VALIDATION),
        ):
            if column in columns:
                measured = np.isfinite(columns[column])
                places, values = np.asarray(epochs)[measured], columns[column][measured]
                marker = "o" if len(values) < FEW else ""
                axes.plot(places, values, color=color, label=name, marker=marker, ms=3)
        if best is not None:
            _mark_best(axes, epochs, columns, key, best)
        if key == "mean_iou":
            axes.set_ylim(0, 1)
        else:
            axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))
        axes.set(title=title, xlabel="epoch")
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, loc="lower right" if key == "mean_iou" else "upper right")
        axes.xaxis.get_major_locator().set_params(integer=True)
    figure.savefig(path, dpi=120)
    return Path(path)


def confusion_matrix(scores, labels, path):
    """Draws a confusion matrix with each row, a true class, in per cent of its pixels.

    Classes absent from the truth have an empty, grey row, and absent classes a grey name.

    Args:
        scores: The `Scores` of `fcn_keras.metrics.scores`, or counts (C, C) with the truth
            in rows.
        labels: A `fcn_keras.LabelSet` of C classes.
        path: The file to write; its suffix chooses the format.

    Returns:
        The path.

    Raises:
        ValueError: if the matrix is not (C, C) for the C classes of `labels`.

    Example:

    ```python
    report = fcn_keras.evaluate(model, dataset)
    fcn_keras.visualize.confusion_matrix(report.scores, report.labels, "confusion.png")
    ```
    """
    counts = np.asarray(getattr(scores, "confusion", scores))
    size = labels.num_classes
    if counts.shape != (size, size):
        raise ValueError(
            f"The confusion matrix has shape {counts.shape}; {size} classes need {(size, size)}."
        )
    true = counts.sum(axis=1)
    shares = counts / np.maximum(true, 1)[:, None]
    inches = 2.6 + size * (0.5 if size <= 24 else 0.36)
    figure = Figure(figsize=(inches, inches))
    axes = figure.subplots()
    shown = np.ma.masked_array(shares, np.repeat((true == 0)[:, None], size, axis=1))
    axes.set_facecolor(ABSENT)
    axes.imshow(shown, cmap="Blues", vmin=0, vmax=1)
    _write_shares(axes, shares, true, font=8 if size <= 24 else 6)
    _name_axes(axes, labels, true, counts.sum(axis=0), font=9 if size <= 24 else 7)
    figure.savefig(path, dpi=120, bbox_inches="tight", pad_inches=0.15)
    return Path(path)


def _columns(history):
    """Returns any form of history as {column: floats}; what is no number becomes NaN."""
    if isinstance(history, (str, os.PathLike)):
        history = list(csv.DictReader(read_text(history).splitlines()))
    elif hasattr(history, "history"):
        history = history.history
    if not isinstance(history, dict):
        rows = list(history)
        names = dict.fromkeys(name for row in rows for name in row)
        history = {name: [row.get(name) for row in rows] for name in names}
    return {name: np.array([_number(v) for v in column]) for name, column in history.items()}


def _number(value):
    try:
        return float(value)
    except (TypeError, ValueError):
        return np.nan


def _mark_best(axes, epochs, columns, key, place_of_best):
    values = columns.get(f"val_{key}", columns.get(key))
    if np.isnan(values).all():
        return
    best = int(place_of_best(values))
    color = VALIDATION if f"val_{key}" in columns else TRAINING
    axes.plot(epochs[best], values[best], "o", mfc="none", ms=9, color=color)
    axes.annotate(
        f"best {values[best]:.3f}",
        (epochs[best], values[best]),
        textcoords="offset points",
        xytext=(0, 9),
        ha="right" if best > len(values) / 2 else "left",
        color=color,
    )


def _write_shares(axes, shares, true, font):
    """Writes the per cent into every cell of at least half a per cent."""
    for row, column in np.argwhere((shares >= 0.005) & (true > 0)[:, None]):
        share = shares[row, column]
        axes.text(
            column,
            row,
            f"{100 * share:.0f}",
            ha="center",
            va="center",
            fontsize=font,
            color="white" if share > 0.6 else "#333333",
        )


def _name_axes(axes, labels, true, predicted, font):
    names = [shortened(name) for name in labels.names]
    positions = range(len(names))
    axes.set_xticks(positions, names, rotation=90 if len(names) > 12 else 45, fontsize=font)
    axes.set_yticks(positions, names, fontsize=font)
    if len(names) <= 12:
        for tick in axes.get_xticklabels():
            tick.set(ha="right", rotation_mode="anchor")
    for ticks, totals in ((axes.get_xticklabels(), predicted), (axes.get_yticklabels(), true)):
        for tick, total in zip(ticks, totals, strict=True):
            tick.set_color("#222222" if total else "#aaaaaa")
    axes.set(xlabel="predicted", ylabel="true", title="per cent of each true class")
    axes.set_xticks(np.arange(len(names) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(names) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1)
    axes.tick_params(which="both", length=0)
