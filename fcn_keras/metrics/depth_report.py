"""The report of an evaluation of depth: the nine scores, of all pixels together and by image."""

from typing import NamedTuple

import numpy as np

from fcn_keras.metrics.measures import DepthMeasures
from fcn_keras.metrics.report import Report, figure, json_float

FACTOR = 1.25
EIGEN_CROP = (480, 640), (slice(20, 460), slice(24, 616))  # the size, and what is kept of it


class DepthScores(NamedTuple):
    """The scores of depths y against the truth t, with d = log y - log t; NaN without pixels.

    Attributes:
        absolute_relative_error: mean |y - t| / t.
        squared_relative_error: mean (y - t)² / t, in the unit.
        root_mean_squared_error: sqrt(mean (y - t)²), in the unit.
        root_mean_squared_log_error: sqrt(mean d²).
        scale_invariant_log_error: sqrt(mean d² - (mean d)²).
        log10_error: mean |log10 y - log10 t|.
        delta_1, delta_2, delta_3: Shares of the pixels with max(y / t, t / y) < 1.25, 1.25² and
            1.25³.

    Example:

    >>> depth_scores(np.array([1.0, 4.0]), np.array([1.1, 6.0])).delta_1
    0.5
    """

    absolute_relative_error: float
    squared_relative_error: float
    root_mean_squared_error: float
    root_mean_squared_log_error: float
    scale_invariant_log_error: float
    log10_error: float
    delta_1: float
    delta_2: float
    delta_3: float


def depth_scores(truth, prediction):
    """Returns the scores of depths, such as of one image.

    Args:
        truth, prediction: Float arrays of one shape, above 0. Pixels whose truth is NaN, infinite
            or at most 0 are left out.

    Returns:
        `DepthScores`.

    Example:

    >>> found = depth_scores(np.array([2.0, np.nan]), np.array([2.2, 1.0]))
    >>> round(found.absolute_relative_error, 4)
    0.1

    Source: Eigen, Puhrsch, Fergus (2014), section 4.2; log10: Saxena et al. (2008).
    """
    truth = np.asarray(truth, "float64")
    known = np.isfinite(truth) & (truth > 0)
    return _scores(_sums(truth[known], np.asarray(prediction, "float64")[known]))


def _sums(truth, prediction):
    """What the scores are made of, summed over the pixels: it can be added up over images."""
    error, log = prediction - truth, np.log(prediction) - np.log(truth)
    ratio = np.exp(np.abs(log))
    columns = (
        np.ones_like(truth), np.abs(error) / truth, error**2 / truth, error**2, log**2,
        np.abs(log) / np.log(10), *(ratio < FACTOR**power for power in (1, 2, 3)), log,
    )  # fmt: skip
    return np.array([column.sum() for column in columns])


def _scores(sums):
    """The `DepthScores` of sums."""
    if not sums[0]:
        return DepthScores(*[float("nan")] * 9)
    relative, squared_relative, squared, log_squared, log10, *within, log = sums[1:] / sums[0]
    invariant = max(0.0, log_squared - log**2)
    roots = (float(np.sqrt(mean)) for mean in (squared, log_squared, invariant))
    return DepthScores(
        float(relative), float(squared_relative), *roots, float(log10), *map(float, within)
    )


class DepthReport(Report):
    """The scores of predicted depths; `fcn_keras.evaluate` returns one for depth.

    Args:
        task: A `fcn_keras.tasks.Depth`.
        **measures: Which pixels are compared: the fields of `fcn_keras.metrics.DepthMeasures`.

    Attributes:
        pooled: The `DepthScores` of the pixels of all images together, as in the papers of Eigen
            and Laina.
        per_image: The `DepthScores` that are the means of those of each image, as in most later
            code. Images without any depth are left out.
        num_images: How many images were compared.
        num_pixels: How many pixels were compared.
        seconds: How long the evaluation took, reading included.

    Example:

    ```python
    report = fcn_keras.metrics.report_for(fcn_keras.tasks.Depth())
    report.update(np.array([[1.0, 2.0, np.nan]]), np.array([[1.1, 2.0, 5.0]]))
    report.pooled.absolute_relative_error       # 0.05
    print(report.table())
    ```
    """

    MEASURES = DepthMeasures

    TITLES = (
        ("absolute relative error", False),
        ("squared relative error", True),
        ("root mean squared error", True),
        ("root mean squared error of logs", False),
        ("scale-invariant error of logs", False),
        ("error of log10", False),
        ("within a factor of 1.25", False),
        ("within a factor of 1.25²", False),
        ("within a factor of 1.25³", False),
    )

    def __init__(self, task, **measures):
        super().__init__()
        self.task, self.measures = task, DepthMeasures(**measures)
        self._images = []

    def add(self, truth, prediction):
        """Adds the known pixels of a target (H, W) and its prediction, both in the task's unit."""
        if truth.ndim != 2:
            raise ValueError(f"targets of depth have shape (H, W), got {truth.shape}.")
        if self.measures.eigen_crop:
            truth, prediction = _cropped(truth), _cropped(prediction)
        least, most = self.measures.min_depth, self.measures.max_depth or np.inf
        known = self.task.valid(truth) & (truth >= least) & (truth <= most)
        truth, prediction = (array[known].astype("float64") for array in (truth, prediction))
        if np.isnan(prediction).any():
            raise ValueError("the prediction has NaN where there is a depth.")
        self._images.append(_sums(truth, np.clip(prediction, least, most)))

    @property
    def num_pixels(self):
        """Number of pixels that were compared; those without a depth are not among them."""
        return int(sum(sums[0] for sums in self._images))

    @property
    def pooled(self):
        """The `DepthScores` of the pixels of all images together."""
        return _scores(np.sum(self._images, axis=0) if self._images else np.zeros(10))

    @property
    def per_image(self):
        """The means of the `DepthScores` of each image."""
        each = [_scores(sums) for sums in self._images if sums[0]]
        return DepthScores(*np.mean(each, axis=0).tolist()) if each else _scores(np.zeros(10))

    def scores_so_far(self):
        """Returns {"absolute_relative_error": float}."""
        return {"absolute_relative_error": self.pooled.absolute_relative_error}

    def lines(self):
        """Returns a line for each score: of all pixels, and as the mean of the images."""
        rows = zip(self.TITLES, self.pooled, self.per_image, strict=True)
        lines = [f"{str(self.task):34}{'all pixels':>10}{'mean of images':>18}"]
        for (title, has_unit), pooled, mean in rows:
            unit = f" {self.task.unit}" if has_unit else ""
            lines.append(f"  {title:32}{figure(pooled):>10}{figure(mean):>18}{unit}".rstrip())
        return [*lines, *self._compared()]

    def to_dict(self):
        """Returns the report in JSON types: both kinds of scores, counts, what was compared."""
        scores = {"pooled": self.pooled, "per_image": self.per_image}
        return {
            **{
                kind: {name: json_float(value) for name, value in found._asdict().items()}
                for kind, found in scores.items()
            },
            **self.counts(),
            "eigen_crop": self.measures.eigen_crop,
            "min_depth": self.measures.min_depth,
            "max_depth": self.measures.max_depth,
            "task": self.task.to_config(),
        }

    def _compared(self):
        """A line that says which pixels were compared, where it was not all."""
        asked = ["Eigen's crop"] * self.measures.eigen_crop
        if self.measures.max_depth is not None:
            asked.append(f"depths up to {self.measures.max_depth:g} {self.task.unit}".rstrip())
        return [f"Compared: {', '.join(asked)}."] if asked else []


def _cropped(array):
    """Eigen's crop of a map.

    Raises:
        ValueError: for another size than 480x640.
    """
    size, kept = EIGEN_CROP
    if array.shape != size:
        raise ValueError(
            f"Eigen's crop is for maps of 480x640 (NYUDv2), got {array.shape[0]}x{array.shape[1]}: "
            "leave eigen_crop (--eigen-crop) out."
        )
    return array[kept]
