"""The report of an evaluation of classes: four metrics, and one line for each class."""

import numpy as np

from fcn_keras.labels import LabelSet
from fcn_keras.metrics.boundary import BoundaryF1
from fcn_keras.metrics.confusion import confusion_matrix, scores
from fcn_keras.metrics.report import Report, json_float

METRICS = (
    ("pixel accuracy", "pixel_accuracy"),
    ("mean accuracy", "mean_accuracy"),
    ("mean IoU", "mean_iou"),
    ("frequency weighted IoU", "frequency_weighted_iou"),
)
ONE_CLASS = 0.99  # share of the predictions above which a class is warned of


class ClassReport(Report):
    """The scores of a segmenter on a dataset; `fcn_keras.evaluate` returns one for classes.

    Args:
        task: A `fcn_keras.tasks.Classes`.
        boundary: Whether the boundary F1 measure is computed too.

    Attributes:
        scores: The `Scores` of `fcn_keras.metrics.scores`, the confusion matrix included.
        labels: The `LabelSet` that names the classes.
        boundary: A `fcn_keras.metrics.BoundaryF1`, or None where it was not asked for.
        num_images: How many images were compared.
        seconds: How long the evaluation took, reading included.

    Example:

    ```python
    report = fcn_keras.evaluate(model, fcn_keras.data.load("digits", split="test"))
    print(report.table())
    report.scores.mean_iou
    ```
    """

    def __init__(self, task, *, boundary=False):
        super().__init__()
        self.ignore_class = task.invalid
        self.labels = task.labels or LabelSet.numbered(task.num_classes)
        self.boundary = None
        if boundary:
            self.boundary = BoundaryF1(task.num_classes, ignore_class=self.ignore_class)
        self._confusion = np.zeros((task.num_classes, task.num_classes), np.int64)

    def add(self, truth, prediction):
        """Adds the pixels of a label map (H, W) and of its prediction."""
        classes = self.labels.num_classes
        counts = confusion_matrix(truth, prediction, classes, self.ignore_class)
        if self.boundary:
            self.boundary.update_state(truth, prediction)
        self._confusion += counts

    @property
    def scores(self):
        """The `Scores` of `fcn_keras.metrics.scores` of the images so far."""
        return scores(self._confusion)

    def scores_so_far(self):
        """Returns {"mean_iou": float}."""
        return {"mean_iou": self.scores.mean_iou}

    @property
    def num_pixels(self):
        """Number of pixels that were compared; void is not among them."""
        return int(self._confusion.sum())

    @property
    def warning(self):
        """A sentence if one class takes more than 99% of the predictions, else None."""
        found = self.scores
        if not found.num_pixels or found.predicted_share.max() <= ONE_CLASS:
            return None
        winner = int(found.predicted_share.argmax())
        return (
            f"{100 * found.predicted_share[winner]:.1f} % of the predictions are "
            f"{self.labels.names[winner]!r}, which is {100 * found.truth_share[winner]:.1f} % of "
            "the truth."
        )

    def lines(self):
        """Returns a line for each metric, and one for each class."""
        found, lines = self.scores, []
        for title, name in METRICS:
            value = getattr(found, name)
            note = f"   over {found.num_averaged} of {self.labels.num_classes} classes"
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
        return lines

    def to_dict(self):
        """Returns the report in JSON types: scores, classes, counts; NaN becomes None."""
        found = self.scores
        return {
            **{name: json_float(getattr(found, name)) for _, name in METRICS},
            **({"boundary_f1": json_float(self.boundary.result())} if self.boundary else {}),
            "num_classes_averaged": found.num_averaged,
            "num_images": self.num_images,
            "num_pixels": self.num_pixels,
            "seconds": round(self.seconds, 3),
            "warning": self.warning,
            "classes": [
                {key: value if key == "name" else json_float(value) for key, value in row.items()}
                for row in self._classes()
            ],
            "confusion": found.confusion.tolist(),
            "labels": self.labels.to_config(),
        }

    def _classes(self):
        found = self.scores
        columns = {
            "name": self.labels.names,
            "iou": found.iou,
            "accuracy": found.accuracy,
            "truth_share": found.truth_share,
            "predicted_share": found.predicted_share,
        }
        if self.boundary:
            columns["boundary_f1"] = self.boundary.per_class()
        for values in zip(*columns.values(), strict=True):
            yield dict(zip(columns, values, strict=True))


def _figure(value):
    return "absent" if np.isnan(value) else f"{value:.4f}"


def _share(value):
    return f"{'-' if np.isnan(value) else f'{100 * value:.2f} %':>8}"
