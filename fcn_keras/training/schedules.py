"""Schedules of the learning rate: constant, cosine, poly or step, after a linear warm-up.

All depend only on the optimizer's step, so that a resumed training continues where it stopped.
"""

import keras
from keras import ops

from fcn_keras.checks import one_of
from fcn_keras.training.choices import DROPS, SCHEDULES


@keras.saving.register_keras_serializable("fcn_keras")
class PolyDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up, then `learning_rate * (1 - progress) ** power` down to zero.

    Args:
        learning_rate: Highest rate, reached at the end of the warm-up.
        steps: Steps of the whole training, the warm-up included.
        power: Exponent; 1 is a straight line.
        warmup_steps: Steps of the warm-up; Keras's `PolynomialDecay` has none.

    Example:

    ```python
    keras.optimizers.AdamW(fcn_keras.training.PolyDecay(1e-3, steps=5000, warmup_steps=100))
    ```

    Source: Chen et al. (2018), "DeepLab", section 4.1.2 ("poly", power 0.9).
    """

    def __init__(self, learning_rate, steps, power=0.9, warmup_steps=0):
        super().__init__()
        self.learning_rate = learning_rate
        self.steps = steps
        self.power = power
        self.warmup_steps = warmup_steps

    def __call__(self, step):
        step = ops.cast(step, "float32")
        warmup = (step + 1) / (self.warmup_steps + 1)
        progress = (step - self.warmup_steps) / max(self.steps - self.warmup_steps, 1)
        decayed = ops.power(1 - ops.clip(progress, 0, 1), self.power)
        return self.learning_rate * ops.where(step < self.warmup_steps, warmup, decayed)

    def get_config(self):
        return {
            "learning_rate": self.learning_rate,
            "steps": self.steps,
            "power": self.power,
            "warmup_steps": self.warmup_steps,
        }


@keras.saving.register_keras_serializable("fcn_keras")
class StepDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up, then `learning_rate`, times `factor` at each of the drops.

    Args:
        learning_rate: Rate from the end of the warm-up to the first drop.
        steps: Steps of the whole training, the warm-up included.
        drops: Positions of the drops, as shares of `steps`.
        factor: Factor on the rate at each drop.
        warmup_steps: Steps of the warm-up; Keras's `PiecewiseConstantDecay` has none.

    Example:

    ```python
    keras.optimizers.SGD(fcn_keras.training.StepDecay(0.01, steps=9000, warmup_steps=100))
    ```

    Source: He et al. (2016), "Deep Residual Learning", section 3.4 (a tenth at each drop).
    """

    def __init__(self, learning_rate, steps, drops=DROPS, factor=0.1, warmup_steps=0):
        super().__init__()
        self.learning_rate = learning_rate
        self.steps = steps
        self.drops = tuple(drops)
        self.factor = factor
        self.warmup_steps = warmup_steps

    def __call__(self, step):
        step = ops.cast(step, "float32")
        rate = ops.minimum((step + 1) / (self.warmup_steps + 1), 1.0)
        for drop in self.drops:
            rate = rate * ops.where(step >= drop * self.steps, self.factor, 1.0)
        return self.learning_rate * rate

    def get_config(self):
        return {
            "learning_rate": self.learning_rate,
            "steps": self.steps,
            "drops": self.drops,
            "factor": self.factor,
            "warmup_steps": self.warmup_steps,
        }


def schedule(name, learning_rate, steps, warmup_steps=0, drops=DROPS):
    """Returns the learning rate of a training of `steps` steps, for a Keras optimizer.

    Args:
        name: "cosine" (half a cosine to 0), "poly" (to 0, power 0.9), "step" (a tenth after each
            of the `drops`) or "constant".
        learning_rate: Highest rate, reached after the warm-up.
        steps: Steps of the whole training, the warm-up included.
        warmup_steps: Steps of linear warm-up.
        drops: Shares of the steps after which "step" divides the rate by 10.

    Returns:
        A Keras `LearningRateSchedule`.

    Raises:
        ValueError: for an unknown name.

    Example:

    ```python
    keras.optimizers.AdamW(fcn_keras.training.schedule("cosine", 1e-3, 5000, warmup_steps=100))
    ```
    """
    one_of("schedule", name, SCHEDULES)
    if name == "poly":
        return PolyDecay(learning_rate, steps, warmup_steps=warmup_steps)
    if name == "step":
        return StepDecay(learning_rate, steps, drops, warmup_steps=warmup_steps)
    start, target = learning_rate, None
    if warmup_steps:
        start, target = learning_rate / (warmup_steps + 1), learning_rate
    return keras.optimizers.schedules.CosineDecay(
        start,
        max(steps - warmup_steps, 1),
        alpha=1.0 if name == "constant" else 0.0,
        warmup_target=target,
        warmup_steps=warmup_steps,
    )
