"""The end of a training: what its best epoch makes of validation images, drawn and said."""

import contextlib

import keras
import numpy as np

from fcn_keras import visualize
from fcn_keras.inference import segment
from fcn_keras.training import callbacks as between_epochs

PICTURED = 4


def conclude(folder, rows, val_data):
    """Draws what the run came to, and says it."""
    best = between_epochs.best_epoch(rows)
    if best is None:
        print(f"finished: {folder.last}")
        return
    chosen = keras.models.load_model(folder.best, compile=False)
    pictures = _readable(val_data, _spread(len(val_data), PICTURED))
    predictions = [segment(chosen, image) for image, _ in pictures]
    images, truths = zip(*pictures, strict=True)
    visualize.comparison(images, truths, predictions, val_data.labels, folder.predictions)
    score = rows[best - 1][between_epochs.MONITOR]
    print(f"best validation mean IoU {score:.4f} in epoch {best}: {folder.best}")


def _readable(data, indices):
    """The examples of these numbers that can be read; there is one, as it was validated on."""
    found = []
    for index in indices:
        with contextlib.suppress(OSError, ValueError):
            found.append(data[index])
    return found or _readable(data, range(len(data)))[:1]


def _spread(length, count):
    """`count` indices over the whole length, or all of them."""
    return np.unique(np.linspace(0, length - 1, count).astype(int))
