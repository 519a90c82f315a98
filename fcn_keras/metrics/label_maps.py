"""The check of the label maps of one image, for metrics that compare shapes."""

import numpy as np

from fcn_keras.metrics.confusion import outside_message

VOID = -1


def checked_label_maps(truth, prediction, num_classes, ignored):
    """Returns both label maps as int64, with `VOID` where the truth is ignored.

    Args:
        truth: whole numbers (H, W), in [0, num_classes) or ignored.
        prediction: whole numbers (H, W), in [0, num_classes) wherever the truth counts.
        num_classes: Number of classes.
        ignored: Values of the truth that are not counted, a tuple.

    Returns:
        int64 (H, W) twice. The prediction keeps its labels in void.

    Raises:
        ValueError: for maps that are not (H, W) or differ in size, or a label out of range.
    """
    truth, prediction = np.asarray(truth), np.asarray(prediction)
    if truth.ndim != 2 or truth.shape != prediction.shape:
        raise ValueError(
            "Truth and prediction must be label maps (H, W) of one size, got truth of shape "
            f"{truth.shape} and prediction of shape {prediction.shape}."
        )
    void = np.isin(truth, ignored)
    for what, labels in (("truth", truth), ("prediction", prediction)):
        outside = ~void & ~((labels >= 0) & (labels < num_classes) & (labels == np.trunc(labels)))
        if outside.any():
            found = f" (such as {labels[outside][0]})"
            raise ValueError(outside_message(what, found, outside.sum(), num_classes, ignored))
    return np.where(void, VOID, truth.astype(np.int64)), prediction.astype(np.int64)
