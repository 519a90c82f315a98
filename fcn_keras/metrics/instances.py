"""Instance-aware metrics: which objects were found, how well their outlines agree, how many.

Objects are the connected components of a class in label maps, or those of instance masks.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from fcn_keras.checks import number, one_of, whole_number
from fcn_keras.ignore import ignored_values, resolved_ignore_class
from fcn_keras.metrics.components import STRUCTURES, components, overlaps
from fcn_keras.metrics.label_maps import VOID, checked_label_maps

FOUND = 0.5  # IoU above which an object counts as found
THRESHOLDS = tuple(round(FOUND + 0.05 * step, 2) for step in range(10))


@dataclass(frozen=True, eq=False)
class InstanceScores:
    """How the objects of each class were found, over all images.

    A true and a predicted object match where their intersection over union (IoU) is above a
    threshold; from 0.5 on each has one match at most.

    Attributes:
        classes: The classes that have objects, a tuple of C numbers.
        true: int64 (C,), number of objects in the truth.
        predicted: int64 (C,), number of predicted objects.
        found: int64 (C,), number of matches above an IoU of 0.5.
        thresholds: T thresholds of the IoU, for `average_precision`.
        matched: int64 (C, T), number of matches above each threshold.
        dice: float64 (C,), 2 |both| / (|truth| + |prediction|) of the pixels of all objects.
        object_iou: float64 (C,), mean over the true objects of their IoU with the predicted
            object for which it is largest; 0 for an object that no predicted one touches.
        segmentation_quality: float64 (C,), mean IoU of the matches above 0.5.

    Values are NaN for a class that has no objects to compute them from.

    Example:

    >>> found = instance_scores([[1, 1, 0, 1]], [[1, 1, 0, 0]], num_classes=2)
    >>> found.true, found.found, found.missed, found.extra
    (array([2]), array([1]), array([1]), array([0]))
    """

    classes: tuple
    true: np.ndarray
    predicted: np.ndarray
    found: np.ndarray
    thresholds: tuple
    matched: np.ndarray
    dice: np.ndarray
    object_iou: np.ndarray
    segmentation_quality: np.ndarray

    @property
    def missed(self):
        """Number of true objects that were not found, int64 (C,): the false negatives."""
        return self.true - self.found

    @property
    def extra(self):
        """Number of predicted objects that match none, int64 (C,): the false positives."""
        return self.predicted - self.found

    @property
    def average_precision(self):
        """matched / (true + predicted - matched) at each threshold, float64 (C, T).

        This is what the Data Science Bowl 2018, StarDist and Cellpose call average precision. That
        of detectors, the area under a curve over confidences, needs a confidence of each object.
        """
        return _ratio(self.matched, (self.true + self.predicted)[:, None] - self.matched)

    @property
    def mean_average_precision(self):
        """Mean of `average_precision` over the thresholds, float64 (C,)."""
        return self.average_precision.mean(1)

    @property
    def recognition_quality(self):
        """2 found / (true + predicted), float64 (C,): the F1 score of the objects."""
        return _ratio(2 * self.found, self.true + self.predicted)

    @property
    def panoptic_quality(self):
        """`segmentation_quality` times `recognition_quality`, float64 (C,); 0 if none was found.

        Source: Kirillov et al. (2019), "Panoptic Segmentation".
        """
        return np.nan_to_num(self.segmentation_quality) * self.recognition_quality


def instance_scores(
    truth, prediction, num_classes, *, true_instances=None, predicted_instances=None, **options
):
    """Returns how the objects of one image were found.

    Args:
        truth: whole numbers (H, W), in [0, num_classes) or ignored.
        prediction: whole numbers (H, W), in [0, num_classes) wherever the truth counts.
        num_classes: Number of classes.
        true_instances: whole numbers (H, W): the number of each pixel's object, 0 for none. An
            object is of the class that most of its pixels have. Default: the objects are the
            connected components of each class.
        predicted_instances: The same of the prediction.
        **options: Those of `InstanceMetric`.

    Returns:
        An `InstanceScores`.

    Raises:
        ValueError: for maps that are not (H, W) or differ in size, a label out of range, or a
            wrong option.

    Example:

    >>> truth = np.array([[1, 1, 0, 1, 1]])
    >>> found = instance_scores(truth, [[1, 1, 0, 0, 1]], num_classes=2)
    >>> found.object_iou
    array([0.75])
    >>> found.average_precision[:, 0]       # the second has an IoU of 0.5, not above it
    array([0.33333333])
    """
    metric = InstanceMetric(num_classes, **options)
    metric.update_state(truth, prediction, true_instances, predicted_instances)
    return metric.result()


class InstanceMetric:
    """How the objects of a dataset were found, added image by image.

    Pixels that are void in the truth belong to no object. An object of which more than half is
    void does not count.

    Args:
        num_classes: Number of classes, at least 1.
        classes: The classes that have objects. Default: all but class 0, the background.
        connectivity: 4, where pixels of an object share edges, or 8, where corners suffice.
        min_area: Number of pixels below which an object is left out, true or predicted.
        thresholds: Thresholds of the IoU, in [0.5, 1).
        ignore_class: Value or values of the truth that are void, or None. "auto" is 255, or 65535
            above 255 classes.

    Raises:
        ValueError: for a wrong argument.

    Example:

    >>> metric = InstanceMetric(num_classes=2, min_area=2)
    >>> metric.update_state([[1, 1, 0, 1]], [[1, 1, 0, 0]])
    >>> metric.update_state([[1, 1, 1, 1]], [[0, 0, 0, 0]])
    >>> metric.result().recognition_quality
    array([0.66666667])
    """

    def __init__(
        self,
        num_classes,
        *,
        classes=None,
        connectivity=4,
        min_area=1,
        thresholds=THRESHOLDS,
        ignore_class="auto",
    ):
        self.num_classes = whole_number("num_classes", num_classes)
        classes = range(1, self.num_classes) if classes is None else np.ravel(classes)
        most = self.num_classes - 1
        self.classes = tuple(whole_number("classes", label, 0, most) for label in classes)
        self.connectivity = one_of("connectivity", connectivity, tuple(STRUCTURES))
        self.min_area = whole_number("min_area", min_area)
        self.thresholds = tuple(_threshold(one) for one in np.ravel(thresholds))
        self.ignored = ignored_values(resolved_ignore_class(ignore_class, self.num_classes))
        self.reset_state()

    def reset_state(self):
        """Removes all images."""
        self._sums = [_Sums(self.thresholds) for _ in self.classes]

    def update_state(self, truth, prediction, true_instances=None, predicted_instances=None):
        """Adds an image, as `instance_scores` takes it.

        Raises:
            ValueError: as `instance_scores`; then nothing is added.
        """
        maps = checked_label_maps(truth, prediction, self.num_classes, self.ignored)
        void = maps[0] == VOID
        given = (("true_instances", true_instances), ("predicted_instances", predicted_instances))
        numbered = [_checked_instances(*pair, void.shape) for pair in given]
        found = [self._objects(*pair, void) for pair in zip(maps, numbered, strict=True)]
        for sums, true, predicted in zip(self._sums, *found, strict=True):
            sums.add(true, predicted)

    def _objects(self, labels, instances, void):
        """A map of the objects that count, of each class."""
        if instances is None:
            maps = [components(labels == label, self.connectivity) for label in self.classes]
        else:
            label_of = _labels_of(instances, np.where(void, VOID, labels))[instances]
            maps = [np.where(label_of == label, instances, 0) for label in self.classes]
        return [self._counted(objects, void) for objects in maps]

    def _counted(self, objects, void):
        """The objects without void pixels, those that are mostly void, and those that are small."""
        whole = np.bincount(objects.ravel())
        objects = np.where(void, 0, objects)
        left = np.bincount(objects.ravel(), minlength=len(whole))
        return np.where(((left >= self.min_area) & (2 * left >= whole))[objects], objects, 0)

    def result(self):
        """Returns the `InstanceScores` of all images."""
        sums = {name: np.array([getattr(one, name) for one in self._sums]) for name in _SUMS}
        return InstanceScores(
            classes=self.classes,
            true=sums["true"],
            predicted=sums["predicted"],
            found=sums["found"],
            thresholds=self.thresholds,
            matched=sums["matched"].reshape(-1, len(self.thresholds)),
            dice=_ratio(2 * sums["common_pixels"], sums["pixels"]),
            object_iou=_ratio(sums["largest_iou"], sums["true"]),
            segmentation_quality=_ratio(sums["iou_of_found"], sums["found"]),
        )


class _Sums:
    """What is summed over the images for one class."""

    def __init__(self, thresholds):
        self.thresholds = np.array(thresholds)
        self.true = self.predicted = self.found = self.pixels = self.common_pixels = 0
        self.largest_iou = self.iou_of_found = 0.0
        self.matched = np.zeros(len(thresholds), np.int64)

    def add(self, true, predicted):
        """Adds the objects of an image, two maps of numbers with 0 for none."""
        pairs = pairs_of(true, predicted)
        largest = np.zeros(len(pairs.true_areas))
        np.maximum.at(largest, pairs.true, pairs.iou)
        found = pairs.iou > FOUND
        self.true += np.count_nonzero(pairs.true_areas)
        self.predicted += np.count_nonzero(pairs.predicted_areas)
        self.found += np.count_nonzero(found)
        self.matched += (pairs.iou[:, None] > self.thresholds).sum(0)
        self.pixels += pairs.true_areas.sum() + pairs.predicted_areas.sum()
        self.common_pixels += pairs.pixels.sum()
        self.largest_iou += largest.sum()
        self.iou_of_found += pairs.iou[found].sum()


class Pairs(NamedTuple):
    """The pairs of a true and a predicted object that have pixels in common.

    Attributes:
        true, predicted: The numbers of both objects, (pairs,).
        pixels: Number of pixels of both, (pairs,).
        iou: `pixels` over the number of pixels of either, (pairs,).
        true_areas, predicted_areas: Pixels of the object of each number, 0 for number 0.
    """

    true: np.ndarray
    predicted: np.ndarray
    pixels: np.ndarray
    iou: np.ndarray
    true_areas: np.ndarray
    predicted_areas: np.ndarray


def pairs_of(true, predicted):
    """Returns the `Pairs` of two maps (H, W) of the numbers of objects, 0 for none."""
    somewhere = (true > 0) | (predicted > 0)
    table = overlaps(true[somewhere], predicted[somewhere])
    areas = [np.asarray(table.sum(axis)) for axis in (1, 0)]
    for one in areas:
        one[:1] = 0
    entries = table.tocoo()
    both = (entries.row > 0) & (entries.col > 0)
    true, predicted, pixels = entries.row[both], entries.col[both], entries.data[both]
    iou = pixels / (areas[0][true] + areas[1][predicted] - pixels)
    return Pairs(true, predicted, pixels, iou, *areas)


_SUMS = (
    "true", "predicted", "found", "matched", "pixels", "common_pixels", "largest_iou",
    "iou_of_found",
)  # fmt: skip


def _checked_instances(name, instances, shape):
    """Instance numbers as int64, or None."""
    if instances is None:
        return None
    instances = np.asarray(instances)
    if instances.shape != shape or instances.dtype.kind not in "uib":
        raise ValueError(
            f"`{name}` must be whole numbers of at least 0, of the label map's shape {shape}; got "
            f"{instances.dtype} {instances.shape}."
        )
    if instances.min(initial=0) < 0:
        raise ValueError(
            f"`{name}` must be whole numbers of at least 0, which is no object; got "
            f"{instances.min()}."
        )
    return instances.astype(np.int64)


def _labels_of(instances, labels):
    """The class of each object: that of most of its pixels; VOID for objects in void alone."""
    known = labels != VOID
    table = overlaps(instances[known], labels[known])
    found = np.full(instances.max() + 1, VOID)
    found[: table.shape[0]] = np.where(table.sum(1) > 0, table.argmax(1), VOID)
    return found


def _threshold(value):
    value = number("thresholds", value, FOUND)
    if value >= 1:
        raise ValueError(f"`thresholds` must be below 1, got {value:g}.")
    return value


def _ratio(part, whole):
    """part / whole as float64; NaN where the whole is 0."""
    whole = np.asarray(whole)
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1), np.nan)
