"""A training in parts: first at half the size, where an epoch costs a quarter, then at the whole.

Source: progressive resizing, as in Tan and Le (2021), "EfficientNetV2", section 4.
"""

import contextlib
from dataclasses import dataclass

import keras

from fcn_keras.training.callbacks import innermost


@dataclass(frozen=True)
class Part:
    """Some epochs in a row on images of one size.

    Attributes:
        first, last: Its epochs are `first` + 1 to `last`.
        recipe: The `Recipe` that its batches are drawn by.
    """

    first: int
    last: int
    recipe: object


def at_half_size(plan):
    """How many epochs of a resolved recipe are at half the size."""
    return round(plan.half_size * plan.epochs)


def parts(plan, data, done):
    """What is left of a training.

    Args:
        plan: A resolved `Recipe`.
        data: The training dataset.
        done: Epochs that lie behind.

    Returns:
        A list of `Part`, none of them empty.
    """
    small = at_half_size(plan)
    whole = [Part(max(done, small), plan.epochs, plan)]
    if done < small:
        whole.insert(0, Part(done, small, plan.at_half_size(data)))
    return [part for part in whole if part.first < part.last]


@contextlib.contextmanager
def going_on(model, part, plan):
    """Callbacks for the `fit` of a part, after which the weights are those of its last step.

    `fit` ends by putting the weights' running average in their place, which is for the end of the
    training, not for that of a part.
    """
    optimizer = innermost(model.optimizer)
    averaging = part.last < plan.epochs and optimizer.use_ema
    yield [_LeaveWeights(optimizer, part.last)] if averaging else []
    if averaging:
        optimizer.use_ema = True


class _LeaveWeights(keras.callbacks.Callback):
    def __init__(self, optimizer, last):
        super().__init__()
        self.optimizer = optimizer
        self.last = last

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 == self.last:
            self.optimizer.use_ema = False
