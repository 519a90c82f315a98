"""V-Rand and V-Info: how well borders, such as membranes, divide an image into its regions.

A pixel of a thin border decides whether two regions are one, which metrics that count pixels miss.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from fcn_keras.checks import number, one_of
from fcn_keras.metrics.components import numbered_regions, overlaps
from fcn_keras.metrics.thinning import thin_borders

THRESHOLDS = tuple(tenth / 10 for tenth in range(1, 10))
RAND, INFORMATION = "rand", "information"
AVERAGES = ("stack", "slices")


@dataclass(frozen=True, eq=False)
class PartitionScore:
    """V-Rand or V-Info of a stack of slices; 1 is perfect.

    Attributes:
        score: The score at the best threshold, in [0, 1].
        split: The same without what merged regions cost: 1 if no true region is divided.
        merge: The same without what divided regions cost: 1 if no predicted region lies in
            several true ones. `score` is the harmonic mean of both, of each slice or of the
            stack.
        threshold: The best threshold of the probabilities, or None where regions were given.
        per_slice: float64 (slices,), the scores of the slices at this threshold.
        thresholds: All thresholds.
        per_threshold: float64 (thresholds,), the score at each.

    Floats are NaN where the truth has no region.

    Example:

    >>> found = rand_score(np.array([[1, 1, 0, 1]]), np.array([[0.9, 0.8, 0.6, 0.7]]))
    >>> found.score, found.threshold
    (1.0, 0.6)
    """

    score: float
    split: float
    merge: float
    threshold: float | None
    per_slice: np.ndarray
    thresholds: tuple
    per_threshold: np.ndarray


def rand_score(truth, prediction, *, thresholds=THRESHOLDS, thin=True, average="stack"):
    """Returns V-Rand, the foreground-restricted Rand score of the ISBI 2012 challenge.

    Of all pairs of pixels in the true regions: `split` is the share of the pairs in one true
    region that are also in one predicted region, `merge` the share of the pairs in one predicted
    region that are also in one true region, and the score is their F-measure. Every pixel pairs
    with itself too. Pixels that are border in the truth do not count; pixels that are border in
    the prediction only are each a region of their own. 30 slices of 512x512 with nine thresholds
    take 5 s of a core, and 1.5 s without thinning.

    Args:
        truth: (H, W), or (slices, H, W): a mask of the regions (bool, 0 and 1, 0 and 255), whose
            4-connected components in each slice they are; or the number of each pixel's region,
            0 on borders.
        prediction: The same shape: floats in [0, 1], the probabilities that a pixel belongs to a
            region and not to a border; or a mask or numbers, as for `truth`.
        thresholds: Probabilities above which a pixel belongs to a region; the best is taken.
        thin: Whether predicted borders are first made one pixel wide by `thin_borders`, as in the
            challenge. Otherwise wide borders cost as much as wrong ones.
        average: "stack" counts the pairs of all slices together, "slices" is the mean of the
            slices' scores. Default: as in the challenge's script.

    Returns:
        A `PartitionScore`.

    Raises:
        ValueError: for different or other shapes, probabilities outside of [0, 1], or a wrong
            option.

    Example:

    >>> truth = np.array([[1, 1, 0, 1]])
    >>> rand_score(truth, np.array([[0.9, 0.8, 0.2, 0.7]])).score
    1.0
    >>> round(rand_score(truth, np.ones((1, 4))).score, 4)      # both regions are one
    0.7143

    Source: Arganda-Carreras et al. (2015), "Crowdsourcing the creation of image segmentation
    algorithms for connectomics".
    """
    metric = PartitionMetric(thresholds, thin)
    metric.update_state(truth, prediction)
    return metric.rand_score(average)


def information_score(truth, prediction, *, thresholds=THRESHOLDS, thin=True, average="slices"):
    """Returns V-Info, the information theoretic score of the ISBI 2012 challenge.

    With the mutual information I of the true and the predicted regions of the pixels and their
    entropies H: `split` is I / H(prediction), `merge` I / H(truth), and the score is
    2 I / (H(truth) + H(prediction)). Which pixels count is as in `rand_score`.

    Args:
        truth, prediction, thresholds, thin: As for `rand_score`.
        average: "slices" is the mean of the slices' scores, "stack" adds the information of all
            slices, weighted by their pixels. Default: as in the challenge's script.

    Returns:
        A `PartitionScore`.

    Raises:
        ValueError: as `rand_score`.

    Example:

    >>> truth = np.array([[1, 1, 0, 1]])
    >>> information_score(truth, np.array([[0.9, 0.8, 0.2, 0.7]])).score
    1.0
    >>> information_score(truth, np.ones((1, 4))).score         # both regions are one
    0.0

    Source: Arganda-Carreras et al. (2015), "Crowdsourcing the creation of image segmentation
    algorithms for connectomics".
    """
    metric = PartitionMetric(thresholds, thin)
    metric.update_state(truth, prediction)
    return metric.information_score(average)


class PartitionMetric:
    """V-Rand and V-Info of a dataset, added slice by slice.

    Args:
        thresholds, thin: As for `rand_score`.

    Raises:
        ValueError: for thresholds that are none, or outside of [0, 1].

    Example:

    >>> metric = PartitionMetric(thin=False)
    >>> metric.update_state([[1, 1, 0, 1]], [[1, 1, 0, 1]])
    >>> metric.update_state([[1, 1, 0, 1]], [[1, 1, 1, 1]])
    >>> metric.information_score().per_slice
    array([1., 0.])
    """

    def __init__(self, thresholds=THRESHOLDS, thin=True):
        self.thresholds = tuple(number("thresholds", one, 0, 1) for one in np.ravel(thresholds))
        if not self.thresholds:
            raise ValueError("`thresholds` must have one number at least, got none.")
        self.thin = one_of("thin", thin, (True, False))
        self.reset_state()

    def reset_state(self):
        """Removes all slices."""
        self._sums = {RAND: [], INFORMATION: []}
        self._given = None

    def update_state(self, truth, prediction):
        """Adds a slice (H, W), or several (slices, H, W), as `rand_score` takes them.

        Raises:
            ValueError: as `rand_score`; and for probabilities after regions, or regions after
                probabilities. Then nothing is added.
        """
        truth, prediction = np.asarray(truth), np.asarray(prediction)
        if truth.ndim not in (2, 3) or truth.shape != prediction.shape:
            raise ValueError(
                "Truth and prediction must be maps (H, W) or stacks (slices, H, W) of one size, "
                f"got truth of shape {truth.shape} and prediction of shape {prediction.shape}."
            )
        given = "probabilities" if prediction.dtype.kind == "f" else "regions"
        if self._given not in (None, given):
            raise ValueError(
                f"The slices before had {self._given}, this one has {given}: give all in one form."
            )
        if given == "probabilities" and not ((prediction >= 0) & (prediction <= 1)).all():
            raise ValueError(
                "The probabilities that pixels belong to a region must be in [0, 1], got "
                f"{np.min(prediction)} to {np.max(prediction)}. Regions are whole numbers."
            )
        shape = (-1, *truth.shape[-2:])
        pairs = zip(truth.reshape(shape), prediction.reshape(shape), strict=True)
        found = [self._of_slice(*pair) for pair in pairs]
        self._given = given
        for name, sums in self._sums.items():
            sums.extend(one[name] for one in found)

    def rand_score(self, average="stack"):
        """Returns the `PartitionScore` of V-Rand; `average` as for `rand_score`."""
        return self._score(RAND, average)

    def information_score(self, average="slices"):
        """Returns the `PartitionScore` of V-Info; `average` as for `information_score`."""
        return self._score(INFORMATION, average)

    def _of_slice(self, truth, prediction):
        """{score: (thresholds, 4)} of a slice; of regions there is one threshold."""
        truth = numbered_regions(truth)
        maps = [prediction]
        if prediction.dtype.kind == "f":
            maps = (prediction > threshold for threshold in self.thresholds)
        tables = [self._overlaps(truth, regions) for regions in maps]
        return {name: np.array([sums(table) for table in tables]) for name, sums in SUMS.items()}

    def _overlaps(self, truth, regions):
        """The overlaps of regions in the pixels that belong to a region of the truth."""
        regions = numbered_regions(regions)
        if self.thin:
            regions = thin_borders(regions)
        counted = truth > 0
        return overlaps(truth[counted], regions[counted])

    def _score(self, name, average):
        one_of("average", average, AVERAGES)
        if not self._sums[name]:
            raise ValueError("There is no score without a slice: call `update_state` first.")
        sums = np.stack(self._sums[name])  # (slices, thresholds, 4)
        per_slice, per_threshold = _f_measure(sums), _f_measure(sums.sum(0))
        if average == "slices" and (counted := sums[:, 0, 0] > 0).any():
            per_threshold = per_slice[counted].mean(0)
        best = int(np.nan_to_num(per_threshold).argmax())
        best_sums = sums[:, best] if average == "slices" else sums[:, best].sum(0, keepdims=True)
        splits, merges = (2, 3) if name == RAND else (3, 2)
        thresholds = self.thresholds if self._given == "probabilities" else ()
        return PartitionScore(
            score=float(per_threshold[best]),
            split=_mean_share(best_sums, splits),
            merge=_mean_share(best_sums, merges),
            threshold=thresholds[best] if thresholds else None,
            per_slice=per_slice[:, best],
            thresholds=thresholds,
            per_threshold=per_threshold,
        )


def _pairs(table):
    """[pixels, pairs of them in one region of both maps, of the truth, of the prediction].

    A pixel on a line of the prediction pairs with itself alone.
    """
    inside, lines = table[:, 1:], table[:, :1].sum()
    counts = inside.data, table.sum(1), inside.sum(0)
    both, true, predicted = ((one.astype(float) ** 2).sum() for one in counts)
    return [table.sum(), both + lines, true, predicted + lines]


def _information(table):
    """[pixels, mutual information, entropy of the truth, of the prediction], times the pixels.

    A pixel on a line of the prediction is a region of its own, which adds 1 ln 1 = 0 to the sums.
    """
    pixels, inside = table.sum(), table[:, 1:]
    counts = inside.data, table.sum(1), inside.sum(0)
    both, true, predicted = (
        special.xlogy(pixels, pixels) - special.xlogy(one, one).sum() for one in counts
    )
    return [pixels, max(0.0, min(true + predicted - both, true, predicted)), true, predicted]


SUMS = {RAND: _pairs, INFORMATION: _information}


def _f_measure(sums):
    """F-measures of (..., 4); NaN without pixels, 1 where there is nothing to tell apart."""
    pixels, both, true, predicted = np.moveaxis(sums, -1, 0)
    total = true + predicted
    score = np.where(total > 0, 2 * both / np.where(total > 0, total, 1), 1.0)
    return np.where(pixels > 0, score, np.nan)


def _mean_share(sums, whole):
    """The mean over slices of both / whole; 1 where there is nothing to tell apart."""
    sums = sums[sums[:, 0] > 0]
    if not len(sums):
        return float("nan")
    part, whole = sums[:, 1], sums[:, whole]
    return float(np.where(whole > 0, part / np.where(whole > 0, whole, 1), 1.0).mean())
