"""The part of an evaluation's report that counts objects and compares them."""

from fcn_keras.metrics.instances import InstanceMetric
from fcn_keras.metrics.report import figure, json_float

NO_OBJECTS = "background"  # the name of a class
COUNTS = ("true", "predicted", "found", "missed", "extra")
AP_50 = "average_precision_50"
FIGURES = (
    ("Dice", "dice"),
    ("IoU", "object_iou"),
    ("AP 50", AP_50),
    ("AP", "mean_average_precision"),
    ("PQ", "panoptic_quality"),
)
OTHERS = tuple(key for _, key in FIGURES if key != AP_50)
MORE = ("segmentation_quality", "recognition_quality")  # figures of the JSON file alone


class InstancePart:
    """The objects of every class but one named background.

    Args:
        labels: The `LabelSet`.
        ignore_class: The void value.
        **options: Those of `InstanceMetric`.
    """

    def __init__(self, labels, ignore_class, **options):
        classes = [number for number, name in enumerate(labels.names) if name != NO_OBJECTS]
        count = labels.num_classes
        self.metric = InstanceMetric(count, classes=classes, ignore_class=ignore_class, **options)
        self.names = [labels.names[number] for number in classes]
        self.with_masks = False

    def add(self, truth, prediction, instances):
        """Adds an image; `instances` numbers the true objects, or is None."""
        self.metric.update_state(truth, prediction, true_instances=instances)
        self.with_masks |= instances is not None

    def lines(self):
        """Returns a line for each class, with a heading."""
        least = self.metric.min_area
        head = "objects: connected components"
        if self.with_masks:
            head = "objects: the truth's instance masks; of the prediction connected components"
        head += f" of {self.metric.connectivity} neighbours"
        head += f", of {least} pixels and more" if least > 1 else ""
        width = max(len(name) for name in (*self.names, "class"))
        titles = [f"  {name}" for name in COUNTS] + [f"{title:>8}" for title, _ in FIGURES]
        lines = [head, f"{'class':{width}}" + "".join(titles)]
        for row in self._rows():
            counts = [f"{row[name]:>{len(name) + 2}}" for name in COUNTS]
            figures = [f"{figure(row[name]):>8}" for _, name in FIGURES]
            lines.append(f"{row['name']:{width}}" + "".join(counts + figures))
        return lines

    def to_dict(self):
        """Returns the figures in JSON types; NaN becomes None."""
        curves = self.metric.result().average_precision
        rows = [
            {
                "name": row["name"],
                **{name: int(row[name]) for name in COUNTS},
                **{name: json_float(row[name]) for _, name in FIGURES},
                **{name: json_float(row[name]) for name in MORE},
                "average_precision": [json_float(value) for value in curve],
            }
            for row, curve in zip(self._rows(), curves, strict=True)
        ]
        return {
            "instance_masks": self.with_masks,
            "connectivity": self.metric.connectivity,
            "min_area": self.metric.min_area,
            "thresholds": list(self.metric.thresholds),
            "classes": rows,
        }

    def _rows(self):
        """{name: figure} of each class."""
        found = self.metric.result()
        for place, name in enumerate(self.names):
            figures = {key: getattr(found, key)[place] for key in (*COUNTS, *OTHERS, *MORE)}
            yield {"name": name, **figures, AP_50: found.average_precision[place, 0]}
