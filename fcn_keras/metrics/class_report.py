"""The report of an evaluation of classes: four metrics, and one line for each class."""

import numpy as np

from fcn_keras.labels import LabelSet
from fcn_keras.metrics.boundary import BoundaryF1
from fcn_keras.metrics.confusion import confusion_matrix, scores
from fcn_keras.metrics.instance_part import InstancePart
from fcn_keras.metrics.measures import Measures
from fcn_keras.metrics.membrane_part import MembranePart
from fcn_keras.metrics.report import Report, figure, json_float

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
        **measures: What is measured too: the fields of `fcn_keras.metrics.Measures`.

    Attributes:
        scores: The `Scores` of `fcn_keras.metrics.scores`, the confusion matrix included.
        labels: The `LabelSet` that names the classes.
        boundary: A `fcn_keras.metrics.BoundaryF1`, or None where it was not asked for.
        instances: The objects, whose `metric` is a `fcn_keras.metrics.InstanceMetric`; or None.
        membranes: The regions between membranes, whose `metrics` are {thin: `PartitionMetric`}; or
            None.
        num_images: How many images were compared.
        seconds: How long the evaluation took, reading included.

    Example:

    ```python
    report = fcn_keras.evaluate(model, fcn_keras.data.load("digits", split="test"))
    print(report.table())
    report.scores.mean_iou
    ```
    """

    MEASURES = Measures

    def __init__(self, task, **measures):
        super().__init__()
        wanted = Measures(**measures)
        self.ignore_class = task.invalid
        self.labels = task.labels or LabelSet.numbered(task.num_classes)
        self.boundary = self.instances = self.membranes = None
        if wanted.boundary:
            self.boundary = BoundaryF1(task.num_classes, ignore_class=self.ignore_class)
        if wanted.instances:
            self.instances = InstancePart(
                self.labels,
                self.ignore_class,
                connectivity=wanted.connectivity,
                min_area=wanted.min_area,
            )
        if wanted.membranes is not None:
            self.membranes = MembranePart(self.labels, wanted.membranes)
        self._confusion = np.zeros((task.num_classes, task.num_classes), np.int64)

    @property
    def needs_probabilities(self):
        """Whether `update` takes the probabilities of the classes."""
        return self.membranes is not None

    @property
    def takes_instances(self):
        """Whether `update` takes the numbers of the true objects."""
        return self.instances is not None

    def add(self, truth, prediction, probabilities=None, instances=None):
        """Adds a label map (H, W) and its prediction; see `update`."""
        classes = self.labels.num_classes
        counts = confusion_matrix(truth, prediction, classes, self.ignore_class)
        if self.boundary:
            self.boundary.update_state(truth, prediction)
        if self.instances:
            self.instances.add(truth, prediction, instances)
        if self.membranes:
            self.membranes.add(truth, probabilities)
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
            lines.append(f"{title:24}{figure(value)}{note if name == 'mean_iou' else ''}")
        if self.boundary:
            value, images = self.boundary.result(), self.boundary.num_images
            lines.append(f"{'boundary F1':24}{figure(value)}   over {images} images")
        width = max(len(name) for name in (*self.labels.names, "class"))
        further = "  boundary" if self.boundary else ""
        lines += ["", f"{'class':{width}}     IoU  accuracy    truth  predicted{further}"]
        for row in self._classes():
            lines.append(
                f"{row['name']:{width}}  {figure(row['iou'])}  {figure(row['accuracy']):>8}  "
                f"{_share(row['truth_share'])}   {_share(row['predicted_share'])}"
                + (f"  {figure(row['boundary_f1']):>8}" if self.boundary else "")
            )
        for part in filter(None, (self.instances, self.membranes)):
            lines += ["", *part.lines()]
        return lines

    def to_dict(self):
        """Returns the report in JSON types: scores, classes, counts; NaN becomes None."""
        found = self.scores
        return {
            **{name: json_float(getattr(found, name)) for _, name in METRICS},
            **({"boundary_f1": json_float(self.boundary.result())} if self.boundary else {}),
            "num_classes_averaged": found.num_averaged,
            **self.counts(),
            "classes": [
                {key: value if key == "name" else json_float(value) for key, value in row.items()}
                for row in self._classes()
            ],
            "confusion": found.confusion.tolist(),
            "labels": self.labels.to_config(),
            **({"instances": self.instances.to_dict()} if self.instances else {}),
            **({"membranes": self.membranes.to_dict()} if self.membranes else {}),
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


def _share(value):
    return f"{'-' if np.isnan(value) else f'{100 * value:.2f} %':>8}"
