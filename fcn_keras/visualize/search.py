"""A picture of a search: the score of each candidate of each option."""

from pathlib import Path

from matplotlib.figure import Figure

from fcn_keras.visualize.charts import TRAINING, VALIDATION

INCHES, DPI = 2.6, 120


def candidates(panels, chosen, plain, measure, path):
    """Draws a panel for each option: the score of its candidates, with the other options as chosen.

    Args:
        panels: {option: {value: score}}.
        chosen: {option: value}, drawn with a larger marker.
        plain: The score without the searched step, drawn as a dashed line.
        measure: The name of the score.
        path: The file to write; its suffix chooses the format.

    Returns:
        The path.

    Raises:
        ValueError: for an empty dict of panels.

    Example:

    ```python
    panels = {"bilateral_weight": {1: 0.60, 4: 0.62, 10: 0.61}}
    from fcn_keras.visualize.search import candidates

    candidates(panels, {"bilateral_weight": 4}, 0.6, "mean IoU", "search.png")
    ```
    """
    if not panels:
        raise ValueError("There is no option with several candidates to draw.")
    figure = Figure(figsize=(INCHES * len(panels) + 0.6, INCHES + 0.5), layout="constrained")
    row = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, (name, scores) in zip(row, panels.items(), strict=True):
        axes.axhline(plain, color=VALIDATION, linestyle="--", label="without")
        axes.plot(list(scores), list(scores.values()), color=TRAINING, marker="o", ms=4)
        axes.plot(chosen[name], scores[chosen[name]], color=TRAINING, marker="o", ms=9)
        axes.set(xlabel=name.replace("_", " "))
        axes.grid(alpha=0.3)
    row[0].set_ylabel(measure)
    row[0].legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=DPI)
    return Path(path)
