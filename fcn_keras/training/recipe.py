"""The recipe of a training: all its choices as data, each declared and checked once.

`recipes` has the named ones; `compile_model` makes a compiled model of one. Needs no Keras.
"""

import dataclasses
import math
from dataclasses import dataclass, field

from fcn_keras.checks import positive
from fcn_keras.options import declared, option
from fcn_keras.precision import CHOICES as PRECISIONS
from fcn_keras.training import choices
from fcn_keras.training import loss as loss_words
from fcn_keras.training.choices import OPTIMIZERS, WITH_MOMENTUM
from fcn_keras.training.net import Net, net_of

PANEL, RUN = "Recipe", "Run"


@dataclass(frozen=True)
class Recipe:
    """The choices of a training.

    Attributes:
        epochs: Number of passes over the training images.
        batch_size: Number of images in a batch; reduced where there are fewer images.
        crop: (H, W) of the training crops; "auto" (256x320, or the first image's size where that
            is smaller); None for whole images, the smaller ones of a batch padded with pixels
            that do not count.
        augment: False, True (the dataset's own choice), a `fcn_keras.data.Augmentation`, or a
            dict of changes to the dataset's own, such as {"scale": (0.5, 2.0)}.
        objects: None: crops lie anywhere. "all", "background", "void": around random objects, as
            `Dataset.batches` takes it.
        object_margin: Factor by which an object's box is enlarged.
        optimizer: "adamw", "adam", "sgd", "muon" (`Muon`) or "caffe_sgd" (`CaffeSGD`).
        learning_rate: Highest rate. Default: the optimizer's; a tenth of it where `net` starts
            from trained weights and `train` builds it.
        schedule: "cosine", "poly", "step" or "constant".
        drops: Shares of the training after which "step" divides the rate by 10.
        warmup: Epochs of linear warm-up. Default: 1, at most a tenth of the epochs.
        weight_decay: Decay of the kernels (biases and BatchNormalization do not decay);
            decoupled, except in caffe_sgd. Default: the optimizer's.
        class_weights: None, a name that `fcn_keras.data.class_weights` knows ("enet" for
            1 / ln(1.02 + p)), or one number for each class. Weights find more of the rare classes
            and claim too many pixels for them; the IU of thin classes falls.
        weight_maps: None, or (w0, sigma): a weight for each pixel, that of its class plus
            w0 exp(-(d1 + d2)^2 / (2 sigma^2)) where background lies between objects at the
            distances d1 and d2 in pixels (`fcn_keras.data.WeightMaps`). True is (10, 5), as in
            U-Net. For losses of single pixels: cross-entropy, focal loss, OHEM.
        validate_every: Epochs from one validation to the next; the last epoch always has one.
        refresh_batches: Number of training batches over which the BatchNormalization statistics
            are recomputed before each validation; 0 keeps the moving averages.
        seed: Seed of the random weights, of the order of examples, of augmentation and Dropout.
        steps: Number of updates of the weights, in place of `epochs`; rounded up to whole epochs.
        momentum: Momentum of sgd, muon and caffe_sgd. Default: the optimizer's.
        nesterov: Whether sgd uses Nesterov's momentum. Default: True.
        loss: A loss in words, out of the table `fcn_keras.losses.BY_NAME`, such as
            "cross_entropy", "focal(gamma=3)" or "cross_entropy(sampling=0.25)"; a sum such as
            "cross_entropy + 0.5 * lovasz"; {output: words} for a net of several outputs. Default:
            that of the task: "cross_entropy" for classes, "absolute_error" for regression.
        teacher: A trained segmenter whose logits teach the net beside the labels: as
            `fcn_keras.training.teach` takes it. None for the labels alone.
        teacher_alpha: Weight of the teacher in the loss, from 0 to 1; the labels have the rest.
        teacher_temperature: Divisor of both nets' logits in the comparison.
        teacher_void: Whether the teacher teaches void pixels too.
        normalization: Divisor of the summed loss: "mean": the weights of its pixels; "pixels":
            their number, as SegNet; "sum": none, for rates that are some 1e5 times smaller.
        bias_rate: Factor on the learning rate of biases; 2 in the paper.
        rates: {glob: factor} on the learning rates of layers, by name: {"score*": 10.0}.
        freeze: Globs of the layers that are not trained, or "all but scores". Frozen
            BatchNormalization keeps its statistics.
        accumulate: Number of batches whose gradients are averaged for an update.
        ema: None, or the momentum in (0, 1) of a running average of the weights. The average is
            what is validated and saved.
        half_size: Share of the epochs, from the first on, with crops and images of half the
            height and width: a step costs a quarter there (progressive resizing).
        dropout: False turns every Dropout of the model off.
        precision: The precision that the net is built for, as `setup` takes it. `train` applies
            it where it builds the net.
        net: The `Net` that `train` builds, or a dict of changes to the default one; None for a
            net that the caller builds.
        name: The named recipe that this one comes from.

    Raises:
        ValueError: for a value that is not possible; the message quotes it.

    Example:

    ```python
    recipe = fcn_keras.training.Recipe(epochs=10, optimizer="sgd", schedule="poly")
    recipe = fcn_keras.training.recipes.get("paper-vgg16", epochs=20, batch_size=4)
    ```

    Source: the defaults are this package's own; `fcn_keras.training.recipes` has published ones.
    """

    epochs: int = option(60, "Number of epochs.", least=1, panel=PANEL)
    steps: int | None = option(
        None,
        "Number of updates of the weights, in place of --epochs.",
        least=1,
        panel=PANEL,
    )
    batch_size: int = option(8, "Number of crops in a batch.", least=1, panel=PANEL)
    accumulate: int = option(
        1, "Number of batches whose gradients make one update.", least=1, panel=PANEL
    )
    crop: tuple[int, int] | str | None = option(
        "auto",
        "Size of the training crops in pixels; auto is 256x320, or the first image's size where "
        "that is smaller; none is whole images.",
        metavar="HxW|auto|none",
        parse=choices.parse_crop,
        takes="HEIGHTxWIDTH in pixels, such as 256x320, or auto or none",
        check=choices.checked_crop,
        panel=PANEL,
    )
    augment: object = option(
        True,
        "Whether the crops are varied at random.",
        kind=bool,
        check=choices.checked_augment,
        panel=PANEL,
    )
    objects: str | None = option(
        None,
        "Crops around random objects, the connected parts of all classes but the first: all keeps "
        "the labels of the other objects in a crop, background and void set them to the first "
        "class or to void; none is crops anywhere.",
        metavar="all|background|void|none",
        parse=choices.parse_objects,
        takes="all, background, void or none",
        check=choices.checked_objects,
        panel=PANEL,
    )
    object_margin: float = option(
        1.2,
        "Factor by which the box of an object is enlarged.",
        metavar="FACTOR",
        least=1,
        panel=PANEL,
    )
    optimizer: str = option(
        "adamw",
        "Optimizer. muon learns fast from random weights; caffe_sgd is Caffe's.",
        choices=tuple(OPTIMIZERS),
        panel=PANEL,
    )
    learning_rate: float | None = option(
        None,
        "Highest learning rate.",
        metavar="RATE",
        shown=f"{choices.defaults_of('learning_rate')}; a tenth of it from trained weights",
        panel=PANEL,
    )
    momentum: float | None = option(
        None,
        f"Momentum of {', '.join(WITH_MOMENTUM)}.",
        metavar="MOMENTUM",
        shown=choices.defaults_of("momentum"),
        check=choices.checked_momentum,
        panel=PANEL,
    )
    nesterov: bool | None = option(
        None, "Whether sgd uses Nesterov's momentum.", shown="yes", python_only=True
    )
    schedule: str = option(
        "cosine", "Course of the learning rate.", choices=choices.SCHEDULES, panel=PANEL
    )
    drops: tuple[float, ...] = option(
        choices.DROPS,
        "Shares of the training after which --schedule step divides the rate by 10.",
        metavar="SHARE,SHARE,...",
        parse=choices.parse_drops,
        takes="ascending shares above 0 and below 1, such as 1/3,2/3",
        shown="2/3,8/9",
        check=choices.checked_drops,
        panel=PANEL,
    )
    warmup: float | None = option(
        None,
        "Length of the linear warm-up in epochs.",
        metavar="EPOCHS",
        shown="1, at most a tenth of the epochs",
        panel=PANEL,
    )
    weight_decay: float | None = option(
        None,
        "Weight decay of the kernels.",
        metavar="DECAY",
        shown=choices.defaults_of("weight_decay"),
        panel=PANEL,
    )
    bias_rate: float = option(
        1.0, "Factor on the learning rate of biases.", metavar="FACTOR", panel=PANEL
    )
    rates: dict = option(
        (),
        "Factor on the learning rate of the layers whose names match. Repeatable.",
        flag="rate",
        metavar="GLOB=FACTOR",
        parse=choices.parse_rates,
        takes="GLOB=FACTOR, such as 'score*=10'",
        repeatable=True,
        check=choices.checked_rates,
        panel=PANEL,
    )
    freeze: tuple[str, ...] | str = option(
        (),
        "Layers that are not trained, by their names; 'all but scores' trains only the score "
        "layers. Repeatable.",
        metavar="GLOB",
        parse=choices.parse_freeze,
        takes="globs, or 'all but scores'",
        repeatable=True,
        check=choices.checked_freeze,
        panel=PANEL,
    )
    loss: str | dict | None = option(
        None,
        f"Loss: {', '.join(loss_words.NAMES)}; with options 'focal(gamma=3)'; a sum "
        "'cross_entropy + 0.5 * lovasz'.",
        metavar="LOSS",
        shown="cross_entropy for classes, absolute_error for regression, "
        "scale_invariant_log for depth, class_balanced for boundaries",
        kind=str,
        check=choices.checked_loss,
        panel=PANEL,
    )
    teacher: object = option(
        None,
        "Trained model that teaches the net beside the labels, by its logits on the same crops: a "
        ".keras file, a run folder, or another form that predict takes.",
        metavar="MODEL",
        kind=str,
        check=choices.checked_teacher,
        panel=PANEL,
    )
    teacher_alpha: float = option(
        0.5,
        "Weight of the teacher in the loss; the labels have the rest.",
        metavar="SHARE",
        most=1,
        panel=PANEL,
    )
    teacher_temperature: float = option(
        2.0,
        "Divisor of the logits of net and teacher in their comparison.",
        metavar="TEMPERATURE",
        check=positive,
        panel=PANEL,
    )
    teacher_void: bool = option(False, "Whether the teacher teaches void pixels too.", panel=PANEL)
    normalization: str = option(
        "mean",
        "Reduction of the loss over the pixels: mean divides by the sum of the class weights, "
        "pixels by the number of counted pixels.",
        choices=choices.NORMALIZATIONS,
        panel=PANEL,
    )
    class_weights: object = option(
        None,
        "Weights of the classes in the loss. enet: 1 / ln(1.02 + share of the class); sqrt-enet: "
        "its square root; median: median frequency over the class's own; or one number for each "
        "class.",
        metavar="none|NAME|W,W,...",
        parse=choices.parse_class_weights,
        takes="enet, median, none, or one number for each class with commas between",
        kind=str,
        panel=PANEL,
    )
    weight_maps: tuple[float, float] | None = option(
        None,
        "Weight maps that stress the background between objects that nearly touch: largest weight "
        "and width in pixels; unet is 10:5. The class weights become a part of them.",
        metavar="W0:SIGMA|unet|none",
        parse=choices.parse_weight_maps,
        takes="W0:SIGMA, two numbers such as 10:5, or unet or none",
        check=choices.checked_weight_maps,
        panel=PANEL,
    )
    ema: float | None = option(
        None,
        "Momentum of a running average of the weights, such as 0.99, which is validated and saved.",
        metavar="MOMENTUM",
        check=choices.checked_probability,
        panel=PANEL,
    )
    half_size: float = option(
        0.0,
        "Share of the epochs, from the first on, with crops of half the size, which cost a "
        "quarter.",
        metavar="SHARE",
        most=1,
        panel=PANEL,
    )
    refresh_batches: int = option(
        0,
        "Number of batches over which the BatchNormalization statistics are recomputed before "
        "each validation.",
        flag="refresh-batch-norm",
        metavar="BATCHES",
        panel=PANEL,
    )
    dropout: bool = option(True, "Whether the net's Dropout is used in training.", python_only=True)
    seed: int = option(
        0, "Seed of the random weights, the order of examples and the crops.", panel=PANEL
    )
    validate_every: int = option(
        1,
        "Epochs from one validation to the next; the last epoch always has one.",
        metavar="EPOCHS",
        least=1,
        panel=RUN,
    )
    precision: str = option(
        "auto",
        "Precision. auto: 16-bit multiplications on GPUs that are faster with them; mixed: also "
        "on older GPUs and on CPUs with bfloat16 instructions.",
        choices=PRECISIONS,
        panel=RUN,
    )
    net: Net | None = field(default_factory=Net)
    name: str | None = None

    def __post_init__(self):
        for name, one in declared(Recipe).items():
            object.__setattr__(self, name, one.checked(name, getattr(self, name)))
        object.__setattr__(self, "net", net_of(self.net))
        choices.check_together(self)

    def changed(self, **changes):
        """Returns the recipe with some fields replaced.

        Args:
            **changes: Fields of `Recipe`. `epochs` replaces `steps`; another optimizer brings its
                own defaults; a dict for `net` changes the present net.

        Raises:
            TypeError: for a field that a recipe does not have.
            ValueError: for an impossible value.
        """
        known = [field.name for field in dataclasses.fields(Recipe)]
        unknown = sorted(set(changes) - set(known))
        if unknown:
            raise TypeError(
                f"A recipe has no field {unknown[0]!r}. Its fields: {', '.join(sorted(known))}."
            )
        if "epochs" in changes:
            changes = {"steps": None, **changes}
        if changes.get("optimizer", self.optimizer) != self.optimizer:
            own = ("momentum", "nesterov", "weight_decay", "learning_rate")
            changes = {**dict.fromkeys(own), **changes}
        if isinstance(changes.get("net"), dict):
            changes = {**changes, "net": (self.net or Net()).changed(**changes["net"])}
        return dataclasses.replace(self, **changes)

    def filled(self):
        """Returns the recipe with every default that depends on the optimizer filled in."""
        line = OPTIMIZERS[self.optimizer]
        given = {
            "learning_rate": line.learning_rate,
            "weight_decay": line.weight_decay,
            "momentum": line.momentum,
            "nesterov": line.nesterov,
            "warmup": min(1.0, self.epochs / 10),
        }
        missing = {name: v for name, v in given.items() if getattr(self, name) is None}
        filled = dataclasses.replace(self, **missing)
        return dataclasses.replace(filled, warmup=min(filled.warmup, self.epochs))

    def resolved(self, train_data):
        """Returns the recipe with every default that depends on the data filled in as well.

        Args:
            train_data: The training `fcn_keras.data.Dataset`.
        """
        batch_size = min(self.batch_size, len(train_data))
        epochs = self.epochs
        if self.steps is not None:
            epochs = math.ceil(self.steps * self.accumulate / (len(train_data) // batch_size))
        augment = self.augment
        if isinstance(augment, dict):
            augment = dataclasses.replace(train_data.augmentation, **augment)
        loss = self.loss
        if loss is None and not isinstance(train_data.task, dict):
            loss = loss_words.default_words(train_data.task)
        return dataclasses.replace(
            self,
            loss=loss,
            epochs=epochs,
            batch_size=batch_size,
            augment=augment,
            crop=choices.default_crop(train_data) if self.crop == "auto" else self.crop,
        ).filled()

    def batches(
        self, data, seed=None, on_error="raise", shard=None, cache=False, class_weights=None
    ):
        """Returns the training batches of a dataset: drawn, cut and varied as the recipe says.

        Args:
            data: A `fcn_keras.data.Dataset`.
            seed: Replaces the recipe's.
            on_error: As `Dataset.batches` takes it: "raise", "skip" or a `Skipped`.
            shard: (index, count): the share of each batch that one of `count` processes computes.
            cache: Whether decoded examples are kept: True in memory, a path in files that begin
                with it.
            class_weights: One number for each class, in place of the recipe's, for weight maps.

        Returns:
            A `tf.data.Dataset` of (images uint8 (B, H, W, C), targets (B, H, W, ...)); with
            `weight_maps` of (images, targets, weights (B, H, W)).
        """
        recipe = self.resolved(data)
        return data.batches(
            recipe.batch_size // (1 if shard is None else shard[1]),
            crop=recipe.crop,
            augment=recipe.augment,
            objects=recipe.objects,
            object_margin=recipe.object_margin,
            shuffle=True,
            seed=recipe.seed if seed is None else seed,
            drop_remainder=True,
            on_error=on_error,
            shard=shard,
            cache=cache,
            **recipe._weight_maps(data, class_weights),
            **recipe._allowed(data),
        )

    def _allowed(self, data):
        """The argument of `Dataset.batches` for losses of weak labels, a dict."""
        if loss_words.takes_allowed(self.loss):
            return {"allowed": True}
        if not data.labels_pixels:
            raise ValueError(
                f"The labels of {data.name} ({data.split}) are {data.form or 'tags'}, which say "
                f"nothing about single pixels, and the loss {self.loss!r} is one of pixels: take "
                f"{', '.join(loss_words.WEAK)}."
            )
        return {}

    def _weight_maps(self, data, class_weights):
        """The argument of `Dataset.batches` for weight maps, a dict."""
        if self.weight_maps is None:
            return {}
        from fcn_keras import data as datasets

        weights = self.class_weights if class_weights is None else class_weights
        if weights is not None and data.labels is not None:
            weights = datasets.class_weights(weights, data)
        return {"weight_maps": datasets.WeightMaps(*self.weight_maps, weights)}

    def to_config(self):
        """Returns the recipe in JSON types; `from_config` reads it."""
        config = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        if dataclasses.is_dataclass(self.augment):
            config["augment"] = dataclasses.asdict(self.augment)
        if isinstance(config["augment"], dict):
            listed = config["augment"].items()
            config["augment"] = {k: list(v) if isinstance(v, tuple) else v for k, v in listed}
        if not isinstance(self.class_weights, (str, type(None))):
            config["class_weights"] = [float(w) for w in self.class_weights]
        for name in ("crop", "drops", "freeze", "weight_maps"):
            if isinstance(config[name], tuple):
                config[name] = list(config[name])
        config["teacher"] = choices.name_of_teacher(self.teacher)
        return {**config, "rates": dict(self.rates), "net": self.net and self.net.to_config()}

    @classmethod
    def from_config(cls, config):
        """Returns the recipe that `to_config` described.

        Fields that an older version did not have take their defaults; fields that this version no
        longer has are left out.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        return cls(**{name: value for name, value in config.items() if name in known})
