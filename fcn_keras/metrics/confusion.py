"""The confusion matrix of label maps in NumPy, and the scores computed from it.

The formulas are those of Long, Shelhamer and Darrell, "Fully Convolutional Networks", section 5.
"""

from dataclasses import dataclass

import numpy as np

from fcn_keras.checks import whole_number
from fcn_keras.ignore import ignored_values, resolved_ignore_class

_CODES = 1 << 16
_CHUNK = 1 << 18
_SAMPLE = 1 << 12
_RUN = 4


@dataclass(frozen=True, eq=False)
class Scores:
    """The scores of a segmenter, computed from a confusion matrix.

    With n_ij the number of pixels of class i predicted as class j and t_i = sum_j n_ij:

    Attributes:
        pixel_accuracy: sum_i n_ii / sum_i t_i, a float in [0, 1].
        mean_accuracy: mean of n_ii / t_i over the classes that truly occur (t_i > 0).
        mean_iou: mean of n_ii / (t_i + sum_j n_ji - n_ii) over the classes that occur in the
            truth or in the predictions. A class that is predicted but never true counts as 0.
        frequency_weighted_iou: sum_i t_i IU_i / sum_i t_i.
        iou: float64 (C,), IU of each class, NaN for a class absent from truth and predictions.
        accuracy: float64 (C,), n_ii / t_i, NaN for a class that never truly occurs.
        confusion: int64 (C, C), rows are the truth, columns the predictions.

    The four floats are NaN when nothing was counted.

    Example:

    ```python
    scores = fcn_keras.metrics.scores([[3, 1], [0, 4]])
    scores.mean_iou, scores.iou
    ```
    """

    pixel_accuracy: float
    mean_accuracy: float
    mean_iou: float
    frequency_weighted_iou: float
    iou: np.ndarray
    accuracy: np.ndarray
    confusion: np.ndarray

    @property
    def num_pixels(self):
        """Number of counted pixels, an int; void is not among them."""
        return int(self.confusion.sum())

    @property
    def num_averaged(self):
        """Number of classes in the mean of the mean IU."""
        return int(np.count_nonzero(~np.isnan(self.iou)))

    @property
    def truth_share(self):
        """Share of each class among the counted pixels, float64 (C,); NaN without pixels."""
        return _ratio(self.confusion.sum(axis=1), self.confusion.sum())

    @property
    def predicted_share(self):
        """Share of each class among the predictions, float64 (C,); NaN without pixels."""
        return _ratio(self.confusion.sum(axis=0), self.confusion.sum())

    def to_dict(self):
        """Returns the scores in JSON types: NaN becomes None, arrays become lists."""
        floats = ("pixel_accuracy", "mean_accuracy", "mean_iou", "frequency_weighted_iou")
        result = {name: _json_float(getattr(self, name)) for name in floats}
        result["iou"] = [_json_float(value) for value in self.iou]
        result["accuracy"] = [_json_float(value) for value in self.accuracy]
        result["num_pixels"] = self.num_pixels
        result["num_averaged"] = self.num_averaged
        result["confusion"] = self.confusion.tolist()
        return result


def scores(confusion, ignore_class=None):
    """Returns the four metrics and the values of each class from a confusion matrix.

    Args:
        confusion: (C, C) non-negative whole numbers; rows are the truth, columns the predictions.
        ignore_class: None, an int or several. Only values below C matter: an ignored class has
            no pixels in the truth, and is left out of the means even if it was predicted.

    Returns:
        Scores, computed in float64.

    Raises:
        ValueError: if `confusion` is not a square matrix of non-negative numbers.

    Example:

    >>> scores([[3, 1], [0, 4]]).mean_iou
    0.775

    Source: Long, Shelhamer, Darrell, "Fully Convolutional Networks for Semantic Segmentation",
    section 5, "Metrics".
    """
    confusion = np.asarray(confusion)
    if confusion.ndim != 2 or confusion.shape[0] != confusion.shape[1]:
        raise ValueError(
            f"A confusion matrix must be square, (classes, classes), got shape {confusion.shape}."
        )
    if confusion.size and not confusion.min() >= 0:
        raise ValueError(
            f"A confusion matrix must hold counts of at least 0, got {confusion.min()}."
        )
    confusion = confusion.astype(np.int64)
    right = confusion.diagonal().astype(np.float64)
    truth = confusion.sum(axis=1)
    union = truth + confusion.sum(axis=0) - confusion.diagonal()
    dropped = [c for c in ignored_values(ignore_class) if c < len(confusion)]
    union[dropped] = 0
    iou = _ratio(right, union)
    accuracy = _ratio(right, truth)
    total = truth.sum()
    return Scores(
        pixel_accuracy=float(_ratio(right.sum(), total)),
        mean_accuracy=_mean_of_present(accuracy),
        mean_iou=_mean_of_present(iou),
        frequency_weighted_iou=float(_ratio(np.nansum(truth * iou), total)),
        iou=iou,
        accuracy=accuracy,
        confusion=confusion,
    )


def confusion_matrix(truth, prediction, num_classes, ignore_class="auto"):
    """Returns how many pixels of each class were predicted as each class.

    It is fastest on uint8 maps, and where equal labels come in runs, as in real label maps.

    Args:
        truth: whole numbers of any shape, in [0, num_classes) or ignored.
        prediction: whole numbers of the same shape, in [0, num_classes) wherever the truth counts.
        num_classes: C, at least 1.
        ignore_class: value or values of the truth that are not counted, or None. "auto" is 255,
            or 65535 above 255 classes.

    Returns:
        int64 (C, C); entry (i, j) is the number of pixels of class i predicted as class j.

    Raises:
        ValueError: for a label out of range (the message gives the value and the number of
            pixels), different shapes, or labels that are not whole numbers.

    Example:

    >>> confusion_matrix([0, 1, 1, 255], [0, 1, 0, 0], num_classes=2)
    array([[1, 0],
           [1, 1]])
    """
    num_classes = whole_number("num_classes", num_classes)
    ignored = ignored_values(resolved_ignore_class(ignore_class, num_classes))
    truth, prediction = _label_array(truth, "truth"), _label_array(prediction, "prediction")
    if truth.shape != prediction.shape:
        raise ValueError(
            "Truth and prediction must be label maps of one shape, got truth of shape "
            f"{truth.shape} and prediction of shape {prediction.shape}."
        )
    pairs = _unsigned(truth), _unsigned(prediction)
    total = np.zeros((num_classes, num_classes), np.int64)
    for start in range(0, truth.size, _CHUNK):
        chunk = (labels[start : start + _CHUNK] for labels in pairs)
        counts = _count(*chunk, num_classes, ignored)
        if counts is None:
            _refuse_outside(truth, prediction, num_classes, ignored)
        total += counts
    return total


def outside_message(what, examples, count, num_classes, ignored):
    """Returns the message about labels out of range.

    Args:
        what: "truth" or "prediction".
        examples: The values, as they follow the range, or "".
        count: Number of pixels out of range.
        num_classes: Number of classes.
        ignored: The ignored values.
    """
    message = (
        f"{count} {'pixel' if count == 1 else 'pixels'} of the {what} outside "
        f"0..{num_classes - 1}{examples}. The {what} must lie in [0, num_classes) with "
        f"num_classes={num_classes}"
    )
    if what == "truth":
        void = ", ".join(map(str, ignored)) or "none"
        message += f", or be an ignored value (ignore_class: {void})"
    return message + "."


def _count(truth, prediction, num_classes, ignored):
    """Returns the counts of two short unsigned arrays; None if a label is out of range."""
    truth, prediction, lengths = _in_runs(truth, prediction)
    rows = max(int(truth.max()) + 1, num_classes)
    if rows * num_classes > _CODES or prediction.max() >= num_classes:
        counted = ~np.isin(truth, ignored)
        truth, prediction = truth[counted], prediction[counted]
        lengths = lengths if lengths is None else lengths[counted]
        if max(truth.max(initial=0), prediction.max(initial=0)) >= num_classes:
            return None
        rows = num_classes
    code = np.uint16 if rows * num_classes <= _CODES else np.intp
    codes = truth.astype(code)
    codes *= code(num_classes)
    codes += prediction.astype(code, copy=False)
    counts = np.bincount(codes, lengths, rows * num_classes).reshape(rows, num_classes)
    counts[[value for value in ignored if value < rows]] = 0
    return None if counts[num_classes:].any() else counts[:num_classes].astype(np.int64, copy=False)


def _in_runs(truth, prediction):
    """Returns one pixel for each run of equal neighbours, and the lengths of the runs.

    Where the runs are short, it returns all pixels and None, as counting runs would take longer.
    """
    if _run_ends(truth[:_SAMPLE], prediction[:_SAMPLE]) is None:
        return truth, prediction, None
    last = _run_ends(truth, prediction)
    if last is None:
        return truth, prediction, None
    ends = np.flatnonzero(last)
    lengths = ends.copy()
    lengths[0] += 1
    lengths[1:] -= ends[:-1]
    return truth[ends], prediction[ends], lengths


def _run_ends(truth, prediction):
    """Returns bool, True at the last pixel of each run; None if runs are short."""
    last = np.ones(truth.shape, bool)
    np.not_equal(truth[1:], truth[:-1], out=last[:-1])
    last[:-1] |= prediction[1:] != prediction[:-1]
    return None if np.count_nonzero(last) * _RUN > last.size else last


def _unsigned(labels):
    """Returns labels flat and unsigned, so that negative ones exceed every class."""
    return labels.ravel().view(labels.dtype.str.replace("i", "u"))


def _refuse_outside(truth, prediction, num_classes, ignored):
    counted = ~np.isin(truth, ignored)
    for what, labels in (("truth", truth[counted]), ("prediction", prediction[counted])):
        outside = labels[(labels < 0) | (labels >= num_classes)]
        if outside.size:
            values = np.unique(outside)
            shown = ", ".join(str(value) for value in values[:8]) + ", ..." * (values.size > 8)
            found = f" ({'value' if values.size == 1 else 'values'} {shown})"
            raise ValueError(outside_message(what, found, outside.size, num_classes, ignored))


def _label_array(labels, what):
    labels = np.asarray(labels)
    if labels.dtype.kind in "iu":
        return labels
    if labels.dtype.kind == "b":
        return labels.astype(np.uint8)
    if labels.dtype.kind != "f":
        raise ValueError(f"The {what} must hold whole numbers, got dtype {labels.dtype}.")
    whole = np.isfinite(labels) & (labels == np.trunc(labels))
    if not whole.all():
        raise ValueError(
            f"The {what} must hold whole numbers (class indices, not logits or probabilities), "
            f"got {labels[~whole].flat[0]} in an array of dtype {labels.dtype}."
        )
    return labels.astype(np.int64)


def _ratio(part, whole):
    """Returns part / whole in float64, NaN where `whole` is 0."""
    whole = np.asarray(whole, np.float64)
    part, whole = np.broadcast_arrays(part, whole)
    return np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)


def _mean_of_present(values):
    present = values[~np.isnan(values)]
    return float(present.mean()) if present.size else float("nan")


def _json_float(value):
    return None if np.isnan(value) else float(value)
