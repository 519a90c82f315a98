"""How a model is trained: all choices in one record.

Named records are in recipes.py; compiling.py makes a compiled model of one.
"""

import dataclasses
import math
from dataclasses import dataclass

import numpy as np

from fcn_keras.data import Augmentation
from fcn_keras.training import objective, schedules
from fcn_keras.training.optimizers import checked_factors

OPTIMIZERS = ("adamw", "adam", "sgd", "muon", "caffe_sgd")
WEIGHT_DECAY = {"adamw": 0.01, "adam": 0.0, "sgd": 5e-4, "muon": 0.01, "caffe_sgd": 5e-4}
LEARNING_RATE = {"adamw": 1e-3, "adam": 1e-3, "sgd": 1e-2, "muon": 1e-3, "caffe_sgd": 1e-4}
MOMENTUM = {"sgd": 0.9, "muon": 0.95, "caffe_sgd": 0.9}
ALL_BUT_SCORES = "all but scores"


@dataclass(frozen=True)
class Recipe:
    """The choices of a training.

    Attributes:
        epochs: Times that the training images are gone through.
        batch_size: Images a step; reduced to the number of images where there are fewer.
        crop: (H, W) of the training crops; "auto" (256x320, or the first image's size where that
            is smaller); None for whole images, the smaller of a batch padded with void.
        augment: False, True (the dataset's own choice), a `fcn_keras.data.Augmentation`, or a
            dict of changes to the dataset's own, such as {"scale": (0.5, 2.0)}.
        optimizer: "adamw", "adam", "sgd", "muon" (`Muon`) or "caffe_sgd" (`CaffeSGD`).
        learning_rate: Highest rate. Default: 1e-3, sgd 1e-2, caffe_sgd 1e-4. From pretrained
            weights a tenth of it is a good start.
        schedule: "cosine", "poly", "step" or "constant".
        warmup: Epochs of linear warm-up. Default: 1, at most a tenth of the epochs.
        weight_decay: Decay of the kernels (biases and BatchNormalization are left alone);
            decoupled, but for caffe_sgd. Default: adamw and muon 0.01, adam 0, both sgd 5e-4.
        class_weights: None, a name that `fcn_keras.data.class_weights` knows ("enet" for
            1 / ln(1.02 + p)), or one number a class. Weights find more of the rare classes and
            claim too many pixels for them; thin ones lose IU by it.
        validate_every: Epochs from one validation to the next; the last epoch always has one.
        refresh_batches: Training batches over which the BatchNormalization statistics are
            recomputed before each validation; 0 leaves the moving averages.
        seed: Seeds the shuffling, the augmentation and Dropout.
        steps: Updates of the weights in all, in place of `epochs`, rounded up to whole epochs.
        momentum: Of sgd, muon and caffe_sgd. Default: 0.9, muon 0.95.
        nesterov: Of sgd. Default: True.
        loss: One of `fcn_keras.losses` in words: "cross_entropy", "focal", "dice", "jaccard",
            "lovasz" or "ohem", with options as in "focal(gamma=3)" or
            "cross_entropy(sampling=0.25)", or a sum, "cross_entropy + 0.5 * lovasz".
        normalization: "mean" over the counted pixels, or "sum" over those of a batch, for which
            rates are some 1e5 times smaller.
        bias_rate: Factor on the rate of biases; 2 in the paper.
        rates: {glob: factor} on the rates of layers, by name: {"score*": 10.0}.
        freeze: Globs of the layers that are not trained, or "all but scores". Frozen
            BatchNormalization keeps its statistics.
        accumulate: Batches whose gradients are averaged before an update.
        ema: None, or the momentum in (0, 1) of a running average of the weights. The average is
            what is validated and saved.
        half_size: Share of the epochs, the first, on crops and images of half the height and
            width: a step costs a quarter there (progressive resizing).
        dropout: False turns every Dropout of the model off.
        mixed_precision: Whether the model should be built with 16-bit multiplications, where the
            processor has them; the command line does so, in Python call
            `setup(precision="mixed")` before building it.
        name: The named recipe that this one comes from.

    Raises:
        ValueError: for a value that is not possible; the message quotes it.

    Example:

    ```python
    recipe = fcn_keras.training.Recipe(epochs=10, optimizer="sgd", schedule="poly")
    recipe = fcn_keras.training.Recipe.named("paper-vgg16", epochs=20, batch_size=4)
    ```

    Source: the defaults are this package's own; `fcn_keras.training.recipes` lists published ones.
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
    steps: int | None = None
    momentum: float | None = None
    nesterov: bool | None = None
    loss: str = "cross_entropy"
    normalization: str = "mean"
    bias_rate: float = 1.0
    rates: object = ()
    freeze: tuple[str, ...] | str = ()
    accumulate: int = 1
    ema: float | None = None
    half_size: float = 0.0
    dropout: bool = True
    mixed_precision: bool = False
    name: str | None = None

    def __post_init__(self):
        for name in ("epochs", "batch_size", "validate_every", "accumulate"):
            _check_whole(name, getattr(self, name), least=1)
        for name in ("refresh_batches", "seed"):
            _check_whole(name, getattr(self, name), least=0)
        if self.steps is not None:
            _check_whole("steps", self.steps, least=1)
        _check_choice("optimizer", self.optimizer, OPTIMIZERS)
        _check_choice("schedule", self.schedule, schedules.NAMES)
        _check_choice("normalization", self.normalization, objective.NORMALIZATIONS)
        for name in ("learning_rate", "warmup", "weight_decay", "bias_rate"):
            value = getattr(self, name)
            if value is not None and not (value >= 0 and math.isfinite(value)):
                raise ValueError(f"`{name}` must be a number of at least 0, got {value!r}.")
        if self.ema is not None and not 0 < self.ema < 1:
            raise ValueError(f"`ema` must be None or between 0 and 1, got {self.ema!r}.")
        if not 0 <= self.half_size <= 1:
            raise ValueError(f"`half_size` must be from 0 to 1, got {self.half_size!r}.")
        if self.half_size and self.crop is None:
            raise ValueError(
                f"`half_size` is for crops, and crop=None takes whole images: leave half_size="
                f"{self.half_size:g} out, or set a crop."
            )
        self._check_momentum()
        objective.parsed(self.loss)
        for name, value in (
            ("crop", _checked_crop(self.crop)),
            ("augment", _checked_augment(self.augment)),
            ("rates", dict(checked_factors("rates", self.rates or None))),
            ("freeze", _checked_freeze(self.freeze)),
        ):
            object.__setattr__(self, name, value)

    def _check_momentum(self):
        if self.momentum is not None and not 0 <= self.momentum < 1:
            raise ValueError(f"`momentum` must be at least 0 and below 1, got {self.momentum!r}.")
        if self.momentum is not None and self.optimizer not in MOMENTUM:
            raise ValueError(
                f"`momentum` is for {' and '.join(MOMENTUM)}; {self.optimizer!r} has none "
                f"to set, got {self.momentum!r}."
            )
        if self.nesterov and self.optimizer != "sgd":
            raise ValueError(f"`nesterov` is for sgd, got {self.optimizer!r} with it.")

    @classmethod
    def named(cls, name, **changes):
        """A recipe of the table in `fcn_keras.training.recipes`, with some fields changed.

        Args:
            name: One of `recipes.names()`.
            **changes: Fields that are to be otherwise. `epochs` takes the place of `steps`.

        Returns:
            A `Recipe`.

        Raises:
            ValueError: for an unknown name or an impossible value.
            TypeError: for a field that a recipe does not have.
        """
        from fcn_keras.training import recipes

        recipe = recipes.get(name)
        if "epochs" in changes:
            changes = {"steps": None, **changes}
        if changes.get("optimizer", recipe.optimizer) != recipe.optimizer:
            own = ("momentum", "nesterov", "weight_decay", "learning_rate")
            changes = {**dict.fromkeys(own), **changes}
        return dataclasses.replace(recipe, **changes)

    def filled(self):
        """The recipe with every default that depends on the optimizer filled in."""
        epochs = self.epochs
        given = {
            "learning_rate": LEARNING_RATE[self.optimizer],
            "weight_decay": WEIGHT_DECAY[self.optimizer],
            "momentum": MOMENTUM.get(self.optimizer),
            "nesterov": True if self.optimizer == "sgd" else None,
            "warmup": min(1.0, epochs / 10),
        }
        missing = {name: v for name, v in given.items() if getattr(self, name) is None}
        filled = dataclasses.replace(self, **missing)
        return dataclasses.replace(filled, warmup=min(filled.warmup, epochs))

    def resolved(self, train_data):
        """The recipe with every default that depends on the data or the optimizer filled in."""
        batch_size = min(self.batch_size, len(train_data))
        epochs = self.epochs
        if self.steps is not None:
            epochs = math.ceil(self.steps * self.accumulate / (len(train_data) // batch_size))
        augment = self.augment
        if isinstance(augment, dict):
            augment = dataclasses.replace(train_data.augmentation, **augment)
        return dataclasses.replace(
            self,
            epochs=epochs,
            batch_size=batch_size,
            augment=augment,
            crop=default_crop(train_data) if self.crop == "auto" else self.crop,
        ).filled()

    def at_half_size(self, data):
        """The recipe of the epochs that `half_size` is about.

        Args:
            data: The training `fcn_keras.data.Dataset`.

        Returns:
            This recipe, resolved, with crops of half the size and scales half as large.
        """
        recipe = self.resolved(data)
        augment = data.augmentation if recipe.augment is True else recipe.augment
        augment = augment or Augmentation(flip=False)
        return dataclasses.replace(
            recipe,
            half_size=0.0,
            crop=tuple(max(1, side // 2) for side in recipe.crop),
            augment=dataclasses.replace(
                augment, scale=tuple(factor / 2 for factor in augment.scale or (1.0, 1.0))
            ),
        )

    def batches(self, data, seed=None, on_error="raise", shard=None, cache=False):
        """The training batches of a dataset: drawn, cut and varied as the recipe says.

        Args:
            data: A `fcn_keras.data.Dataset`.
            seed: In place of the recipe's.
            on_error: As `Dataset.batches` takes it: "raise", "skip" or a `Skipped`.
            shard: (index, count): the share of each batch that one of `count` processes computes.
            cache: Keep decoded examples: True in memory, a path in files that begin with it.

        Returns:
            A `tf.data.Dataset` of (images uint8 (B, H, W, 3), labels (B, H, W)).
        """
        recipe = self.resolved(data)
        return data.batches(
            recipe.batch_size // (1 if shard is None else shard[1]),
            crop=recipe.crop,
            augment=recipe.augment,
            shuffle=True,
            seed=recipe.seed if seed is None else seed,
            drop_remainder=True,
            on_error=on_error,
            shard=shard,
            cache=cache,
        )

    def compile(self, model, data=None, *, steps_per_epoch=None, class_weights=None):
        """Compiles a segmenter as the recipe says, for `model.fit`.

        Args:
            model: A Keras model that returns logits (batch, H, W, classes). Its layers are
                frozen and its Dropout turned off where the recipe says so.
            data: The training `fcn_keras.data.Dataset`: gives the classes, void, the steps of an
                epoch, and class weights by name.
            steps_per_epoch: Batches of an epoch, where there is no `data`. Without either a
                schedule is not known, and the rate stays constant, with a warning.
            class_weights: One number a class, in place of the recipe's.

        Returns:
            The model.

        Raises:
            ValueError: for class weights by name without `data`, or globs that match no layer.

        Example:

        ```python
        recipe = fcn_keras.training.Recipe.named("small-data", epochs=2)
        recipe.compile(model, dataset).fit(recipe.batches(dataset), epochs=recipe.epochs)
        ```
        """
        from fcn_keras.training import compiling

        return compiling.compile_freely(self, model, data, steps_per_epoch, class_weights)

    def to_config(self):
        """The recipe in JSON types."""
        config = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        if dataclasses.is_dataclass(self.augment):
            config["augment"] = dataclasses.asdict(self.augment)
        if isinstance(config["augment"], dict):
            listed = config["augment"].items()
            config["augment"] = {k: list(v) if isinstance(v, tuple) else v for k, v in listed}
        if not isinstance(self.class_weights, (str, type(None))):
            config["class_weights"] = [float(w) for w in self.class_weights]
        for name in ("crop", "freeze"):
            if isinstance(config[name], tuple):
                config[name] = list(config[name])
        return {**config, "rates": dict(self.rates)}

    @classmethod
    def from_config(cls, config):
        """The recipe that `to_config` described; what older ones lack takes its default."""
        return cls(**config)


def default_crop(dataset, largest=(256, 320)):
    """The crop "auto" stands for: `largest`, or the first image's size where that is smaller.

    Images that cannot be read are passed over; whether they stop the training is said elsewhere.
    """
    for index in range(len(dataset)):
        try:
            image, _ = dataset[index]
        except (OSError, ValueError):
            continue
        return tuple(min(a, b) for a, b in zip(largest, image.shape[:2], strict=True))
    return largest


def _check_whole(name, value, least):
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or value < least:
        raise ValueError(f"`{name}` must be a whole number of at least {least}, got {value!r}.")


def _check_choice(name, value, choices):
    if value not in choices:
        raise ValueError(f"`{name}` must be one of {', '.join(choices)}, got {value!r}.")


def _checked_crop(crop):
    if crop is None or crop == "auto":
        return crop
    sizes = isinstance(crop, (tuple, list)) and len(crop) == 2
    if not sizes or not all(isinstance(n, (int, np.integer)) and n >= 1 for n in crop):
        raise ValueError(f"`crop` must be (height, width), 'auto' or None, got {crop!r}.")
    return tuple(int(n) for n in crop)


def _checked_augment(augment):
    if isinstance(augment, dict):
        known = [field.name for field in dataclasses.fields(Augmentation)]
        if set(augment) - set(known):
            raise ValueError(f"`augment` may change {', '.join(known)}, got {augment!r}.")
        augment = {k: tuple(v) if isinstance(v, list) else v for k, v in augment.items()}
        Augmentation(**augment)
    elif not isinstance(augment, (bool, Augmentation)):
        raise ValueError(
            "`augment` must be True, False, a fcn_keras.data.Augmentation or a dict of changes, "
            f"got {augment!r}."
        )
    return augment


def _checked_freeze(freeze):
    if freeze == ALL_BUT_SCORES:
        return freeze
    globs = isinstance(freeze, (tuple, list)) and all(isinstance(glob, str) for glob in freeze)
    if not globs:
        raise ValueError(f"`freeze` must be a list of globs or {ALL_BUT_SCORES!r}, got {freeze!r}.")
    return tuple(freeze)
