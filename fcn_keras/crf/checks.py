"""Checks of the arguments of a dense CRF, and the logarithms of its scores."""

import numpy as np

from fcn_keras.checks import number, positive

TOLERANCE = 1e-3  # of a sum of probabilities
CHUNK = 8192


def check_widths(**widths):
    """Raises ValueError for a width that is not a finite number above 0."""
    for name, width in widths.items():
        positive(name, width)


def check_weights(**weights):
    """Raises ValueError for a weight that is not a finite number of at least 0."""
    for name, weight in weights.items():
        number(name, weight)


def checked(scores, image, compatibility):
    """Returns scores (batch, H, W, C), images (batch, H, W, 3) and float32 (C, C) or None.

    Raises:
        ValueError: for shapes that do not fit, or values that are not possible.
    """
    scores, image = np.asarray(scores), np.asarray(image)
    if scores.ndim not in (3, 4) or not scores.size or scores.dtype.kind not in "iuf":
        raise ValueError(
            "`scores` must be an array of numbers (H, W, classes) or (batch, H, W, classes), "
            f"got shape {scores.shape} and type {scores.dtype}."
        )
    if scores.shape[-1] < 2:
        raise ValueError(
            f"`scores` must have at least two classes, got shape {scores.shape}, one class. For a "
            "map p of probabilities pass np.stack([1 - p, p], -1) and from_logits=False."
        )
    if image.shape != (*scores.shape[:-1], 3):
        raise ValueError(
            f"Scores of shape {scores.shape} need an RGB image of shape "
            f"{(*scores.shape[:-1], 3)}, got shape {image.shape}. Resize one of them; repeat the "
            "channel of a grey image three times."
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
        raise ValueError(f"`image` must hold numbers from 0 to 255, got type {image.dtype}.")
    low, high = image.min(), image.max()
    if not (low >= 0 and high <= 255):
        raise ValueError(f"`image` must hold finite numbers from 0 to 255, got {low} to {high}.")
    if image.dtype.kind == "f" and 0 < high <= 1:
        raise ValueError(
            f"`image` must hold numbers from 0 to 255, got {image.dtype} from {low} to {high}, "
            "which looks like 0-1: multiply it by 255 (or, if it is that dark, pass uint8)."
        )


def _checked_compatibility(compatibility, num_classes):
    if compatibility is None:
        return None
    given = np.asarray(compatibility)
    right = given.shape == (num_classes, num_classes) and given.dtype.kind in "biuf"
    if not right or not np.isfinite(given).all():
        raise ValueError(
            f"`compatibility` must be finite numbers ({num_classes}, {num_classes}), the cost of "
            f"each pair of classes, got shape {given.shape} and type {given.dtype}."
        )
    given = given.astype(np.float32)
    if not np.allclose(given, given.T, rtol=1e-5, atol=1e-6):
        i, j = np.unravel_index(np.abs(given - given.T).argmax(), given.shape)
        raise ValueError(
            f"`compatibility` must be symmetric, got {given[i, j]} at ({i}, {j}) and "
            f"{given[j, i]} at ({j}, {i}). (m + m.T) / 2 is symmetric."
        )
    return np.ascontiguousarray(given)


def log_scores(scores, from_logits, run):
    """Returns float32 (N, C): logits minus their largest, or the logarithms of probabilities.

    Args:
        scores: Numbers (N, C).
        from_logits: Whether the scores are logits.
        run: `run(function, items)` returns the list of results.

    Raises:
        ValueError: for logits that are not finite, or for what is no probabilities.
    """
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
            f"`scores` must be finite, got {logits[~np.isfinite(logits)][0]} among them."
        )
    np.subtract(logits, largest, out=logs, casting="same_kind")


def _logarithms(probabilities, logs):
    sums = probabilities.sum(1)
    wrong = ~(np.abs(sums - 1) <= TOLERANCE)
    if wrong.any() or probabilities.min() < 0:
        found = f"a sum of {sums[wrong][0]}" if wrong.any() else f"{probabilities.min()}"
        raise ValueError(
            "With from_logits=False `scores` must be probabilities, at least 0 and of sum 1 over "
            f"the classes, within {TOLERANCE}, got {found}: divide by the sums, or keep "
            "from_logits=True for logits."
        )
    np.log(np.maximum(probabilities, np.finfo(np.float32).tiny), out=logs, casting="same_kind")
