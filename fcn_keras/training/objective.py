"""From the words of a recipe to the loss: "cross_entropy", "cross_entropy + 0.5 * lovasz".

The losses themselves are in fcn_keras.losses.
"""

import ast
import inspect

from fcn_keras import losses

NORMALIZATIONS = ("mean", "sum")


def parsed(text):
    """The terms of a loss in words.

    Args:
        text: Names of losses with their options, factors before them and `+` between:
            "focal(gamma=3)", "cross_entropy + 0.5 * dice".

    Returns:
        [(factor, name, {option: value}), ...].

    Raises:
        ValueError: for words that are not of this kind; the message quotes them.
    """
    try:
        return _terms(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, AttributeError, TypeError, ValueError) as error:
        reason = f" ({error})" if type(error) is ValueError else ""
        raise ValueError(
            f"`loss` must be one of {', '.join(losses.BY_NAME)}, with options as in "
            "'focal(gamma=3)', or a sum as in 'cross_entropy + 0.5 * lovasz'; "
            f"got {text!r}{reason}."
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


def objective(text, normalization="mean", ignore_class="auto", class_weights=None, task=None):
    """The Keras loss that a recipe's words stand for.

    Args:
        text: See `parsed`.
        normalization: "mean" over the counted pixels, or "sum" over those of the batch.
        ignore_class: The value or values of void.
        class_weights: One number a class, or None.
        task: The `fcn_keras.tasks.Task` of the output, or None: then any loss goes.

    Returns:
        A `keras.losses.Loss` of fcn_keras.losses.

    Raises:
        ValueError: for words without meaning, an option that a loss does not have, a sum of a
            loss that is no sum over pixels, class weights where no loss takes any, or a loss that
            is not for the task.
    """
    terms = parsed(text)
    made = [_made(name, options, normalization, ignore_class) for _, name, options in terms]
    if task is not None:
        _check_task(text, [kind for kind, _ in made], task)
    weighted = [kind for kind, _ in made if "class_weights" in _options(kind)]
    if class_weights is not None and not weighted:
        raise ValueError(f"`class_weights` were given, but the loss {text!r} takes none.")
    built = [
        kind(**({"class_weights": class_weights} if kind in weighted else {}), **options)
        for kind, options in made
    ]
    if len(terms) == 1 and terms[0][0] == 1:
        return built[0]
    return losses.Sum(built, weights=[factor for factor, _, _ in terms])


def _made(name, options, normalization, ignore_class):
    """A loss's class and the options to make it with."""
    kind = getattr(losses, losses.BY_NAME[name][0])
    known = _options(kind)
    unknown = sorted(set(options) - set(known) | {"class_weights", "ignore_class"} & set(options))
    if unknown:
        offered = [o for o in known if o not in ("class_weights", "ignore_class", "name")]
        raise ValueError(
            f"`loss`: {name} has no option {unknown[0]!r}; it has {', '.join(offered)}."
        )
    if normalization == "sum":
        if "normalize" not in known:
            raise ValueError(f"`normalization='sum'`: {name} is no sum over pixels.")
        options = {**options, "normalize": False}
    if "ignore_class" in known:
        options = {"ignore_class": ignore_class, **options}
    return kind, options


def _check_task(text, kinds, task):
    if not all(task.kind in kind.tasks for kind in kinds):
        fit = [
            name
            for name, (kind, _) in losses.BY_NAME.items()
            if task.kind in getattr(losses, kind).tasks
        ]
        raise ValueError(
            f"The loss {text!r} is not for the task {task.kind!r}, whose losses are "
            f"{', '.join(fit)}."
        )


def _options(kind):
    return inspect.signature(kind).parameters
