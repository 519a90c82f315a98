"""Scores of surface normals: angles to the truth, in training and in an evaluation."""

import keras
import numpy as np
from keras import ops

from fcn_keras.losses.cosine import cosines
from fcn_keras.metrics.errors import PixelMean
from fcn_keras.metrics.report import Report, figure, json_float

BINS = 18000  # of the histogram of angles: hundredths of a degree
WITHIN = (11.25, 22.5, 30.0)  # degrees


@keras.saving.register_keras_serializable("fcn_keras")
class MeanAngle(PixelMean):
    """Mean angle in degrees between predicted and true normals.

    Args:
        name: name of the metric, "mean_angle" by default.
        dtype: dtype of the result, float32 by default.

    `update_state(y_true, y_pred, sample_weight=None)` takes unit vectors and vectors of any length
    (batch, height, width, 3). Pixels with NaN in the truth are left out.

    Raises:
        ValueError: for shapes that do not fit.

    Example:

    >>> metric = MeanAngle()
    >>> metric.update_state([[[[0.0, 0.0, 1.0]]]], [[[[0.0, 2.0, 2.0]]]])
    >>> round(float(metric.result()), 3)
    45.0
    """

    default_name = "mean_angle"

    def values_of(self, y_true, y_pred):
        cosine, known = cosines(y_true, y_pred, type(self).__name__)
        return ops.arccos(ops.clip(cosine, -1.0, 1.0)) * (180 / np.pi), known


class NormalsReport(Report):
    """The angles between predicted and true normals; `fcn_keras.evaluate` returns one for normals.

    Args:
        task: A `fcn_keras.tasks.Normals`.

    Attributes:
        mean_angle: Mean angle in degrees, of the pixels of all images together.
        median_angle: Median angle in degrees, to a hundredth.
        within_11, within_22, within_30: Shares of the pixels whose angle is below 11.25, 22.5 and
            30 degrees.
        num_images: How many images were compared.
        num_pixels: How many pixels were compared; those with NaN in the truth are left out.
        seconds: How long the evaluation took, reading included.

    Example:

    ```python
    report = fcn_keras.metrics.report_for(fcn_keras.tasks.Normals())
    report.update(np.array([[[0.0, 0.0, 1.0]]]), np.array([[[0.0, 0.6, 0.8]]]))
    report.mean_angle       # 36.87
    ```

    Source: the measures are those of Fouhey, Gupta, Hebert (2013) and of Eigen, Fergus (2015).
    """

    SCORES = (
        ("mean angle", "mean_angle", " degrees"),
        ("median angle", "median_angle", " degrees"),
        ("within 11.25 degrees", "within_11", ""),
        ("within 22.5 degrees", "within_22", ""),
        ("within 30 degrees", "within_30", ""),
    )

    def __init__(self, task):
        super().__init__()
        self.task = task
        self._counts = np.zeros(BINS, np.int64)
        self._total, self._within = 0.0, np.zeros(len(WITHIN), np.int64)

    def add(self, truth, prediction):
        """Adds the known pixels of a target (H, W, 3) and its prediction."""
        if truth.ndim != 3 or truth.shape[-1] != 3:
            raise ValueError(f"targets of normals have shape (H, W, 3), got {truth.shape}.")
        known = self.task.valid(truth)
        pair = (np.asarray(array[known], "float64") for array in (truth, prediction))
        truth, prediction = (
            vectors / np.linalg.norm(vectors, axis=-1)[:, None] for vectors in pair
        )
        # atan2 is exact for small angles, where arccos is not.
        sine = np.linalg.norm(np.cross(truth, prediction), axis=-1)
        angles = np.degrees(np.arctan2(sine, (truth * prediction).sum(-1)))
        self._total += float(angles.sum())
        self._within += [int((angles < limit).sum()) for limit in WITHIN]
        self._counts += np.histogram(angles, BINS, (0, 180))[0]

    @property
    def num_pixels(self):
        """Number of pixels that were compared."""
        return int(self._counts.sum())

    @property
    def mean_angle(self):
        """Mean angle in degrees."""
        return self._total / self.num_pixels if self.num_pixels else float("nan")

    @property
    def median_angle(self):
        """Median angle in degrees."""
        if not self.num_pixels:
            return float("nan")
        place = np.searchsorted(self._counts.cumsum(), self.num_pixels / 2)
        return float((place + 0.5) * 180 / BINS)

    @property
    def within_11(self):
        """Share of the pixels below 11.25 degrees."""
        return self._share(0)

    @property
    def within_22(self):
        """Share of the pixels below 22.5 degrees."""
        return self._share(1)

    @property
    def within_30(self):
        """Share of the pixels below 30 degrees."""
        return self._share(2)

    def scores_so_far(self):
        """Returns {"mean_angle": float}."""
        return {"mean_angle": self.mean_angle}

    def lines(self):
        """Returns a line for each score."""
        rows = [
            f"  {title:26}{figure(getattr(self, name))}{unit}" for title, name, unit in self.SCORES
        ]
        return [str(self.task), *rows]

    def to_dict(self):
        """Returns the report in JSON types: scores, counts, the task; NaN becomes None."""
        return {
            **{name: json_float(getattr(self, name)) for _, name, _ in self.SCORES},
            **self.counts(),
            "task": self.task.to_config(),
        }

    def _share(self, place):
        return self._within[place] / self.num_pixels if self.num_pixels else float("nan")
