"""Report: the base of what an evaluation accumulates image by image, prints and saves."""

import json
from pathlib import Path

import numpy as np


class Report:
    """The base of all reports: counts images, prints a table, writes JSON.

    Subclasses define `add`, `scores_so_far`, `lines`, `num_pixels` and `to_dict`, and may define
    `warning`, a sentence or None, and what else `update` needs.

    Attributes:
        MEASURES: A dataclass of what is measured on request, whose fields are the keyword
            arguments of the subclass; None if there is nothing.
        needs_probabilities: Whether `update` takes the probabilities of the classes.
        takes_instances: Whether `update` takes instances, or None where there are none.
        takes_annotations: Whether `update` takes the maps of all annotators.
        num_images: How many images were added.
        seconds: How long the evaluation took, reading included; whoever evaluates sets it.
    """

    MEASURES = None
    warning = None
    needs_probabilities = takes_instances = takes_annotations = False

    def __init__(self):
        self.num_images = 0
        self.seconds = 0.0

    def update(self, truth, prediction, **more):
        """Adds one image.

        Args:
            truth: A target of the task, as a `Dataset` gives it.
            prediction: The decoded output of the net, an array of the same shape.
            **more: `probabilities`, float (H, W, C), where the report needs them; `instances`,
                the number of each pixel's object, where it takes them.

        Raises:
            ValueError: for different shapes, or values that the task does not allow; then nothing
                is added.
        """
        truth, prediction = np.asarray(truth), np.asarray(prediction)
        if prediction.shape != truth.shape:
            raise ValueError(
                f"the prediction has shape {prediction.shape}, the truth {truth.shape}; they must "
                "be the same."
            )
        self.add(truth, prediction, **more)
        self.num_images += 1

    def add(self, truth, prediction, **more):
        """Adds the pixels of one image whose shapes were checked."""
        raise NotImplementedError

    def finish(self):
        """Ends what was begun for images; called after the last one."""

    def scores_so_far(self):
        """Returns {name: float}: what a progress bar shows, with the name of the Keras metric."""
        raise NotImplementedError

    def lines(self):
        """Returns the lines of the table below its head."""
        raise NotImplementedError

    def to_dict(self):
        """Returns the report in JSON types."""
        raise NotImplementedError

    @property
    def num_pixels(self):
        """Number of pixels that were compared."""
        raise NotImplementedError

    def counts(self):
        """Returns what every report has beside its figures, in JSON types."""
        return {
            "num_images": self.num_images,
            "num_pixels": self.num_pixels,
            "seconds": round(self.seconds, 3),
            "warning": self.warning,
        }

    def table(self):
        """Returns the report as text for a terminal."""
        images = f"{self.num_images} image{'s' * (self.num_images != 1)}"
        head = f"{images}, {self.num_pixels:,} pixels counted (void left out), {self.seconds:.1f} s"
        lines = [head, "", *self.lines()]
        if self.warning:
            lines += ["", f"Warning: {self.warning}"]
        return "\n".join(lines)

    def save_json(self, path, notes=None):
        """Writes `to_dict()`, and a dict of further entries, and returns the path."""
        path, found = Path(path), {**(notes or {}), **self.to_dict()}
        path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
        return path


def figure(value):
    """Returns a figure as text for a table: "absent" for NaN."""
    return "absent" if np.isnan(value) else f"{value:.4f}"


def json_float(value):
    """Returns a number as a float, and None for NaN."""
    return None if np.isnan(value) else float(value)
