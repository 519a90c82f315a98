"""The report of an evaluation of optical flow: end-point error and outliers, beside zero flow's."""

import numpy as np

from fcn_keras.metrics.flow import OUTLIER_PIXELS, OUTLIER_SHARE
from fcn_keras.metrics.report import Report, json_float


class FlowReport(Report):
    """The errors of predicted flow; `fcn_keras.evaluate` returns one for optical flow.

    The end-point error of a pixel is the distance between its predicted and its true end point.
    Pixels whose true flow is not known are left out.

    Args:
        task: A `fcn_keras.tasks.Flow`.

    Attributes:
        end_point_error: Its mean over all pixels, in pixels.
        end_point_error_per_image: The mean over the images of each image's own mean.
        outlier_rate: KITTI's Fl: the share of pixels with an error above 3 pixels and above 5 % of
            the length of the true flow.
        outlier_rate_per_image: The mean over the images of each image's own rate.
        zero_flow_error: The end-point error of zero flow, which is the mean length of the truth.
        mean_flow_error: The end-point error of each image's mean true flow.
        largest_error: The largest end-point error.
        num_images: How many images were compared.
        num_pixels: How many pixels were compared.
        seconds: How long the evaluation took, reading included.

    Errors are NaN where nothing was compared.

    Example:

    ```python
    report = fcn_keras.metrics.report_for(fcn_keras.tasks.Flow())
    report.update(np.full((4, 6, 2), 3.0), np.zeros((4, 6, 2)))
    report.end_point_error      # 4.2426...
    print(report.table())
    ```
    """

    ERRORS = (
        ("end-point error", "end_point_error", "px"),
        ("  mean of the images'", "end_point_error_per_image", "px"),
        ("outlier rate (> 3 px, > 5 %)", "outlier_rate", ""),
        ("  mean of the images'", "outlier_rate_per_image", ""),
        ("largest end-point error", "largest_error", "px"),
        ("end-point error of zero flow", "zero_flow_error", "px"),
        ("  of each image's mean flow", "mean_flow_error", "px"),
    )

    def __init__(self, task):
        super().__init__()
        self.task = task
        self._pixels = []  # of each image
        self._sums = {"error": [], "outlier": [], "zero": [], "mean": []}
        self._largest = float("nan")

    def add(self, truth, prediction):
        """Adds the known pixels of a flow, float (H, W, 2), and its prediction."""
        if truth.ndim != 3 or truth.shape[-1] != 2:
            raise ValueError(f"optical flow has the shape (H, W, 2), got {truth.shape}.")
        known = self.task.valid(truth)
        truth = truth[known].astype(np.float64)
        error = np.linalg.norm(prediction[known].astype(np.float64) - truth, axis=-1)
        length = np.linalg.norm(truth, axis=-1)
        outlier = (error > OUTLIER_PIXELS) & (error > OUTLIER_SHARE * length)
        centre = truth.mean(0) if len(truth) else 0.0
        spread = np.linalg.norm(truth - centre, axis=-1)
        self._pixels.append(len(error))
        for name, values in zip(self._sums, (error, outlier, length, spread), strict=True):
            self._sums[name].append(float(values.sum()))
        if error.size:
            self._largest = float(np.fmax(self._largest, error.max()))

    @property
    def num_pixels(self):
        """Number of pixels that were compared; those of unknown flow are not among them."""
        return sum(self._pixels)

    @property
    def end_point_error(self):
        """Mean end-point error of all pixels."""
        return self._pooled("error")

    @property
    def end_point_error_per_image(self):
        """Mean of the images' mean end-point errors."""
        return self._per_image("error")

    @property
    def outlier_rate(self):
        """Share of outliers among all pixels, 0 to 1."""
        return self._pooled("outlier")

    @property
    def outlier_rate_per_image(self):
        """Mean of the images' shares of outliers."""
        return self._per_image("outlier")

    @property
    def largest_error(self):
        """Largest end-point error."""
        return self._largest

    @property
    def zero_flow_error(self):
        """Mean end-point error of zero flow."""
        return self._pooled("zero")

    @property
    def mean_flow_error(self):
        """Mean end-point error of each image's mean true flow."""
        return self._pooled("mean")

    def scores_so_far(self):
        """Returns {"end_point_error": float}."""
        return {"end_point_error": self.end_point_error}

    def lines(self):
        """Returns a line for each figure, with its unit; rates are in per cent."""
        lines = [self.task.name]
        for title, name, unit in self.ERRORS:
            value = getattr(self, name)
            text = f"{value:.4f} {unit}" if unit else f"{value:.2%}"
            lines.append(f"  {title:30}{'absent' if np.isnan(value) else text}")
        return lines

    def to_dict(self):
        """Returns the report in JSON types: the figures, the counts, the task; NaN becomes None."""
        return {
            **{name: json_float(getattr(self, name)) for _, name, _ in self.ERRORS},
            **self.counts(),
            "task": self.task.to_config(),
        }

    def _pooled(self, name):
        return sum(self._sums[name]) / self.num_pixels if self.num_pixels else float("nan")

    def _per_image(self, name):
        pairs = zip(self._sums[name], self._pixels, strict=True)
        means = [total / count for total, count in pairs if count]
        return float(np.mean(means)) if means else float("nan")
