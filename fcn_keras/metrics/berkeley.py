"""The Berkeley benchmark of boundaries: ODS, OIS and AP, in NumPy and SciPy."""

import math
import threading
from dataclasses import dataclass

import numpy as np

from fcn_keras.checks import positive, whole_number
from fcn_keras.metrics.nonmaxima import suppress_nonmaxima
from fcn_keras.metrics.pixel_matching import match_pixels
from fcn_keras.metrics.skeletons import thin
from fcn_keras.processes import Processes
from fcn_keras.progress import ProgressBar
from fcn_keras.threads import usable_cores

THRESHOLDS, TOLERANCE = 99, 0.0075
LEVELS = 255  # of the 8-bit files that the benchmark reads
BETWEEN = 100  # points between two thresholds at which the best F is looked for
SMALL = 1 << 22  # pixels times thresholds up to which another process does not pay


@dataclass(frozen=True)
class BoundaryScores:
    """The figures of the benchmark; F = 2 P R / (P + R).

    Attributes:
        ods: The best F of one threshold for all images (optimal dataset scale).
        ods_threshold, ods_precision, ods_recall: Where that is.
        ois: The F of the best threshold of each image (optimal image scale).
        ois_precision, ois_recall: Its precision and recall.
        average_precision: The area under precision over recall; 0 where no threshold reaches a
            recall.
        thresholds, precision, recall: float64 (thresholds,): the curve.

    All are floats in [0, 1].

    Example:

    >>> boundary_scores([[[8, 10, 8, 8]]]).ods  # one image at one threshold: P = 1, R = 0.8
    0.888888888888889

    Source: Arbelaez, Maire, Fowlkes, Malik (2011), "Contour detection and hierarchical image
    segmentation", section 3.1.
    """

    ods: float
    ods_threshold: float
    ods_precision: float
    ods_recall: float
    ois: float
    ois_precision: float
    ois_recall: float
    average_precision: float
    thresholds: np.ndarray
    precision: np.ndarray
    recall: np.ndarray


def boundary_counts(
    annotations, probabilities, thresholds=THRESHOLDS, tolerance=TOLERANCE, suppress=True
):
    """Returns what the benchmark counts in one image.

    The probabilities are reduced to the crests of the boundaries and to 8 bits. At each threshold
    the pixels that reach it are thinned to lines and matched one-to-one with the boundary of each
    annotator.

    Args:
        annotations: bool (annotators, H, W): the boundaries that each of them drew.
        probabilities: float (H, W) in [0, 1].
        thresholds: Number of thresholds T; they are k / (T + 1). 99 is the benchmark's, 33 costs
            a third.
        tolerance: Largest distance of two matched pixels, as a share of the image's diagonal.
        suppress: Whether non-maxima are suppressed first (`suppress_nonmaxima`); False for maps
            that are thin already.

    Returns:
        int64 (T, 4), for each threshold: the true boundary pixels with a partner, and all of them,
        both summed over the annotators; the predicted ones with a partner of any annotator, and
        all of them.

    Raises:
        ValueError: for arrays that do not fit, probabilities outside [0, 1], or a wrong option.

    Example:

    >>> truth = np.zeros((1, 20, 20), bool)
    >>> truth[0, 8] = True
    >>> boundary_counts(truth, np.roll(truth[0], 1, 0), 1, tolerance=0.05, suppress=False)
    array([[20, 20, 20, 20]])

    Source: Martin, Fowlkes, Malik (2004), "Learning to detect natural image boundaries", section
    4; the files of the benchmark of BSDS500.
    """
    thresholds = whole_number("thresholds", thresholds)
    positive("tolerance", tolerance)
    annotations, probabilities = _checked(annotations, probabilities)
    soft = suppress_nonmaxima(probabilities) if suppress else probabilities
    levels = np.rint(soft * LEVELS).astype(np.int64)
    distance = tolerance * math.hypot(*levels.shape)
    marked = int(annotations.sum())
    counts, before = np.zeros((thresholds, 4), np.int64), None
    for place in range(thresholds):
        mask = levels * (thresholds + 1) >= LEVELS * (place + 1)
        size = int(mask.sum())
        if size == before:  # the same pixels, since masks shrink
            counts[place] = counts[place - 1]
            continue
        before, predicted = size, thin(mask)
        found, matched = 0, np.zeros(mask.shape, bool)
        for annotation in annotations:
            partners, true = match_pixels(predicted, annotation, distance)
            found += int(true.sum())
            matched |= partners
        counts[place] = found, marked, matched.sum(), predicted.sum()
    return counts


def boundary_scores(counts):
    """Returns the `BoundaryScores` of images.

    Args:
        counts: int (images, T, 4), what `boundary_counts` returned for each image.

    Example:

    >>> scores = boundary_scores([[[8, 10, 8, 8]], [[10, 10, 10, 20]]])
    >>> round(scores.ods_precision, 3), round(scores.ods_recall, 3)
    (0.643, 0.9)
    """
    counts = np.asarray(counts, np.float64)
    steps = counts.shape[1]
    thresholds = np.arange(1, steps + 1) / (steps + 1)
    precision, recall = _precision_recall(counts.sum(0))
    best = _best(thresholds, precision, recall)
    of_images = _f(*_precision_recall(counts)).argmax(1)
    chosen = counts[np.arange(len(counts)), of_images].sum(0)
    ois_precision, ois_recall = map(float, _precision_recall(chosen))
    return BoundaryScores(
        *best,
        float(_f(ois_precision, ois_recall)),
        ois_precision,
        ois_recall,
        _area(precision, recall),
        thresholds,
        precision,
        recall,
    )


class BoundaryBenchmark:
    """The Berkeley benchmark of the boundaries of a dataset, computed by all cores.

    Args:
        thresholds, tolerance, suppress: As `boundary_counts`.
        processes: Number of processes that count; None is one for each core. Small images are
            counted in the caller's.

    Example:

    >>> truth = np.zeros((1, 20, 20), bool)
    >>> truth[0, 8] = True
    >>> metric = BoundaryBenchmark(thresholds=9)
    >>> metric.update_state(truth, 0.8 * truth[0])
    >>> round(metric.result().ods, 2)
    0.89
    """

    def __init__(
        self, thresholds=THRESHOLDS, tolerance=TOLERANCE, suppress=True, *, processes=None
    ):
        self.thresholds = whole_number("thresholds", thresholds)
        self.tolerance = positive("tolerance", tolerance)
        self.suppress = bool(suppress)
        count = usable_cores() if processes is None else whole_number("processes", processes)
        self._processes = None if count == 1 else Processes(count)
        self._room = threading.Semaphore(2 * count)
        self.reset_state()

    def update_state(self, annotations, probabilities):
        """Adds an image; it waits where many are being counted.

        Args:
            annotations: bool (annotators, H, W).
            probabilities: float (H, W) in [0, 1].

        Raises:
            ValueError: as `boundary_counts`; then nothing is added.
        """
        annotations, probabilities = _checked(annotations, probabilities)
        options = self.thresholds, self.tolerance, self.suppress
        if self._processes is None or probabilities.size * self.thresholds <= SMALL:
            self._found.append(boundary_counts(annotations, probabilities, *options))
            return
        self._room.acquire()
        counted = self._processes.submit(
            f"{__name__}:boundary_counts", annotations, probabilities, *options
        )
        counted.add_done_callback(lambda _: self._room.release())
        self._found.append(counted)

    @property
    def counts(self):
        """What was counted: int64 (images, T, 4), see `boundary_counts`."""
        self._found = [one if isinstance(one, np.ndarray) else one.result() for one in self._found]
        return np.stack(self._found) if self._found else np.zeros((0, self.thresholds, 4), int)

    def result(self):
        """Returns the `BoundaryScores` of all images.

        Raises:
            ValueError: without images.
        """
        counts = self.counts
        if not len(counts):
            raise ValueError("There is no image to score: call `update_state` first.")
        return boundary_scores(counts)

    def close(self):
        """Ends the processes; after it images are counted no more."""
        if self._processes is not None:
            self._processes.close()

    def reset_state(self):
        """Removes all images."""
        self._found = []


def boundary_benchmark(pairs, thresholds=THRESHOLDS, *, progress=True, **options):
    """Returns the `BoundaryScores` of predicted boundaries.

    Args:
        pairs: Pairs (annotations, probabilities), as `boundary_counts` takes them.
        thresholds: Number of thresholds: 99 is the benchmark's, 33 costs a third.
        progress: Whether a bar is shown, on a terminal.
        **options: Those of `BoundaryBenchmark`.

    Raises:
        ValueError: without pairs, or as `boundary_counts`.

    Example:

    >>> truth = np.zeros((1, 20, 20), bool)
    >>> truth[0, 8] = True
    >>> round(boundary_benchmark([(truth, 0.8 * truth[0])], thresholds=9).ods, 2)
    0.89
    """
    metric = BoundaryBenchmark(thresholds, **options)
    count = len(pairs) if hasattr(pairs, "__len__") else None
    try:
        with ProgressBar(count, "image", progress) as bar:
            for annotations, probabilities in pairs:
                metric.update_state(annotations, probabilities)
                bar.step()
        return metric.result()
    finally:
        metric.close()


def _checked(annotations, probabilities):
    annotations, probabilities = np.asarray(annotations), np.asarray(probabilities)
    fits = annotations.ndim == 3 and probabilities.ndim == 2 and len(annotations)
    if not fits or annotations.shape[1:] != probabilities.shape:
        raise ValueError(
            "The benchmark takes annotations (annotators, H, W) and probabilities (H, W) of one "
            f"size, got {annotations.shape} and {probabilities.shape}."
        )
    if not (probabilities.min() >= 0 and probabilities.max() <= 1):
        raise ValueError(
            "Boundary probabilities are in [0, 1], got values from "
            f"{probabilities.min():g} to {probabilities.max():g}. Divide 8-bit maps by 255."
        )
    return annotations.astype(bool), probabilities


def _precision_recall(counts):
    """Precision and recall of counts (..., 4); 0 where nothing is there to be found."""
    found, true, matched, predicted = np.moveaxis(np.asarray(counts, np.float64), -1, 0)
    return matched / np.maximum(predicted, 1), found / np.maximum(true, 1)


def _f(precision, recall):
    total = precision + recall
    return 2 * precision * recall / np.where(total > 0, total, 1)


def _best(thresholds, precision, recall):
    """(F, threshold, precision, recall) of the best point on the lines between the thresholds."""
    share = np.linspace(0, 1, BETWEEN)[:, None]

    def between(values):
        if len(values) == 1:
            return np.asarray(values)
        return (share * values[1:] + (1 - share) * values[:-1]).T.ravel()

    lines = [between(values) for values in (thresholds, precision, recall)]
    scores = _f(*lines[1:])
    place = scores.argmax()
    return float(scores[place]), *(float(line[place]) for line in lines)


def _area(precision, recall):
    """The mean of the precision at the recalls 0, 0.01, ..., 1; 0 where none is measured."""
    levels, first = np.unique(recall, return_index=True)
    if len(levels) < 2:
        return 0.0
    at = np.linspace(0, 1, 101)
    return float(np.interp(at, levels, precision[first], left=0, right=0).sum() / 100)
