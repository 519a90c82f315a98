"""The net of a recipe: its builder, its classifier and their options, as data."""

from dataclasses import dataclass, field

from fcn_keras.checks import one_of
from fcn_keras.labels import LabelSet
from fcn_keras.models.options import (
    MADE_FOR,
    OPTIONS,
    check_options,
    check_use,
    needs_classifier,
    unused,
)
from fcn_keras.options import option, option_field

PANEL = "Model"
DEFAULT_MODEL = "fcn8s"
DEFAULT_CLASSIFIER = "vgg_slim"
RGB = 3


@dataclass(frozen=True)
class Net:
    """A net to be built: typed data that `recipe.net` holds, and calling it builds the net.

    Attributes:
        model: Name of a builder in `fcn_keras.models.NETS`: "fcn8s", ...
        classifier: A registered name, or a functional Keras classifier. None: vgg_slim, or no
            classifier for a net with an encoder of its own ("segnet_basic", "unet").
        weights: "auto" (ImageNet's where the classifier has them), "imagenet", None, or the path
            of a weights file of the classifier.
        options: {name: value} of the builder's other arguments.

    Raises:
        ValueError: for an unknown builder, an option that the builder does not have, or an
            impossible value.

    Example:

    ```python
    net = fcn_keras.training.Net("fcn4s", "resnet_slim", options={"decoder_filters": (96, 64)})
    model = net(labels)
    ```
    """

    model: str = option(
        DEFAULT_MODEL,
        "Net to train.",
        metavar="|".join(OPTIONS),
        choices=tuple(OPTIONS),
        panel=PANEL,
    )
    classifier: str | None = option_field(
        None,
        OPTIONS[DEFAULT_MODEL]["classifier"],
        panel=PANEL,
        shown=f"{DEFAULT_CLASSIFIER}; none in a U-Net",
    )
    weights: str | None = option_field("auto", OPTIONS[DEFAULT_MODEL]["weights"], panel=PANEL)
    options: dict = field(default_factory=dict)

    def __post_init__(self):
        one_of("model", self.model, tuple(OPTIONS))
        given = {k: tuple(v) if isinstance(v, list) else v for k, v in self.options.items()}
        object.__setattr__(self, "options", check_options(self.model, given))
        if self.classifier is None and needs_classifier(self.model):
            object.__setattr__(self, "classifier", DEFAULT_CLASSIFIER)
        trained = None if self.weights == "auto" else self.weights
        named = {"classifier": self.classifier, "weights": trained}
        named = {name: value for name, value in named.items() if value is not None}
        check_options(self.model, named)
        check_use(self.model, self.classifier, {*self.options, *named})
        if self.classifier is None:
            object.__setattr__(self, "weights", None)

    def changed(self, model=None, classifier=None, weights="", **options):
        """Returns the net with some attributes replaced.

        Options of the present net that the new one has no use for are left out; so is the
        classifier, where a new builder has an encoder of its own and none is given.

        Args:
            model, classifier, weights: See the attributes. Default: as they are.
            **options: Options of the builder, which replace those of the same name.
        """
        model = model or self.model
        one_of("model", model, tuple(OPTIONS))
        if classifier is None and (model == self.model or needs_classifier(model)):
            classifier = self.classifier
        useless = unused(model, classifier)
        known = [name for name in OPTIONS[model] if name not in useless]
        kept = {name: value for name, value in self.options.items() if name in known}
        if weights == "":
            weights = "auto" if None in (classifier, self.classifier) else self.weights
        return Net(model, classifier, weights, {**kept, **options})

    @property
    def pretrained(self):
        """Whether the net starts from trained weights."""
        return self.classifier_weights() is not None or self.options.get("init_from") is not None

    def classifier_weights(self):
        """Returns `weights` with "auto" resolved: "imagenet", a path or None."""
        if self.weights != "auto":
            return self.weights
        from fcn_keras import classifiers

        if not isinstance(self.classifier, str):
            return None
        return "imagenet" if classifiers.get(self.classifier).imagenet else None

    def __call__(self, task, channels=RGB):
        """Builds the net.

        Args:
            task: What it is for: a `LabelSet`, a `fcn_keras.tasks.Task`, a number of classes, or
                a dict of one of these for each output; None for the task of a net that has one.
            channels: Channels of the images.

        Returns:
            A Keras model; see the builder.
        """
        from fcn_keras import models

        options = dict(self.options)
        if channels != RGB:
            options.setdefault("input_shape", (None, None, channels))
        if isinstance(task, dict):
            task = {output: _task(one) for output, one in task.items()}
        if self.classifier is not None:
            options.update(classifier=self.classifier, weights=self.classifier_weights())
        builder = models.NETS[self.model]
        if self.model in MADE_FOR:
            return builder(task=_task(task), **options)
        return builder(_task(task), **options)

    def to_config(self):
        """Returns the net in JSON types; `from_config` reads it."""
        options = {name: _plain(value) for name, value in self.options.items()}
        named = {"model": self.model, "classifier": _plain(self.classifier)}
        return {**named, "weights": _plain(self.weights), "options": options}

    @classmethod
    def from_config(cls, config):
        """Returns the net that `to_config` described."""
        return cls(**config)


def net_of(given):
    """Returns the `Net` that a recipe was given: a Net, a dict of its changes, or None."""
    if isinstance(given, dict):
        return Net.from_config(given) if "options" in given else Net().changed(**given)
    if given is None or isinstance(given, Net):
        return given
    raise ValueError(f"`net` must be a fcn_keras.training.Net, a dict or None, got {given!r}.")


def _task(task):
    from fcn_keras import tasks

    return tasks.Classes(task) if isinstance(task, LabelSet) else task


def _plain(value):
    if isinstance(value, (tuple, list)):
        return [_plain(part) for part in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return getattr(value, "name", None) or str(value)
