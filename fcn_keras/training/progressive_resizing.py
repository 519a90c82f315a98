"""Progressive resizing: a training begins at half the size, where an epoch costs a quarter.

Source: Tan and Le (2021), "EfficientNetV2", section 4.
"""

import contextlib
import dataclasses
from dataclasses import dataclass

import keras

from fcn_keras.data import Augmentation
from fcn_keras.training.callbacks import innermost


@dataclass(frozen=True)
class Stage:
    """Consecutive epochs on images of one size.

    Attributes:
        first, last: Its epochs are `first` + 1 to `last`.
        recipe: The `Recipe` of its batches.
    """

    first: int
    last: int
    recipe: object


def epochs_at_half_size(plan):
    """Returns the number of epochs that a resolved recipe trains at half the size."""
    return round(plan.half_size * plan.epochs)


def at_half_size(recipe, data):
    """Returns the recipe of the epochs at half the size.

    Args:
        recipe: A `Recipe`.
        data: The training `fcn_keras.data.Dataset`.

    Returns:
        The recipe, resolved, with crops, scales and displacements of half the size.
    """
    recipe = recipe.resolved(data)
    augment = data.augmentation if recipe.augment is True else recipe.augment
    augment = augment or Augmentation(flip=False)
    scale = tuple(factor / 2 for factor in augment.scale or (1.0, 1.0))
    if recipe.objects:  # whose boxes are resized to the crop
        scale = augment.scale
    return dataclasses.replace(
        recipe,
        half_size=0.0,
        crop=tuple(max(1, side // 2) for side in recipe.crop),
        augment=dataclasses.replace(augment, scale=scale, elastic=augment.elastic / 2),
    )


def stages(plan, data, done):
    """Returns the stages that are left of a training.

    Args:
        plan: A resolved `Recipe`.
        data: The training dataset.
        done: Number of finished epochs.

    Returns:
        A list of `Stage`, none of them empty.
    """
    small = epochs_at_half_size(plan)
    found = [Stage(max(done, small), plan.epochs, plan)]
    if done < small:
        found.insert(0, Stage(done, small, at_half_size(plan, data)))
    return [stage for stage in found if stage.first < stage.last]


@contextlib.contextmanager
def between_stages(model, stage, plan):
    """Callbacks for the `fit` of a stage, after which the weights are those of its last step.

    `fit` ends by replacing the weights by their running average, which belongs to the end of the
    training, not to that of a stage.
    """
    optimizer = innermost(model.optimizer)
    averaging = stage.last < plan.epochs and optimizer.use_ema
    yield [_LeaveWeights(optimizer, stage.last)] if averaging else []
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
