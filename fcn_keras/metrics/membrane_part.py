"""The part of an evaluation's report with V-Rand and V-Info of the regions between membranes."""

import numpy as np

from fcn_keras.metrics.partitions import PartitionMetric
from fcn_keras.metrics.report import figure, json_float

SCORES = (  # name, method of `PartitionMetric`, how the slices of a stack are averaged
    ("V-Rand", "rand_score", "all slices together"),
    ("V-Info", "information_score", "mean of the slices"),
)


class MembranePart:
    """The regions between membranes, once with the predicted membranes thinned and once without.

    Args:
        labels: The `LabelSet`.
        membranes: Name or number of the class of membranes.

    Raises:
        ValueError: for a class that `labels` does not have.
    """

    def __init__(self, labels, membranes):
        self.number = labels.number_of(membranes)
        self.name, self.void = labels.names[self.number], labels.ignore
        self.metrics = {thin: PartitionMetric(thin=thin) for thin in (True, False)}

    def add(self, truth, probabilities):
        """Adds a label map (H, W) and the probabilities (H, W, C) of the classes."""
        regions = (truth != self.number) & (truth != self.void)
        inside = np.clip(1 - probabilities[..., self.number].astype(np.float64), 0, 1)
        for metric in self.metrics.values():
            metric.update_state(regions, inside)

    def lines(self):
        """Returns a line for each score, with a heading."""
        head = f"regions between {self.name}"
        width = max(len(head), 23)
        lines = [f"{head:{width}}   score  threshold   split   merge"]
        for (title, _, average), thin, found in self._scores():
            lines.append(
                f"{title + ', borders thinned' * thin:{width}}{figure(found.score):>8}"
                f"{found.threshold:11g}{figure(found.split):>8}{figure(found.merge):>8}   {average}"
            )
        return lines

    def to_dict(self):
        """Returns the figures in JSON types; NaN becomes None."""
        rows = [
            {
                "name": title,
                "average": average,
                "thin": thin,
                **{key: json_float(getattr(found, key)) for key in ("score", "split", "merge")},
                "threshold": found.threshold,
                "per_slice": [json_float(value) for value in found.per_slice],
                "thresholds": list(found.thresholds),
                "per_threshold": [json_float(value) for value in found.per_threshold],
            }
            for (title, _, average), thin, found in self._scores()
        ]
        return {"class": self.name, "scores": rows}

    def _scores(self):
        """(its entry in SCORES, whether borders are thinned, `PartitionScore`) of each score."""
        for entry in SCORES:
            for thin, metric in self.metrics.items():
                yield entry, thin, getattr(metric, entry[1])()
