"""Callbacks of a training: they keep the run folder whole, warn, and draw between epochs."""

import contextlib
import time
import warnings
from dataclasses import dataclass

import keras
import numpy as np

from fcn_keras import metrics
from fcn_keras.training.batch_norm import refresh_batch_norm
from fcn_keras.training.optional_files import optional

DOMINANT = 0.99


@dataclass(frozen=True)
class Monitor:
    """The figure that the best epoch is chosen by.

    Attributes:
        name: Its column in the history, such as "val_mean_iou".
        mode: "max" where more is better, or "min".
    """

    name: str = "val_mean_iou"
    mode: str = "max"

    def best_epoch(self, rows):
        """Returns the first epoch of the best value, or None where none was measured."""
        measured = [row for row in rows if row.get(self.name) is not None]
        if not measured:
            return None
        sign = 1 if self.mode == "max" else -1
        return max(measured, key=lambda row: (sign * row[self.name], -row["epoch"]))["epoch"]


class DivergedError(RuntimeError):
    """The loss became NaN or infinite.

    Example:

    ```python
    data = fcn_keras.data.load("digits")
    try:
        fcn_keras.training.train(model, data, out="runs/fast", epochs=1, learning_rate=1e6)
    except fcn_keras.training.DivergedError as error:
        print(error)
    ```
    """


class KeepRun(keras.callbacks.Callback):
    """Writes the run folder at the end of each epoch: checkpoint, history, best model.

    Where the optimizer averages the weights, the average is saved in the model and the weights in
    the optimizer, because the average is what is used later. The checkpoint comes first and holds
    the history; best.keras is the last to be written, and is written again on resume where the
    last epoch is the best. So a process killed at any moment leaves a folder that can be resumed.

    Args:
        folder: A `RunFolder`.
        rows: The history so far, a list of dicts; each epoch appends one.
        monitor: The `Monitor` of the best epoch.
    """

    def __init__(self, folder, rows, monitor):
        super().__init__()
        self.folder = folder
        self.rows = rows
        self.monitor = monitor

    def on_epoch_begin(self, epoch, logs=None):
        self._started = time.perf_counter()
        self._rate = float(self.model.optimizer.learning_rate)

    def on_epoch_end(self, epoch, logs=None):
        self._refuse_nan(epoch, logs)
        row = {
            "epoch": epoch + 1,
            "seconds": round(time.perf_counter() - self._started, 2),
            "learning_rate": _rounded(self._rate),
            **{name: _rounded(value) for name, value in logs.items()},
        }
        self.rows.append(row)
        with averaged(self.model):
            self.folder.save_last(self.model, self.rows)
            if self.monitor.best_epoch(self.rows) == row["epoch"]:
                self.folder.save_best(self.model)

    def _refuse_nan(self, epoch, logs):
        if np.isfinite(logs["loss"]):
            return
        for metric in mean_ious_of(self.model):
            metric.confusion()  # raises where labels out of range are the cause
        raise DivergedError(
            f"The loss became {logs['loss']} in epoch {epoch + 1}: the training has diverged. "
            "Use a lower learning rate, or a longer warm-up."
        )


class RefreshBatchNorm(keras.callbacks.Callback):
    """Recomputes the BatchNormalization statistics on training batches before each validation."""

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def on_test_begin(self, logs=None):
        refresh_batch_norm(self.model, self.batches)


class WarnOfOneClass(keras.callbacks.Callback):
    """Warns when one class takes more than 99% of the predictions, or is the only true one.

    It warns once for each class that is predicted, and once for the truth.
    """

    def __init__(self, labels):
        super().__init__()
        self.labels = labels
        self.warned_of = None
        self.warned_of_truth = False

    def on_epoch_end(self, epoch, logs=None):
        confusion = mean_ious_of(self.model)[0].confusion()
        if not confusion.any():
            return
        predicted, true = (confusion.sum(axis) / confusion.sum() for axis in (0, 1))
        first = int(predicted.argmax())
        where = "validation" if "val_loss" in logs else "training"
        if true.max() == 1 and not self.warned_of_truth:
            self.warned_of_truth = True
            warnings.warn(
                f"Epoch {epoch + 1}: every {where} pixel that counts is "
                f"{self.labels.names[int(true.argmax())]!r}. Check the masks (fcn-keras "
                "check-data): they show one class alone.",
                stacklevel=1,
            )
        others_missed = 1 - predicted[first] < (1 - true[first]) / 2
        if predicted[first] <= DOMINANT or not others_missed:
            self.warned_of = None
        elif self.warned_of != first:
            self.warned_of = first
            warnings.warn(
                f"Epoch {epoch + 1}: {predicted[first]:.1%} of the {where} pixels are predicted as "
                f"{self.labels.names[first]!r}, though only {true[first]:.1%} are. "
                "If this does not change, check the masks (fcn-keras check-data), use a higher "
                "learning rate, or use class weights.",
                stacklevel=1,
            )


class Draw(keras.callbacks.Callback):
    """Draws curves.png at the end, and at most every `seconds` before."""

    def __init__(self, folder, rows, seconds=30):
        super().__init__()
        self.folder = folder
        self.rows = rows
        self.seconds = seconds
        self._drawn = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        if time.monotonic() - self._drawn > self.seconds:
            self.on_train_end()
            self._drawn = time.monotonic()

    def on_train_end(self, logs=None):
        from fcn_keras import visualize

        if self.rows:
            with optional("curves.png"):
                visualize.curves(self.rows, self.folder.curves)


class WriteEvents(keras.callbacks.Callback):
    """Writes each epoch's numbers as TensorBoard scalars; needs TensorFlow, not TensorBoard.

    Keras's own TensorBoard callback needs the tensorboard package even for writing.
    """

    def __init__(self, folder):
        super().__init__()
        self.folder = folder

    def on_train_begin(self, logs=None):
        import tensorflow as tf

        plugin = tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars")
        self._metadata = tf.compat.v1.SummaryMetadata(plugin_data=plugin)
        self._writer = None
        with optional("tensorboard/"):
            self._writer = tf.summary.create_file_writer(str(self.folder.events))

    def on_epoch_begin(self, epoch, logs=None):
        self._rate = self.model.optimizer.learning_rate

    def on_epoch_end(self, epoch, logs=None):
        if self._writer is not None:
            with optional("tensorboard/"):
                self._write(epoch, {**logs, "learning_rate": self._rate})

    def _write(self, epoch, logs):
        import tensorflow as tf

        with self._writer.as_default(epoch + 1):
            for name, value in logs.items():
                value = tf.constant(float(value), tf.float32)
                tf.summary.write(f"epoch_{name}", value, metadata=self._metadata)
        self._writer.flush()

    def on_train_end(self, logs=None):
        if self._writer is not None:
            with optional("tensorboard/"):
                self._writer.close()


@contextlib.contextmanager
def averaged(model):
    """Within it a model whose optimizer averages its weights (`use_ema`) has the average."""
    if not averages(model.optimizer):
        yield
        return
    swap_averages(model)
    try:
        yield
    finally:
        swap_averages(model)


def swap_averages(model):
    """Swaps the weights and the optimizer's running average of them."""
    swap = keras.callbacks.SwapEMAWeights()
    swap.set_model(model)
    swap.on_test_begin()


def averages(optimizer):
    """Returns whether an optimizer keeps a running average of the weights."""
    return innermost(optimizer).use_ema


def innermost(optimizer):
    """Returns the optimizer inside a loss-scaling one, or the optimizer itself."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def mean_ious_of(model):
    """Returns the `MeanIoU` metrics that a model was compiled with."""
    found = (part for metric in model.metrics for part in (metric, *_parts(metric)))
    return [metric for metric in found if isinstance(metric, metrics.MeanIoU)]


def _parts(metric):
    """Returns the metrics inside Keras's `CompileMetrics`, or ()."""
    return getattr(metric, "metrics", ())


def _rounded(value):
    """Returns a float of seven digits; None for NaN, which JSON does not have."""
    value = float(value)
    return float(f"{value:.7g}") if np.isfinite(value) else None
