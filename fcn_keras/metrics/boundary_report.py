"""The report of an evaluation of boundaries: the Berkeley benchmark."""

import numpy as np

from fcn_keras.metrics.berkeley import TOLERANCE, BoundaryBenchmark
from fcn_keras.metrics.measures import BoundaryMeasures
from fcn_keras.metrics.report import Report


class BoundaryReport(Report):
    """The scores of predicted boundaries; `fcn_keras.evaluate` returns one for boundaries.

    Args:
        task: A `fcn_keras.tasks.Boundaries`.
        **measures: The fields of `fcn_keras.metrics.BoundaryMeasures`.

    Attributes:
        scores: The `BoundaryScores` of the images so far.
        num_images: How many images were compared.
        num_pixels: How many pixels were compared.
        seconds: How long the evaluation took, reading included.

    Example:

    ```python
    report = fcn_keras.metrics.report_for(fcn_keras.tasks.Boundaries(), thresholds=9)
    truth = np.zeros((20, 20), "float32")
    truth[8] = 1
    report.update(truth, 0.8 * truth)
    report.scores.ods
    ```
    """

    MEASURES = BoundaryMeasures
    takes_annotations = True

    def __init__(self, task, **measures):
        super().__init__()
        self.task, self.measures = task, BoundaryMeasures(**measures)
        self._benchmark = BoundaryBenchmark(self.measures.thresholds)
        self._pixels, self._scores = 0, None

    def add(self, truth, prediction, annotations=None):
        """Adds a target, float (H, W), and the predicted probabilities.

        Args:
            truth: The share of annotators; NaN where it is not known: nothing is predicted there.
            prediction: Float (H, W) in [0, 1].
            annotations: Bool (annotators, H, W), or None: one annotator, where the share is at
                least 0.5.
        """
        known = self.task.valid(truth)
        if annotations is None:
            annotations = (truth >= 0.5)[None]
        self._benchmark.update_state(annotations, np.where(known, prediction, 0))
        self._pixels += int(known.sum())
        self._scores = None

    def finish(self):
        """Waits until all images are counted, and ends the processes that count."""
        if self.num_images:
            self._scores = self._benchmark.result()
        self._benchmark.close()

    @property
    def scores(self):
        """The `BoundaryScores` of the images so far."""
        return self._benchmark.result() if self._scores is None else self._scores

    @property
    def num_pixels(self):
        """Number of pixels whose truth is known."""
        return self._pixels

    def scores_so_far(self):
        """Returns nothing: the images are still being counted."""
        return {}

    def lines(self):
        """Returns a line for each score."""
        found = self.scores
        return [
            f"boundaries, {self.measures.thresholds} thresholds, matched within "
            f"{TOLERANCE} of the diagonal",
            f"  ODS  {found.ods:.4f}   precision {found.ods_precision:.4f}, recall "
            f"{found.ods_recall:.4f} at the threshold {found.ods_threshold:.3f}",
            f"  OIS  {found.ois:.4f}   precision {found.ois_precision:.4f}, recall "
            f"{found.ois_recall:.4f} at the best threshold of each image",
            f"  AP   {found.average_precision:.4f}",
        ]

    def to_dict(self):
        """Returns the report in JSON types: scores, the curve, the counts, the task."""
        found = {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in vars(self.scores).items()
        }
        return {
            **found,
            **self.counts(),
            "task": self.task.to_config(),
        }
