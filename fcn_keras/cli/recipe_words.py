"""From the options of a command to a `Recipe`: those given, over those of a named recipe."""

from fcn_keras.cli.nets import weights
from fcn_keras.cli.options import parse_class_weights, parse_crop, parse_scale

ALL_BUT_SCORES = "all but scores"
AUGMENT = ("flip", "color", "scale")


def take_net(given, named):
    """The options with the net, and the precision, of the named recipe where none is given.

    Args:
        given: {option: value} of the command.
        named: The options that stood on the command line.

    Returns:
        A dict as `given`.
    """
    if given["recipe"] is None:
        return given
    from fcn_keras.training import recipes

    entry = recipes.entry(given["recipe"])
    own = {"mixed_precision": entry.fields.get("mixed_precision", False), **entry.net}
    return {**given, **{name: value for name, value in own.items() if name not in named}}


def recipe_of(given, named):
    """The `Recipe` that the options describe.

    Args:
        given: {option: value} of the command, the net's included.
        named: The options that stood on the command line; with a named recipe only they count.

    Returns:
        A `fcn_keras.training.Recipe`.

    Raises:
        ValueError: for words that mean nothing, or an impossible value.
    """
    from fcn_keras.training import Recipe, recipes

    base = recipes.get(given["recipe"]) if given["recipe"] else Recipe()
    counted = named if given["recipe"] else set(given)
    fields = {
        field: read(given[option])
        for option, (field, read) in WORDS.items()
        if option in given and option in counted and given[option] is not None
    }
    fields["augment"] = _augment(given, named, base)
    fields["mixed_precision"] = given["mixed_precision"]
    if not given["recipe"]:
        if given["learning_rate"] is None:
            fields["learning_rate"] = _rate(
                given["optimizer"], weights(given) or given["init_from"]
            )
        return Recipe(**fields)
    return Recipe.named(given["recipe"], **fields)


def _augment(given, named, base):
    """False, True for the dataset's own, or the changes to it that were asked for."""
    changed = {name: given[name] for name in AUGMENT if given.get(name) is not None}
    if "scale" in changed:
        changed["scale"] = parse_scale(changed["scale"])
    if not given["augment"]:
        if changed:
            raise ValueError(f"--no-augment leaves nothing for --{next(iter(changed))} to change.")
        return False
    own = base.augment if isinstance(base.augment, dict) else {}
    if changed or own:
        return {**own, **changed}
    return True if "augment" in named else base.augment


def _rate(optimizer, pretrained):
    from fcn_keras.training.recipe import LEARNING_RATE

    rate = LEARNING_RATE.get(optimizer)
    return rate / 10 if rate and pretrained else rate


def _rates(words):
    """["score*=10"] as {"score*": 10.0}."""
    found = {}
    for word in words:
        glob, sign, factor = word.rpartition("=")
        try:
            found[glob] = float(factor)
        except ValueError:
            sign = ""
        if not sign or not glob:
            raise ValueError(f"--rate takes GLOB=FACTOR, such as 'score*=10'; got {word!r}.")
    return found


def _freeze(words):
    return ALL_BUT_SCORES if list(words) == [ALL_BUT_SCORES] else tuple(words)


def _same(value):
    return value


WORDS = {  # option: (field of Recipe, how its words are read)
    "epochs": ("epochs", _same),
    "steps": ("steps", _same),
    "batch_size": ("batch_size", _same),
    "accumulate": ("accumulate", _same),
    "crop": ("crop", parse_crop),
    "optimizer": ("optimizer", _same),
    "learning_rate": ("learning_rate", _same),
    "momentum": ("momentum", _same),
    "schedule": ("schedule", _same),
    "warmup": ("warmup", _same),
    "weight_decay": ("weight_decay", _same),
    "bias_rate": ("bias_rate", _same),
    "rate": ("rates", _rates),
    "freeze": ("freeze", _freeze),
    "loss": ("loss", _same),
    "normalization": ("normalization", _same),
    "class_weights": ("class_weights", parse_class_weights),
    "ema": ("ema", _same),
    "half_size": ("half_size", _same),
    "validate_every": ("validate_every", _same),
    "refresh_batch_norm": ("refresh_batches", _same),
    "seed": ("seed", _same),
}
