"""The learning rate sweep: a short training whose rate grows from step to step."""

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from matplotlib.figure import Figure

from fcn_keras.keras_internals import all_layers
from fcn_keras.training import compiling
from fcn_keras.training.batch_norm import fused_batch_norm
from fcn_keras.training.checks import with_channels_of
from fcn_keras.training.loop import build_net
from fcn_keras.training.recipes import make_recipe

WINDOW = 20
HOPELESS = 4.0
MARGIN = 10.0


@dataclass(frozen=True, eq=False)
class RateSweep:
    """The losses of a training with a growing learning rate.

    Attributes:
        rates: float64 (steps,), the rate of each step, growing by a constant factor.
        losses: float64 (steps,), the loss of each step's batch before its update.
        smoothed: float64 (steps,), the losses averaged with their neighbours.
        suggested: A tenth of the rate at which the smoothed loss is lowest.
        bounded: Whether the loss rose again within the sweep. If not, a sweep to higher rates
            may suggest a higher one.

    Example:

    ```python
    rates = np.geomspace(1e-5, 1, 50)
    found = fcn_keras.training.sweep.RateSweep(rates, np.where(rates < 0.1, 1 - rates, rates * 9))
    found.suggested
    ```

    Source: Smith (2017), "Cyclical Learning Rates for Training Neural Networks", section 3.3.
    """

    rates: np.ndarray
    losses: np.ndarray

    @property
    def smoothed(self):
        reach = max(1, len(self.losses) // WINDOW)
        window = np.concatenate([np.arange(1, reach + 1), np.arange(reach + 1, 0, -1)])
        weights = np.convolve(np.ones(len(self.losses)), window)[reach:-reach]
        return np.convolve(self.losses, window)[reach:-reach] / weights

    @property
    def suggested(self):
        return float(self.rates[np.nanargmin(self.smoothed)] / MARGIN)

    @property
    def bounded(self):
        smoothed = self.smoothed
        lowest, start = np.nanmin(smoothed), smoothed[0]
        return bool(smoothed[-1] - lowest > 0.1 * max(start - lowest, 1e-12))

    def draw(self, path):
        """Draws loss over rate, with the suggestion marked.

        Args:
            path: The file to write; its suffix chooses the format.

        Returns:
            The path.
        """
        figure = Figure(figsize=(6.4, 4.0), layout="constrained")
        axes = figure.subplots()
        axes.plot(self.rates, self.losses, color="#bbbbbb", lw=0.8, label="each batch")
        axes.plot(self.rates, self.smoothed, color="#3465a4", label="smoothed")
        label = f"suggested: {self.suggested:.2g}"
        axes.axvline(self.suggested, color="#d9660d", ls="--", label=label)
        low, high = np.nanmin(self.losses), np.nanmax(self.smoothed)
        axes.set(xscale="log", xlabel="learning rate", ylabel="loss")
        margin = 0.05 * (high - low) or 0.1
        axes.set_ylim(low - margin, high + margin)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, loc="lower left")
        figure.savefig(path, dpi=120)
        return Path(path)


class _Watch(keras.callbacks.Callback):
    """Keeps the loss of each batch; stops when it is far above its minimum."""

    def __init__(self):
        super().__init__()
        self.losses = []

    def on_train_batch_begin(self, batch, logs=None):
        self.model.reset_metrics()

    def on_train_batch_end(self, batch, logs=None):
        loss = float(logs["loss"])
        if np.isfinite(loss):
            self.losses.append(loss)
        if not np.isfinite(loss) or loss > HOPELESS * min(self.losses):
            self.model.stop_training = True


def find_lr(model, data, recipe=None, *, lowest=1e-6, highest=1.0, steps=100, class_weights=None):
    """Sweeps the learning rate over a few steps of training and suggests one.

    The rate grows from `lowest` to `highest` by a constant factor in each step. The sweep ends
    when the loss exceeds four times its minimum or is NaN. Afterwards the model has its former
    weights again.

    Args:
        model: A Keras model that returns logits or values (batch, H, W, channels), which is
            compiled here; None builds the recipe's net in the recipe's precision.
        data: The training `fcn_keras.data.Dataset`.
        recipe: A `Recipe`, or the name of one; its learning rate and schedule are not used.
            Default: `Recipe()`.
        lowest: First learning rate.
        highest: Last learning rate.
        steps: Number of batches.
        class_weights: One number for each class, in place of the recipe's.

    Returns:
        A `RateSweep`.

    Raises:
        ValueError: for rates that do not grow, fewer than 2 steps, or a loss that is NaN from
            the first step on.

    Example:

    ```python
    found = fcn_keras.training.find_lr(model, dataset, "small-data", steps=2)
    found.draw("lr.png")
    print(found.suggested)
    ```

    Source: Smith (2017), "Cyclical Learning Rates for Training Neural Networks", section 3.3.
    """
    if not 0 < lowest < highest or steps < 2:
        raise ValueError(
            f"The sweep needs 0 < lowest < highest and at least 2 steps, got lowest={lowest!r}, "
            f"highest={highest!r}, steps={steps!r}."
        )
    plan = make_recipe(recipe)
    if model is None:
        plan, model = build_net(plan, data)
    plan = plan.resolved(data)
    (data,) = with_channels_of(model, data)
    before = model.get_weights()
    trainable = [(layer, layer.trainable) for layer in all_layers(model)]
    growth = (highest / lowest) ** (1 / (steps - 1))
    rate = keras.optimizers.schedules.ExponentialDecay(lowest, 1, growth)
    weights = compiling.weights_of(plan, data) if class_weights is None else class_weights
    watch = _Watch()
    compiling.compile_with(model, plan, rate, compiling.tasks_of(model, data), weights)
    keras.utils.set_random_seed(plan.seed)
    try:
        with fused_batch_norm(model):
            model.fit(
                plan.batches(data, class_weights=weights).repeat(),
                steps_per_epoch=steps,
                epochs=1,
                callbacks=[watch],
                shuffle=False,
                verbose=0,
            )
    finally:
        for layer, state in trainable:
            layer.trainable = state
        model.set_weights(before)
    if not watch.losses:
        raise ValueError(f"The loss is NaN at a rate of {lowest:g}: use a lower `lowest`.")
    losses = np.array(watch.losses)
    return RateSweep(lowest * growth ** np.arange(len(losses)), losses)
