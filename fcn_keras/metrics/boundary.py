"""The boundary F1 measure (BF) of label maps, in NumPy and SciPy.

It matches points of contours image by image, which a compiled training step of fixed shapes cannot.
"""

import math

import numpy as np

from fcn_keras.checks import one_of, positive, whole_number
from fcn_keras.ignore import ignored_values, resolved_ignore_class
from fcn_keras.metrics.label_maps import VOID, checked_label_maps

PRESENT = ("truth", "either")


def boundary_f1(
    truth, prediction, num_classes, tolerance=0.0075, ignore_class="auto", present="truth"
):
    """Returns the boundary F1 measure of each class of one image.

    The boundary of a class consists of its pixels with a pixel of another class above, below,
    left or right; the border of the image is no boundary. Precision is the share of pixels of the
    predicted boundary that are nearer than the tolerance to the true boundary, recall the share
    of pixels of the true boundary that are nearer than it to the predicted one;
    F1 = 2 P R / (P + R).

    Where the truth is void, the prediction is set to void, and void is no other class: boundaries
    between a class and void count in neither map. Where void covers every true boundary, like the
    bands around the objects of PASCAL VOC, no boundary is left.

    Args:
        truth: whole numbers (H, W), in [0, num_classes) or ignored.
        prediction: whole numbers (H, W), in [0, num_classes) wherever the truth counts.
        num_classes: C, at least 1.
        tolerance: share of the diagonal of the image, above 0. 0.0075 of 360x480 is 4.5 pixels.
        ignore_class: value or values of the truth that are not counted, or None. "auto" is 255,
            or 65535 above 255 classes.
        present: which classes have a value: "truth", those of the truth, as published; "either",
            those of the truth or the prediction.

    Returns:
        float64 (C,), in [0, 1]; 0 where only one of the maps has a boundary of the class; NaN for
        a class that is not present, or has no boundary in both maps.

    Raises:
        ValueError: for maps that are not (H, W) or differ in size, a label out of range, or a
            wrong `tolerance` or `present`.

    Example:

    >>> truth = np.array([[0, 0, 1, 1]])
    >>> boundary_f1(truth, [[0, 1, 1, 1]], num_classes=2, tolerance=0.1)
    array([0., 0.])
    >>> boundary_f1(truth, [[0, 1, 1, 1]], num_classes=2, tolerance=0.3)  # up to 1.2 pixels
    array([1., 1.])

    Source: Csurka, Larlus, Perronnin (2013), "What is a good evaluation measure for semantic
    segmentation?"; Badrinarayanan, Kendall, Cipolla (2017), "SegNet", section 4.
    """
    num_classes = whole_number("num_classes", num_classes)
    ignored = ignored_values(resolved_ignore_class(ignore_class, num_classes))
    _check_options(tolerance, present)
    truth, prediction = checked_label_maps(truth, prediction, num_classes, ignored)
    prediction = np.where(truth == VOID, VOID, prediction)
    within = tolerance * math.hypot(*truth.shape)
    true, predicted = _boundary(truth), _boundary(prediction)
    values = np.full(num_classes, np.nan)
    for c in np.unique(np.concatenate([truth, prediction]) if present == "either" else truth):
        if c >= 0:
            points = np.argwhere(true & (truth == c)), np.argwhere(predicted & (prediction == c))
            values[c] = _f1(*points, within)
    return values


class BoundaryF1:
    """The boundary F1 measure of a dataset: the mean over images of their means over classes.

    It works on arrays, outside the training step: contours are lists of points whose number
    differs from image to image, which a compiled graph of fixed shapes cannot hold.
    `fcn_keras.evaluate(..., boundary=True)` uses it.

    Args:
        num_classes, tolerance, ignore_class, present: as for `boundary_f1`.

    Raises:
        ValueError: for a wrong argument.

    Example:

    >>> metric = BoundaryF1(num_classes=2, tolerance=0.3)
    >>> metric.update_state([[0, 0, 1, 1]], [[0, 1, 1, 1]])
    >>> metric.update_state([[0, 0, 1, 1]], [[0, 0, 0, 0]])  # no boundary is predicted
    >>> metric.result()
    0.5

    Source: Csurka, Larlus, Perronnin (2013), "What is a good evaluation measure for semantic
    segmentation?"; Badrinarayanan, Kendall, Cipolla (2017), "SegNet", section 4.
    """

    def __init__(self, num_classes, tolerance=0.0075, ignore_class="auto", present="truth"):
        self.num_classes = whole_number("num_classes", num_classes)
        self.ignore_class = resolved_ignore_class(ignore_class, self.num_classes)
        ignored_values(self.ignore_class)
        _check_options(tolerance, present)
        self.tolerance, self.present = tolerance, present
        self.reset_state()

    def update_state(self, truth, prediction):
        """Adds the label maps (H, W) of an image, or those of a batch (batch, H, W).

        Raises:
            ValueError: as `boundary_f1` does; then nothing of the batch is added.
        """
        truth, prediction = np.asarray(truth), np.asarray(prediction)
        if truth.ndim != 3 or truth.shape != prediction.shape:
            truth, prediction = truth[None], prediction[None]
        found = [
            boundary_f1(*pair, self.num_classes, self.tolerance, self.ignore_class, self.present)
            for pair in zip(truth, prediction, strict=True)
        ]
        for values in found:
            there = ~np.isnan(values)
            self._sums[there] += values[there]
            self._counts += there
            if there.any():
                self._total += float(values[there].mean())
                self.num_images += 1

    def result(self):
        """Returns the mean over images, a float in [0, 1]; NaN if no image had a boundary.

        The value of an image is the mean over its classes; images without a boundary do not
        count. `num_images` is the number of images that count.
        """
        return self._total / self.num_images if self.num_images else float("nan")

    def per_class(self):
        """Returns the mean of each class over the images with a value for it, or NaN: (C,)."""
        counts = np.where(self._counts, self._counts, 1)
        return np.where(self._counts, self._sums / counts, np.nan)

    def reset_state(self):
        """Removes all images."""
        self._sums = np.zeros(self.num_classes)
        self._counts = np.zeros(self.num_classes, np.int64)
        self._total, self.num_images = 0.0, 0


def _boundary(labels):
    """Returns which pixels have a neighbour of another class; -1 is void, and no class."""
    boundary = np.zeros(labels.shape, bool)
    for here, there in (
        ((slice(1, None), slice(None)), (slice(None, -1), slice(None))),
        ((slice(None), slice(1, None)), (slice(None), slice(None, -1))),
    ):
        a, b = labels[here], labels[there]
        differ = (a != b) & (a >= 0) & (b >= 0)
        boundary[here] |= differ
        boundary[there] |= differ
    return boundary


def _f1(true, predicted, within):
    if not len(true) and not len(predicted):
        return np.nan
    if not len(true) or not len(predicted):
        return 0.0
    precision, recall = _share_near(predicted, true, within), _share_near(true, predicted, within)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _share_near(points, others, within):
    """Returns the share of the points that are nearer than `within` to any of the others."""
    from scipy.spatial import cKDTree

    distances, _ = cKDTree(others).query(points, distance_upper_bound=within)
    return np.isfinite(distances).mean()


def _check_options(tolerance, present):
    positive("tolerance", tolerance)
    one_of("present", present, PRESENT)
