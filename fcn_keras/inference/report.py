"""What an evaluation found: the scores, and how they are printed and kept."""

import dataclasses
import json
from pathlib import Path

import numpy as np

from fcn_keras.labels import LabelSet
from fcn_keras.metrics import BoundaryF1, Scores

METRICS = (
    ("pixel accuracy", "pixel_accuracy"),
    ("mean accuracy", "mean_accuracy"),
    ("mean IoU", "mean_iou"),
    ("frequency weighted IoU", "frequency_weighted_iou"),
)
ONE_CLASS = 0.99


@dataclasses.dataclass(frozen=True)
class Report:
    """The scores of a segmenter on a dataset.

    Attributes:
        scores: A `fcn_keras.metrics.Scores`, the confusion matrix included.
        labels: The `LabelSet` its classes are named by.
        num_images: How many images were segmented.
        seconds: How long it took, reading included.
        boundary: A `fcn_keras.metrics.BoundaryF1`, or None where it was not asked for.

    Example:

    ```python
    report = fcn_keras.evaluate(model, fcn_keras.data.load("digits", split="test"))
    print(report.table())
    report.scores.mean_iou
    ```
    """

    scores: Scores
    labels: LabelSet
    num_images: int
    seconds: float
    boundary: BoundaryF1 | None = None

    def table(self):
        """The four metrics and a line for each class, as text for a terminal."""
        scores, averaged = self.scores, self.scores.num_averaged
        lines = [
            f"{self.num_images} image{'s' * (self.num_images != 1)}, {scores.num_pixels:,} pixels "
            f"counted (void left out), {self.seconds:.1f} s",
            "",
        ]
        for title, name in METRICS:
            value = getattr(scores, name)
            note = f"   over {averaged} of {self.labels.num_classes} classes"
            lines.append(f"{title:24}{_figure(value)}{note if name == 'mean_iou' else ''}")
        if self.boundary:
            value, images = self.boundary.result(), self.boundary.num_images
            lines.append(f"{'boundary F1':24}{_figure(value)}   over {images} images")
        width = max(len(name) for name in (*self.labels.names, "class"))
        further = "  boundary" if self.boundary else ""
        lines += ["", f"{'class':{width}}     IoU  accuracy    truth  predicted{further}"]
        for row in self._classes():
            lines.append(
                f"{row['name']:{width}}  {_figure(row['iou'])}  {_figure(row['accuracy']):>8}  "
                f"{_share(row['truth_share'])}   {_share(row['predicted_share'])}"
                + (f"  {_figure(row['boundary_f1']):>8}" if self.boundary else "")
            )
        if self.warning:
            lines += ["", f"Warning: {self.warning}"]
        return "\n".join(lines)

    @property
    def warning(self):
        """A sentence if one class takes more than 99% of the predictions, else None."""
        shares = self.scores.predicted_share
        if not self.scores.num_pixels or shares.max() <= ONE_CLASS:
            return None
        winner = int(shares.argmax())
        return (
            f"{100 * shares[winner]:.1f} % of the predictions are {self.labels.names[winner]!r}, "
            f"which is {100 * self.scores.truth_share[winner]:.1f} % of the truth."
        )

    def to_dict(self):
        """The report in JSON types: scores, one entry a class, counts; NaN becomes None."""
        return {
            **{name: _json(getattr(self.scores, name)) for _, name in METRICS},
            **({"boundary_f1": _json(self.boundary.result())} if self.boundary else {}),
            "num_classes_averaged": self.scores.num_averaged,
            "num_images": self.num_images,
            "num_pixels": self.scores.num_pixels,
            "seconds": round(self.seconds, 3),
            "warning": self.warning,
            "classes": [
                {key: value if key == "name" else _json(value) for key, value in row.items()}
                for row in self._classes()
            ],
            "confusion": self.scores.confusion.tolist(),
            "labels": self.labels.to_config(),
        }

    def save_json(self, path):
        """Writes `to_dict()` and returns the path."""
        path = Path(path)
        path.write_text(json.dumps(self.to_dict(), indent=1, ensure_ascii=False) + "\n", "utf-8")
        return path

    def _classes(self):
        scores = self.scores
        columns = {
            "name": self.labels.names,
            "iou": scores.iou,
            "accuracy": scores.accuracy,
            "truth_share": scores.truth_share,
            "predicted_share": scores.predicted_share,
        }
        if self.boundary:
            columns["boundary_f1"] = self.boundary.per_class()
        for values in zip(*columns.values(), strict=True):
            yield dict(zip(columns, values, strict=True))


def _figure(value):
    return "absent" if np.isnan(value) else f"{value:.4f}"


def _share(value):
    return f"{'-' if np.isnan(value) else f'{100 * value:.2f} %':>8}"


def _json(value):
    return None if np.isnan(value) else float(value)
