"""How a model is trained: the choices in one record, and the compiled model they lead to."""

import dataclasses
import math
from dataclasses import dataclass

import keras
import numpy as np

from fcn_keras import losses, metrics
from fcn_keras.training import schedules

OPTIMIZERS = ("adamw", "adam", "sgd")
WEIGHT_DECAY = {"adamw": 0.01, "adam": 0.0, "sgd": 5e-4}
LEARNING_RATE = {"adamw": 1e-3, "adam": 1e-3, "sgd": 1e-2}


@dataclass(frozen=True)
class Recipe:
    """The choices of a training.

    Attributes:
        epochs: Times that the training images are gone through.
        batch_size: Images a step; reduced to the number of images where there are fewer.
        crop: (H, W) of the training crops; "auto" (256x320, or the first image's size where that
            is smaller); None for whole images, which must then be of one size.
        augment: False, True (the dataset's own choice) or a `fcn_keras.data.Augmentation`.
        optimizer: "adamw", "adam" or "sgd" (Nesterov momentum 0.9).
        learning_rate: Highest rate. Default: 1e-3, sgd 1e-2. From pretrained weights a tenth of
            it is a good start.
        schedule: "cosine", "poly" or "constant".
        warmup: Epochs of linear warm-up. Default: 1, at most a tenth of the epochs.
        weight_decay: Decoupled decay of the kernels (biases and BatchNormalization are left
            alone). Default: adamw 0.01, adam 0, sgd 5e-4.
        class_weights: None, "enet" for 1 / ln(1.02 + p), or one number a class. Weights find more
            of the rare classes and claim too many pixels for them; thin ones lose IU by it.
        validate_every: Epochs from one validation to the next; the last epoch always has one.
        refresh_batches: Training batches over which the BatchNormalization statistics are
            recomputed before each validation; 0 leaves the moving averages.
        seed: Seeds the shuffling, the augmentation and Dropout.

    Raises:
        ValueError: for a value that is not possible; the message quotes it.

    Example:

    ```python
    recipe = fcn_keras.training.Recipe(epochs=10, optimizer="sgd", schedule="poly")
    ```
    """

    epochs: int = 60
    batch_size: int = 8
    crop: tuple[int, int] | str | None = "auto"
    augment: object = True
    optimizer: str = "adamw"
    learning_rate: float | None = None
    schedule: str = "cosine"
    warmup: float | None = None
    weight_decay: float | None = None
    class_weights: object = None
    validate_every: int = 1
    refresh_batches: int = 0
    seed: int = 0

    def __post_init__(self):
        for name in ("epochs", "batch_size", "validate_every"):
            _check_whole(name, getattr(self, name), least=1)
        for name in ("refresh_batches", "seed"):
            _check_whole(name, getattr(self, name), least=0)
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(
                f"`optimizer` must be one of {', '.join(OPTIMIZERS)}, got {self.optimizer!r}."
            )
        if self.schedule not in schedules.NAMES:
            raise ValueError(
                f"`schedule` must be one of {', '.join(schedules.NAMES)}, got {self.schedule!r}."
            )
        for name in ("learning_rate", "warmup", "weight_decay"):
            value = getattr(self, name)
            if value is not None and not (value >= 0 and math.isfinite(value)):
                raise ValueError(f"`{name}` must be a number of at least 0, got {value!r}.")
        object.__setattr__(self, "crop", _checked_crop(self.crop))

    def resolved(self, train_data):
        """The recipe with every default that depends on the data or the optimizer filled in."""
        rate, decay = self.learning_rate, self.weight_decay
        warmup = min(1.0, self.epochs / 10) if self.warmup is None else self.warmup
        return dataclasses.replace(
            self,
            batch_size=min(self.batch_size, len(train_data)),
            crop=default_crop(train_data) if self.crop == "auto" else self.crop,
            learning_rate=LEARNING_RATE[self.optimizer] if rate is None else rate,
            warmup=min(warmup, self.epochs),
            weight_decay=WEIGHT_DECAY[self.optimizer] if decay is None else decay,
        )

    def to_config(self):
        """The recipe in JSON types."""
        config = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        if dataclasses.is_dataclass(self.augment):
            config["augment"] = dataclasses.asdict(self.augment)
        if not isinstance(self.class_weights, (str, type(None))):
            config["class_weights"] = [float(w) for w in self.class_weights]
        if isinstance(self.crop, tuple):
            config["crop"] = list(self.crop)
        return config

    @classmethod
    def from_config(cls, config):
        """The recipe that `to_config` described."""
        config = dict(config)
        if isinstance(config.get("augment"), dict):
            from fcn_keras.data import Augmentation

            given = config["augment"].items()
            listed = {k: tuple(v) if isinstance(v, list) else v for k, v in given}
            config["augment"] = Augmentation(**listed)
        return cls(**config)


def default_crop(dataset, largest=(256, 320)):
    """The crop "auto" stands for: `largest`, or the first image's size where that is smaller."""
    image, _ = dataset[0]
    return tuple(min(a, b) for a, b in zip(largest, image.shape[:2], strict=True))


def compile_model(model, recipe, steps_per_epoch, labels, class_weights=None):
    """Compiles a segmenter as a recipe says.

    The loss is `fcn_keras.losses.CrossEntropy`, the metrics are mean IoU and pixel accuracy, and
    on the TensorFlow backend XLA is left off on CPUs: there it was measured to take 1.5 times the
    CPU time for a small net's training step, and it compiles anew for every image size.

    Args:
        model: A Keras model that returns logits (batch, H, W, classes).
        recipe: A resolved `Recipe`.
        steps_per_epoch: Batches of an epoch.
        labels: The data's `LabelSet`.
        class_weights: One number a class, or None.

    Returns:
        The model.

    Example:

    ```python
    recipe = fcn_keras.training.Recipe(epochs=2, crop=(64, 64)).resolved(dataset)
    fcn_keras.training.compile_model(model, recipe, len(dataset), dataset.labels)
    ```
    """
    steps = recipe.epochs * steps_per_epoch
    rate = schedules.schedule(
        recipe.schedule, recipe.learning_rate, steps, round(recipe.warmup * steps_per_epoch)
    )
    optimizer = _optimizer(recipe, rate)
    optimizer.exclude_from_weight_decay([v for v in model.trainable_variables if len(v.shape) < 2])
    weights = None if class_weights is None else [float(w) for w in class_weights]
    model.compile(
        optimizer,
        losses.CrossEntropy(ignore_class=labels.ignore, class_weights=weights),
        metrics=[
            metrics.MeanIoU(labels.num_classes, ignore_class=labels.ignore),
            metrics.PixelAccuracy(labels.num_classes, ignore_class=labels.ignore),
        ],
        jit_compile="auto" if _on_accelerator() else False,
    )
    optimizer = model.optimizer
    if not optimizer.built:
        optimizer.build(model.trainable_variables)
    return model


def _optimizer(recipe, rate):
    if recipe.optimizer == "sgd":
        return keras.optimizers.SGD(
            rate, momentum=0.9, nesterov=True, weight_decay=recipe.weight_decay or None
        )
    kind = keras.optimizers.AdamW if recipe.optimizer == "adamw" else keras.optimizers.Adam
    return kind(rate, weight_decay=recipe.weight_decay)


def _on_accelerator():
    return keras.backend.backend() != "tensorflow" or bool(keras.distribution.list_devices("gpu"))


def _check_whole(name, value, least):
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or value < least:
        raise ValueError(f"`{name}` must be a whole number of at least {least}, got {value!r}.")


def _checked_crop(crop):
    if crop is None or crop == "auto":
        return crop
    sizes = isinstance(crop, (tuple, list)) and len(crop) == 2
    if not sizes or not all(isinstance(n, (int, np.integer)) and n >= 1 for n in crop):
        raise ValueError(f"`crop` must be (height, width), 'auto' or None, got {crop!r}.")
    return tuple(int(n) for n in crop)
