"""Keras's progress bar for long work, where somebody is looking: on a terminal."""

import sys


class ProgressBar:
    """A bar that grows by steps; silent where output goes to a file.

    Args:
        count: Steps in all, or None where that is not known.
        unit: What one step is, such as "image".
        wanted: False for no bar.

    Example:

    ```python
    with ProgressBar(3, "image") as bar:
        for _ in range(3):
            bar.step(mean_iou=0.5)
    ```
    """

    def __init__(self, count, unit, wanted=True):
        self._count, self._unit, self._done, self._values = count, unit, 0, []
        self._wanted = wanted and sys.stdout.isatty()
        self._bar = None

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if self._bar and kind is None:
            self._bar.update(self._done, self._values, finalize=True)
        elif self._bar:
            print()  # the error begins on a line of its own

    def step(self, steps=1, **values):
        """Goes on by `steps`; `values` are shown as they are now."""
        self._done += steps
        self._values = list(values.items())
        if not self._wanted:
            return
        if self._bar is None:
            import keras

            self._bar = keras.utils.Progbar(
                self._count, unit_name=self._unit, stateful_metrics=list(values)
            )
        self._bar.update(self._done, self._values, finalize=False)
