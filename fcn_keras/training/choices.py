"""The values that the fields of a recipe can have: tables, checks, and how words are read.

Needs no Keras: the command line checks a recipe before it loads Keras.
"""

import contextlib
import dataclasses
import os
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, TypedDict

import numpy as np

from fcn_keras.checks import number, one_of, positive
from fcn_keras.options import Option
from fcn_keras.training import loss as loss_words

ALL_BUT_SCORES = "all but scores"
UNET_WEIGHTS = (10.0, 5.0)  # w0 and sigma of its weight maps
SCHEDULES = ("cosine", "poly", "step", "constant")
DROPS = (2 / 3, 8 / 9)  # of the schedule "step", as shares of the training
NORMALIZATIONS = ("mean", "pixels", "sum")


@dataclass(frozen=True)
class OptimizerDefaults:
    """A line of the table of optimizers.

    Attributes:
        keras: The class in `keras.optimizers`, or None.
        own: The class in this package, which knows rates of single layers: "module:Class".
        learning_rate, weight_decay, momentum: Defaults; momentum is None where there is none.
        nesterov: Whether Nesterov's momentum is used; None where there is no such choice.
    """

    keras: str | None
    own: str
    learning_rate: float
    weight_decay: float
    momentum: float | None = None
    nesterov: bool | None = None


OPTIMIZERS = {
    "adamw": OptimizerDefaults("AdamW", "optimizers:PerLayerAdamW", 1e-3, 0.01),
    "adam": OptimizerDefaults("Adam", "optimizers:PerLayerAdam", 1e-3, 0.0),
    "sgd": OptimizerDefaults("SGD", "optimizers:PerLayerSGD", 1e-2, 5e-4, 0.9, True),
    "muon": OptimizerDefaults(None, "muon:Muon", 1e-3, 0.01, 0.95),
    "caffe_sgd": OptimizerDefaults(None, "optimizers:CaffeSGD", 1e-4, 5e-4, 0.9),
}
WITH_MOMENTUM = tuple(name for name, line in OPTIMIZERS.items() if line.momentum is not None)


def defaults_of(field_name):
    """Returns the default of a field for each optimizer, as text for `--help`."""
    values = {}
    for name, line in OPTIMIZERS.items():
        value = getattr(line, field_name)
        if value is not None:
            values.setdefault(value, []).append(name)
    return "; ".join(f"{', '.join(names)} {value:g}" for value, names in values.items())


def parse_size(text):
    """Returns "256x320" as (256, 320)."""
    found = re.fullmatch(r"\s*(\d+)\s*[x×]\s*(\d+)\s*", text)
    if not found or not int(found[1]) or not int(found[2]):
        raise ValueError(text)
    return int(found[1]), int(found[2])


def parse_crop(text):
    """Returns "256x320" as (256, 320), "auto" as it is, "none" as None."""
    return {"auto": "auto", "none": None}[text] if text in ("auto", "none") else parse_size(text)


def parse_scale(text):
    """Returns "0.5:2" as (0.5, 2.0), "none" as None."""
    if text == "none":
        return None
    low, high = (float(part) for part in text.split(":"))
    if not 0 < low <= high:
        raise ValueError(text)
    return low, high


def parse_weight_maps(text):
    """Returns "10:5" as (10.0, 5.0), "unet" as that, "none" as None."""
    if text in ("none", "unet"):
        return None if text == "none" else UNET_WEIGHTS
    w0, sigma = (float(part) for part in text.split(":"))
    if not (w0 >= 0 and sigma > 0):
        raise ValueError(text)
    return w0, sigma


def parse_objects(text):
    """Returns "all", "background" or "void" as it is, "none" as None."""
    return None if text == "none" else checked_objects("objects", text)


def parse_rotate(text):
    """Returns "15" as 15.0, "quarters" as it is, "none" as None."""
    if text in ("none", "quarters"):
        return None if text == "none" else text
    if not 0 <= float(text) <= 180:
        raise ValueError(text)
    return float(text)


def parse_rates(texts):
    """Returns ["score*=10"] as {"score*": 10.0}."""
    found = {}
    for text in texts:
        glob, sign, factor = text.rpartition("=")
        if not sign or not glob:
            raise ValueError(text)
        found[glob] = float(factor)
    return found


def parse_drops(text):
    """Returns "1/3,2/3" or "0.45,0.9" as a tuple of floats."""
    return tuple(float(Fraction(part)) for part in text.split(","))


def parse_freeze(texts):
    """Returns ["all but scores"] as that text, other globs as a tuple."""
    return ALL_BUT_SCORES if list(texts) == [ALL_BUT_SCORES] else tuple(texts)


def parse_class_weights(text):
    """Returns the name of a rule ("enet") as it is, "none" as None, "1,2.5" as [1.0, 2.5]."""
    from fcn_keras.data.statistics import CLASS_WEIGHTS

    if text == "none" or text in CLASS_WEIGHTS:
        return None if text == "none" else text
    return [float(part) for part in text.split(",")]


class AugmentationChanges(TypedDict, total=False):
    """The fields of an `Augmentation` that the command line can change one by one."""

    scale: Annotated[
        tuple[float, float] | None,
        Option(
            "Smallest and largest factor of a random resize.",
            metavar="LOW:HIGH|none",
            parse=parse_scale,
            takes="LOW:HIGH, two factors with 0 < LOW <= HIGH, such as 0.5:2, or none",
            shown="the dataset's",
            panel="Recipe",
        ),
    ]
    flip: Annotated[
        bool | None,
        Option("Whether half of the examples are mirrored.", shown="the dataset's", panel="Recipe"),
    ]
    color: Annotated[
        float | None,
        Option(
            "Strength of random brightness, contrast and saturation, from 0 to 1.",
            metavar="STRENGTH",
            shown="the dataset's",
            panel="Recipe",
        ),
    ]
    rotate: Annotated[
        float | str | None,
        Option(
            "Largest angle of a random rotation in degrees; quarters turns by 0, 90, 180 or 270.",
            metavar="DEGREES|quarters|none",
            parse=parse_rotate,
            takes="an angle in degrees from 0 to 180, quarters or none",
            shown="the dataset's",
            panel="Recipe",
        ),
    ]
    elastic: Annotated[
        float | None,
        Option(
            "Standard deviation of a random elastic deformation in pixels; U-Net has 10.",
            metavar="PIXELS",
            shown="the dataset's",
            panel="Recipe",
        ),
    ]
    frame_shift: Annotated[
        int | None,
        Option(
            "Of pairs of frames: largest random shift of the second against the first.",
            metavar="PIXELS",
            shown="the dataset's",
            panel="Recipe",
        ),
    ]


def checked_probability(name, value):
    """Returns a number above 0 and below 1."""
    if not 0 < value < 1:
        raise ValueError(f"`{name}` must be above 0 and below 1, got {value!r}.")
    return value


def checked_momentum(name, value):
    """Returns a number of at least 0 and below 1."""
    if not 0 <= value < 1:
        raise ValueError(f"`{name}` must be at least 0 and below 1, got {value!r}.")
    return value


def checked_drops(name, drops):
    """Returns ascending shares above 0 and below 1 as a tuple."""
    shares = isinstance(drops, (tuple, list)) and len(drops) > 0
    if not shares or list(drops) != sorted({*drops}) or not 0 < drops[0] <= drops[-1] < 1:
        raise ValueError(
            f"`{name}` must be ascending shares of the training above 0 and below 1, such as "
            f"(0.5, 0.75), got {drops!r}."
        )
    return tuple(float(share) for share in drops)


def checked_crop(name, crop):
    """Returns a crop: (height, width), "auto" or None."""
    if crop is None or crop == "auto":
        return crop
    sizes = isinstance(crop, (tuple, list)) and len(crop) == 2
    if not sizes or not all(isinstance(n, (int, np.integer)) and n >= 1 for n in crop):
        raise ValueError(f"`{name}` must be (height, width), 'auto' or None, got {crop!r}.")
    return tuple(int(n) for n in crop)


def checked_objects(name, objects):
    """Returns what becomes of other objects in crops around one: a word, or None."""
    from fcn_keras.data.object_crops import OTHERS

    return None if objects is None else one_of(name, objects, OTHERS)


def checked_loss(name, words):
    """Returns a loss in words, or {output: words}, whose words have a meaning."""
    for text in words.values() if isinstance(words, dict) else (words,):
        loss_words.parsed(text)
    return words


def checked_teacher(name, teacher):
    """Returns a teacher: a path as text, anything else as it is."""
    return str(teacher) if isinstance(teacher, os.PathLike) else teacher


def name_of_teacher(teacher):
    """Returns what a run folder records of a teacher: its path, its name, or its class's name."""
    if teacher is None or isinstance(teacher, str):
        return teacher
    return getattr(teacher, "name", type(teacher).__name__)


def checked_augment(name, augment):
    """Returns an augmentation: a bool, an `Augmentation`, or a dict of changes to one."""
    from fcn_keras.data import Augmentation

    if isinstance(augment, dict):
        known = [field.name for field in dataclasses.fields(Augmentation)]
        if set(augment) - set(known):
            raise ValueError(f"`{name}` may change {', '.join(known)}, got {augment!r}.")
        augment = {k: tuple(v) if isinstance(v, list) else v for k, v in augment.items()}
        Augmentation(**augment)
    elif not isinstance(augment, (bool, Augmentation)):
        raise ValueError(
            f"`{name}` must be True, False, a fcn_keras.data.Augmentation or a dict of changes, "
            f"got {augment!r}."
        )
    return augment


def checked_weight_maps(name, given):
    """Returns (w0, sigma) of weight maps, or None; True is U-Net's pair."""
    if given is None or given is False:
        return None
    if given is True:
        return UNET_WEIGHTS
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise ValueError(
            f"`{name}` must be (w0, sigma), such as {UNET_WEIGHTS}, True for these, or None, got "
            f"{given!r}."
        )
    return number(f"{name}[0]", given[0]), positive(f"{name}[1]", given[1])


def checked_freeze(name, freeze):
    """Returns globs as a tuple, or "all but scores"."""
    if freeze == ALL_BUT_SCORES:
        return freeze
    globs = isinstance(freeze, (tuple, list)) and all(isinstance(glob, str) for glob in freeze)
    if not globs:
        raise ValueError(f"`{name}` must be a list of globs or {ALL_BUT_SCORES!r}, got {freeze!r}.")
    return tuple(freeze)


def checked_rates(name, rates):
    """Returns {glob: factor} with factors of at least 0."""
    try:
        pairs = dict(rates or {}).items()
    except (TypeError, ValueError):
        raise ValueError(f"`{name}` must be {{glob: factor}}, got {rates!r}.") from None
    return {str(glob): number(f"{name}[{glob!r}]", factor) for glob, factor in pairs}


def check_together(recipe):
    """Raises ValueError for choices of a `Recipe` that do not go together."""
    if recipe.half_size and recipe.crop is None:
        raise ValueError(
            f"`half_size` is for crops, and crop=None takes whole images: leave half_size="
            f"{recipe.half_size:g} out, or set a crop."
        )
    if recipe.objects and recipe.crop is None:
        raise ValueError(
            f"objects={recipe.objects!r} takes crops around objects, and crop=None whole images: "
            "set a crop, such as (224, 224)."
        )
    margin = next(f for f in dataclasses.fields(recipe) if f.name == "object_margin")
    if recipe.objects is None and recipe.object_margin != margin.default:
        raise ValueError(
            f"`object_margin` is for crops around objects: set `objects` (--objects) too, got "
            f"{recipe.object_margin!r} alone."
        )
    if recipe.momentum is not None and recipe.optimizer not in WITH_MOMENTUM:
        raise ValueError(
            f"`momentum` is for {', '.join(WITH_MOMENTUM)}; {recipe.optimizer!r} has none "
            f"to set, got {recipe.momentum!r}."
        )
    if recipe.nesterov and recipe.optimizer != "sgd":
        raise ValueError(f"`nesterov` is for sgd, got {recipe.optimizer!r} with it.")
    for field in dataclasses.fields(recipe) if recipe.teacher is None else ():
        value = getattr(recipe, field.name)
        if field.name.startswith("teacher_") and value != field.default:
            raise ValueError(
                f"`{field.name}` is for a training with a `teacher` (--teacher), and there is "
                f"none; got {value!r}."
            )
    if recipe.teacher is not None and recipe.normalization == "sum":
        raise ValueError(
            "normalization='sum' does not go with a `teacher`, whose loss is a mean over the "
            "pixels: use 'mean' or 'pixels'."
        )


def default_crop(dataset, largest=(256, 320)):
    """Returns the crop that "auto" means: `largest`, or the first image's size if smaller.

    Images that cannot be read are passed over; the training itself reports them.
    """
    for index in range(len(dataset)):
        with contextlib.suppress(OSError, ValueError):
            return tuple(map(min, largest, dataset[index][0].shape))
    return largest
