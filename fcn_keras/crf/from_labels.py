"""The dense CRF of a label map: labels, and how certain they are, in place of a net's scores."""

import numpy as np

from fcn_keras.checks import number, whole_number
from fcn_keras.crf.dense import dense_crf
from fcn_keras.ignore import ignored_values, resolved_ignore_class


def scores_from_labels(labels, num_classes, *, certainty=0.7, ignore_class="auto"):
    """Returns the scores that a label map stands for, to be passed to `dense_crf`.

    The class of a pixel has the probability `certainty`, and each other class an equal share of
    the rest. A pixel that is void has the same probability for each class. These are the negative
    energies of pydensecrf's `unary_from_labels(labels, num_classes, gt_prob=certainty)`.

    Args:
        labels: Label map (H, W) or (batch, H, W) of whole numbers from 0 to num_classes - 1.
        num_classes: Number of classes, at least 2.
        certainty: Probability of a pixel's label, above 1 / num_classes and below 1.
        ignore_class: Value of the pixels without a label, several values, or None. "auto": 255,
            and 65535 above 255 classes. Labels with 0 for "unsure" and classes from 1, as in
            pydensecrf's `zero_unsure`: pass `np.where(labels == 0, 255, labels - 1)`.

    Returns:
        float32 (H, W, num_classes) or (batch, H, W, num_classes): logarithms of probabilities.

    Raises:
        ValueError: for labels that are neither classes nor void, or a `certainty` out of range.

    Example:

    ```python
    labels = np.array([[0, 1, 255]])
    np.exp(fcn_keras.crf.scores_from_labels(labels, 3, certainty=0.8))
    # [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [1/3, 1/3, 1/3]]
    ```
    """
    num_classes = whole_number("num_classes", num_classes, 2)
    certainty = _checked_certainty(certainty, num_classes)
    labels = np.asarray(labels)
    if labels.ndim not in (2, 3) or labels.dtype.kind not in "uib":
        raise ValueError(
            "`labels` must be a label map (H, W) or (batch, H, W) of whole numbers, got shape "
            f"{labels.shape} and type {labels.dtype}. For probabilities (H, W, classes) use "
            "dense_crf(probabilities, image, from_logits=False)."
        )
    void = np.isin(labels, ignored_values(resolved_ignore_class(ignore_class, num_classes)))
    wrong = ~void & ((labels < 0) | (labels >= num_classes))
    if wrong.any():
        raise ValueError(
            f"`labels` holds {labels[wrong][0]}, which is none of the {num_classes} classes 0 to "
            f"{num_classes - 1} and not `ignore_class` ({ignore_class!r})."
        )
    other = np.log((1 - certainty) / (num_classes - 1))
    scores = np.full((*labels.shape, num_classes), other, "float32")
    inside = np.where(void, 0, labels).astype("int64")
    np.put_along_axis(scores, inside[..., None], np.float32(np.log(certainty)), axis=-1)
    scores[void] = -np.log(num_classes)
    return scores


def dense_crf_from_labels(
    labels, image, num_classes, *, certainty=0.7, ignore_class="auto", **options
):
    """Returns class probabilities refined from a label map by `dense_crf`.

    It cleans rough masks: borders move to the edges of the image, specks vanish, and void pixels
    take the class of what surrounds them and looks like them.

    Args:
        labels, num_classes, certainty, ignore_class: As `scores_from_labels`.
        image: The image in RGB, 0-255, (H, W, 3) or (batch, H, W, 3).
        **options: Options of `dense_crf`: `steps=5`, `bilateral_weight=4`, ...

    Returns:
        float32 (H, W, num_classes) or (batch, H, W, num_classes): Q, whose sum over the classes
        is 1. `q.argmax(-1)` is the refined label map.

    Raises:
        ValueError: as `scores_from_labels` and `dense_crf`.

    Example:

    ```python
    image = np.zeros((20, 30, 3), "uint8")
    image[:, 12:] = 200
    labels = np.zeros((20, 30), "uint8")
    labels[:, 10:] = 1                      # two columns off
    labels[5, 5] = 255                      # void
    q = fcn_keras.crf.dense_crf_from_labels(labels, image, 2, certainty=0.6)
    q.argmax(-1)                            # 0 left of column 12, 1 from there on
    ```

    Source: `unary_from_labels` of pydensecrf, github.com/lucasb-eyer/pydensecrf.
    """
    if "from_logits" in options:
        raise ValueError("`from_logits` is for scores; labels have a `certainty` instead.")
    scores = scores_from_labels(labels, num_classes, certainty=certainty, ignore_class=ignore_class)
    return dense_crf(scores, image, **options)


def _checked_certainty(certainty, num_classes):
    certainty = number("certainty", certainty, 0, 1)
    if not 1 / num_classes < certainty < 1:
        raise ValueError(
            f"`certainty` must be above 1 / num_classes = {1 / num_classes:.3g}, at which a label "
            f"says nothing, and below 1, got {certainty:g}."
        )
    return certainty
