"""What a dense CRF accepts, and the errors for what it does not."""

import math
import operator

import numpy as np

TOLERANCE = 1e-3  # of a sum of probabilities
CHUNK = 8192


def check_steps(steps):
    """Raises ValueError for what is no number of steps."""
    try:
        right = operator.index(steps) >= 0 and not isinstance(steps, bool)
    except TypeError:
        right = False
    if not right:
        raise ValueError(f"`steps` must be a whole number from 0. Received: {steps!r}")


def check_widths(**widths):
    """Raises ValueError for what is no standard deviation."""
    for name, width in widths.items():
        if not 0 < width < math.inf:
            raise ValueError(f"`{name}` must be a number above 0. Received: {width!r}")


def check_weights(**weights):
    """Raises ValueError for what is no weight of a kernel."""
    for name, weight in weights.items():
        if not 0 <= weight < math.inf:
            raise ValueError(
                f"`{name}` must be a number from 0 (which leaves the kernel out). "
                f"Received: {weight!r}"
            )


def checked(scores, image, compatibility):
    """Scores (batch, H, W, C), images (batch, H, W, 3) and float32 (C, C) or None."""
    scores, image = np.asarray(scores), np.asarray(image)
    if scores.ndim not in (3, 4) or not scores.size or scores.dtype.kind not in "iuf":
        raise ValueError(
            "`scores` must be an array of numbers (H, W, classes) or (batch, H, W, classes). "
            f"Received shape {scores.shape} and type {scores.dtype}."
        )
    if scores.shape[-1] < 2:
        raise ValueError(
            f"`scores` of shape {scores.shape} have one class. Two are the least: of a map p of "
            "the probability of an object give np.stack([1 - p, p], -1) with from_logits=False."
        )
    if image.shape != (*scores.shape[:-1], 3):
        raise ValueError(
            f"Scores of shape {scores.shape} need an RGB image of shape "
            f"{(*scores.shape[:-1], 3)}. Received shape {image.shape}: bring both to one size; "
            "a grey image is repeated three times."
        )
    _check_range(image)
    if scores.ndim == 3:
        scores, image = scores[None], image[None]
    return scores, image, _checked_compatibility(compatibility, scores.shape[-1])


def _check_range(image):
    """Raises ValueError where an image is not in 0-255."""
    if image.dtype == np.uint8:
        return
    if image.dtype.kind not in "iuf":
        raise ValueError(f"`image` must hold numbers in 0-255. Received type {image.dtype}.")
    low, high = image.min(), image.max()
    if not (low >= 0 and high <= 255):
        raise ValueError(f"`image` must be finite and in 0-255. Received {low} to {high}.")
    if image.dtype.kind == "f" and 0 < high <= 1:
        raise ValueError(
            f"`image` must be in 0-255. Received {image.dtype} from {low} to {high}, which looks "
            "like 0-1: multiply it by 255 (an image as dark as that is given as uint8)."
        )


def _checked_compatibility(compatibility, num_classes):
    if compatibility is None:
        return None
    given = np.asarray(compatibility)
    right = given.shape == (num_classes, num_classes) and given.dtype.kind in "biuf"
    if not right or not np.isfinite(given).all():
        raise ValueError(
            f"`compatibility` must be finite numbers ({num_classes}, {num_classes}), what a pair "
            f"of classes pays. Received shape {given.shape} and type {given.dtype}."
        )
    given = given.astype(np.float32)
    if not np.allclose(given, given.T, rtol=1e-5, atol=1e-6):
        i, j = np.unravel_index(np.abs(given - given.T).argmax(), given.shape)
        raise ValueError(
            f"`compatibility` must be symmetric. Received {given[i, j]} at ({i}, {j}) and "
            f"{given[j, i]} at ({j}, {i}); (m + m.T) / 2 is symmetric."
        )
    return np.ascontiguousarray(given)


def log_scores(scores, from_logits, run):
    """Float32 (N, C): logits less their largest, or the logarithms of probabilities."""
    logs = np.empty(scores.shape, np.float32)
    convert = _shifted if from_logits else _logarithms
    kind = np.result_type(scores, np.float32)
    parts = [slice(at, at + CHUNK) for at in range(0, len(scores), CHUNK)]
    run(lambda part: convert(scores[part].astype(kind, copy=False), logs[part]), parts)
    return logs


def _shifted(logits, logs):
    largest = logits.max(1, keepdims=True)
    if not np.isfinite(largest).all() or not np.isfinite(logits.min()):
        raise ValueError(
            "`scores` must be finite. Received NaN or infinite values, such as "
            f"{logits[~np.isfinite(logits)][0]}."
        )
    np.subtract(logits, largest, out=logs, casting="same_kind")


def _logarithms(probabilities, logs):
    sums = probabilities.sum(1)
    wrong = ~(np.abs(sums - 1) <= TOLERANCE)
    if wrong.any() or probabilities.min() < 0:
        found = f"a sum of {sums[wrong][0]}" if wrong.any() else f"{probabilities.min()}"
        raise ValueError(
            "With from_logits=False `scores` must be probabilities, at least 0 and of sum 1 over "
            f"the classes, within {TOLERANCE}. Received {found}: divide by the sums, or leave "
            "from_logits=True for logits."
        )
    np.log(np.maximum(probabilities, np.finfo(np.float32).tiny), out=logs, casting="same_kind")
