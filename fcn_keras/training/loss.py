"""Losses in words, as a recipe names them: "cross_entropy", "cross_entropy + 0.5 * lovasz".

The losses themselves are in fcn_keras.losses, which loads Keras only when a loss is made.
"""

import ast
import inspect

from fcn_keras import losses

NAMES = tuple(losses.BY_NAME)
WEAK = losses.WEAK
SPACES = {"depth": "depth"}  # what losses of values compare, where outputs are not the values
_GIVEN = ("class_weights", "ignore_class")


def parsed(text):
    """Returns the terms of a loss in words.

    Args:
        text: Names of losses with their options, factors before them and `+` between:
            "focal(gamma=3)", "cross_entropy + 0.5 * dice". None has no terms.

    Returns:
        [(factor, name, {option: value}), ...].

    Raises:
        ValueError: for other words; the message quotes them.
    """
    if text is None:
        return []
    try:
        return _terms(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, AttributeError, TypeError, ValueError) as error:
        reason = f" ({error})" if type(error) is ValueError else ""
        raise ValueError(
            f"`loss` must be one of {', '.join(losses.BY_NAME)}, with options as in "
            f"'focal(gamma=3)', or a sum as in 'cross_entropy + 0.5 * lovasz', got "
            f"{text!r}{reason}."
        ) from None


def _terms(node):
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _terms(node.left) + _terms(node.right)
    factor = 1.0
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        factor, node = float(ast.literal_eval(node.left)), node.right
        if not 0 < factor < float("inf"):
            raise ValueError(f"a factor of {factor:g}")
    options = {}
    if isinstance(node, ast.Call):
        if node.args:
            raise ValueError("an option without a name")
        options = {keyword.arg: ast.literal_eval(keyword.value) for keyword in node.keywords}
        node = node.func
    if not isinstance(node, ast.Name):
        raise ValueError("a term that is not a name")
    if node.id not in losses.BY_NAME:
        raise ValueError(f"there is no {node.id!r}")
    return [(factor, node.id, options)]


def takes_allowed(words):
    """Returns whether a loss takes the classes that pixels may have, in place of label maps.

    Args:
        words: See `parsed`; or {output: words}, which take label maps.

    Raises:
        ValueError: for a sum of a loss of one kind and one of the other.
    """
    if words is None or isinstance(words, dict):
        return False
    names = [name for _, name, _ in parsed(words)]
    weak = [name for name in names if name in losses.WEAK]
    if weak and len(weak) < len(names):
        other = next(name for name in names if name not in weak)
        raise ValueError(
            f"{weak[0]} takes weak labels and {other} takes label maps: they are no sum, got "
            f"{words!r}. {weak[0]} counts labelled pixels by their cross-entropy already."
        )
    return bool(weak)


def build_loss(words, task, normalization="mean", class_weights=None):
    """Returns the Keras loss that a recipe's words mean for a task.

    Args:
        words: See `parsed`; None for the task's own loss.
        task: The `fcn_keras.tasks.Task` of the output.
        normalization: "mean" over the counted pixels, weighted by class; "pixels": the sum with
            class weights over the number of counted pixels; or "sum" over those of the batch.
        class_weights: One number for each class, or None.

    Returns:
        A `keras.losses.Loss` of fcn_keras.losses.

    Raises:
        ValueError: for words without meaning, an option that a loss does not have, a loss of
            another task, a sum over pixels of a loss that is none, or class weights for a loss
            that takes none.
    """
    words = default_words(task) if words is None else words
    terms = parsed(words)
    made = [_made(name, options, normalization, task) for _, name, options in terms]
    weighted = [kind for kind, _ in made if "class_weights" in _options(kind)]
    if class_weights is not None and not weighted:
        raise ValueError(f"The loss {words!r} takes no `class_weights`, got {class_weights!r}.")
    built = [
        kind(**({"class_weights": class_weights} if kind in weighted else {}), **options)
        for kind, options in made
    ]
    if len(terms) == 1 and terms[0][0] == 1:
        return built[0]
    return losses.Sum(built, weights=[factor for factor, _, _ in terms])


def require_weighted_pixels(built):
    """Checks that losses have a value for each pixel, which weight maps multiply.

    Args:
        built: Losses as `build_loss` returns them.

    Raises:
        ValueError: for a loss of whole regions, naming it.
    """
    from fcn_keras.losses.region_base import RegionLoss

    for loss in built:
        for one in loss.losses if isinstance(loss, losses.Sum) else (loss,):
            if isinstance(one, RegionLoss):
                raise ValueError(
                    f"`weight_maps` weigh single pixels, and {one.name!r} compares whole regions: "
                    "use cross_entropy, focal or ohem, or leave the maps out."
                )


def default_words(task):
    """Returns the name of a task's own loss, such as "cross_entropy"."""
    own = type(losses.for_task(task)).__name__
    return next(name for name, (kind, _) in losses.BY_NAME.items() if kind == own)


def _made(name, options, normalization, task):
    """Returns a loss's class and the options to make it with."""
    kind = getattr(losses, losses.BY_NAME[name][0])
    known = _options(kind)
    if task.kind not in kind.tasks:
        fit = [
            word
            for word, (other, _) in losses.BY_NAME.items()
            if task.kind in getattr(losses, other).tasks
        ]
        raise ValueError(
            f"The loss {name!r} is not for the task {task.kind!r}, whose losses are "
            f"{', '.join(fit)}."
        )
    unknown = sorted(set(options) - set(known) | {*_GIVEN} & set(options))
    if unknown:
        offered = [one for one in known if one not in (*_GIVEN, "name")]
        raise ValueError(
            f"`loss`: {name} has no option {unknown[0]!r}. Its options: {', '.join(offered)}."
        )
    if normalization != "mean":
        if "normalize" not in known:
            raise ValueError(
                f"normalization={normalization!r} needs a sum over pixels, which {name} is not."
            )
        options = {**options, "normalize": "pixels" if normalization == "pixels" else False}
    own = {"ignore_class": task.invalid, "space": SPACES.get(task.kind, "values")}
    return kind, {**{name: own[name] for name in own if name in known}, **options}


def _options(kind):
    return inspect.signature(kind).parameters
