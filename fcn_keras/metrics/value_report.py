"""The report of an evaluation of values: their errors, in the unit of the task."""

import numpy as np

from fcn_keras.metrics.report import Report, json_float


class ValueReport(Report):
    """The errors of predicted values; `fcn_keras.evaluate` returns one for a regression.

    With the differences d = prediction - truth of all values whose pixel is known:

    Args:
        task: A `fcn_keras.tasks.Regression`.

    Attributes:
        mean_absolute_error: mean |d|.
        root_mean_squared_error: sqrt(mean d²).
        mean_error: mean d; above 0 the predictions are too high.
        largest_error: max |d|.
        truth_mean, truth_deviation: mean and standard deviation of the truth. The deviation is
            the root mean squared error of the best constant.
        num_images: How many images were compared.
        num_pixels: How many pixels were compared; those with NaN in the truth are left out.
        seconds: How long the evaluation took, reading included.

    All errors are floats in the task's unit, NaN where nothing was compared.

    Example:

    ```python
    report = fcn_keras.metrics.report_for(fcn_keras.tasks.Regression("distance", unit="px"))
    report.update(np.array([[1.0, np.nan, 3.0]]), np.array([[2.0, 0.0, 3.0]]))
    report.mean_absolute_error      # 0.5
    print(report.table())
    ```
    """

    ERRORS = (
        ("mean absolute error", "mean_absolute_error"),
        ("root mean squared error", "root_mean_squared_error"),
        ("mean error", "mean_error"),
        ("largest error", "largest_error"),
        ("mean of the truth", "truth_mean"),
        ("deviation of the truth", "truth_deviation"),
    )

    def __init__(self, task):
        super().__init__()
        self.task = task
        self._pixels = 0
        self._sums = dict.fromkeys(("absolute", "squared", "signed", "truth", "truth_squared"), 0.0)
        self._largest = float("nan")

    def add(self, truth, prediction):
        """Adds the known pixels of a target, float (H, W) or (H, W, C), and its prediction."""
        if truth.ndim != self.task.axes:
            shape = "(H, W)" if self.task.axes == 2 else f"(H, W, {self.task.channels})"
            raise ValueError(
                f"targets of the task {self.task.kind!r} with {self.task.channels} channel(s) "
                f"have shape {shape}, got {truth.shape}."
            )
        known = self.task.valid(truth)
        truth = truth[known].astype(np.float64)
        error = prediction[known].astype(np.float64) - truth
        self._pixels += int(known.sum())
        for name, values in (
            ("absolute", np.abs(error)),
            ("squared", error**2),
            ("signed", error),
            ("truth", truth),
            ("truth_squared", truth**2),
        ):
            self._sums[name] += float(values.sum())
        if error.size:
            self._largest = float(np.fmax(self._largest, np.abs(error).max()))

    @property
    def num_pixels(self):
        """Number of pixels that were compared; those without a value are not among them."""
        return self._pixels

    @property
    def mean_absolute_error(self):
        """Mean of the absolute differences."""
        return self._mean("absolute")

    @property
    def root_mean_squared_error(self):
        """Root of the mean of the squared differences."""
        return self._mean("squared") ** 0.5

    @property
    def mean_error(self):
        """Mean of prediction minus truth."""
        return self._mean("signed")

    @property
    def largest_error(self):
        """Largest absolute difference."""
        return self._largest

    @property
    def truth_mean(self):
        """Mean of the truth."""
        return self._mean("truth")

    @property
    def truth_deviation(self):
        """Standard deviation of the truth."""
        return max(0.0, self._mean("truth_squared") - self.truth_mean**2) ** 0.5

    def scores_so_far(self):
        """Returns {"mean_absolute_error": float}."""
        return {"mean_absolute_error": self.mean_absolute_error}

    def lines(self):
        """Returns a line for each error, with the unit."""
        unit = f" {self.task.unit}" if self.task.unit else ""
        figures = [(title, getattr(self, name)) for title, name in self.ERRORS]
        shown = ["absent" if np.isnan(value) else f"{value:.4f}{unit}" for _, value in figures]
        rows = zip(figures, shown, strict=True)
        return [self.task.name, *(f"  {title:26}{text}" for (title, _), text in rows)]

    def to_dict(self):
        """Returns the report in JSON types: the errors, the counts, the task; NaN becomes None."""
        return {
            **{name: json_float(getattr(self, name)) for _, name in self.ERRORS},
            **self.counts(),
            "task": self.task.to_config(),
        }

    def _mean(self, name):
        values = self._pixels * self.task.channels
        return self._sums[name] / values if values else float("nan")
