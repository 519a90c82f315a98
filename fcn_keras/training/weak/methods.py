"""The methods of weak supervision by name: what labels a net is trained on, and by what loss.

A new method is one line in `METHODS`.
"""

from typing import NamedTuple


class Method(NamedTuple):
    """One way to train on a kind of weak labels.

    Attributes:
        loss: The loss in words, as `--loss` takes it.
        labels: What makes label maps from boxes and images before the training: a name of
            `fcn_keras.training.weak.from_boxes.MAKERS`, or None.
    """

    loss: str
    labels: str | None = None


# For each kind of labels {name: method}; the first is the default.
METHODS = {
    "tags": {
        "constrained": Method("constrained"),
        "em_adapt": Method("em_adapt"),
        "em_fixed": Method("em_fixed"),
        "mil": Method("mil"),
    },
    "sizes": {"constrained": Method("constrained(constraints='sizes')")},
    "boxes": {
        "crf": Method("cross_entropy", "crf"),
        "grabcut": Method("cross_entropy", "grabcut"),
        "rectangles": Method("cross_entropy"),
        "em_fixed": Method("em_fixed"),
        "constrained": Method("constrained"),
    },
    "points": {
        "cross_entropy": Method("cross_entropy"),
        "points": Method("points"),
        "constrained": Method("constrained"),
    },
    "scribbles": {
        "cross_entropy": Method("cross_entropy"),
        "constrained": Method("constrained"),
    },
}


def method_of(form, name=None):
    """Returns a method of weak supervision.

    Args:
        form: "tags", "sizes", "boxes", "points" or "scribbles".
        name: Name of a method for these labels; None for the first.

    Returns:
        A `Method`.

    Raises:
        ValueError: for an unknown kind of labels, or a method that it does not have.

    Example:

    >>> method_of("points").loss
    'cross_entropy'
    """
    if form not in METHODS:
        raise ValueError(f"Weak labels are one of {', '.join(METHODS)}, got {form!r}.")
    known = METHODS[form]
    if name is None:
        return next(iter(known.values()))
    if name not in known:
        raise ValueError(f"There is no method {name!r} for {form}; there are {', '.join(known)}.")
    return known[name]


def weak_data(dataset, form, method=None, *, seed=0, progress=True):
    """Returns a dataset with weak labels, as a method trains on it.

    Args:
        dataset: A `fcn_keras.data.Dataset` of masks, which are weakened, or one that has weak
            labels of this kind already; the tags of a file may have sizes.
        form, method: As `method_of` takes them.
        seed: Seed of points and scribbles.
        progress: Whether to show a bar on a terminal while labels are made.

    Returns:
        A `Dataset`: with the weak labels, or with the label maps that the method makes of them.

    Raises:
        ValueError: as `method_of`, and for weak labels of another kind.
        ImportError: for "grabcut" without OpenCV.

    Example:

    ```python
    digits = fcn_keras.data.load("digits", split="val", count=2)
    data = fcn_keras.training.weak_data(digits, "boxes", "crf")
    image, label = data[0]
    ```
    """
    from fcn_keras.data import weaken
    from fcn_keras.training.weak.from_boxes import made_from_boxes

    chosen = method_of(form, method)
    has_it = dataset.form == form or (dataset.form, form) == ("tags", "sizes")
    if dataset.form is not None and not has_it:
        raise ValueError(
            f"{dataset.name} ({dataset.split}) has {dataset.form} in place of masks, and {form} "
            "cannot be made from them."
        )
    weak = dataset if has_it else weaken(dataset, to=form, seed=seed)
    return made_from_boxes(weak, chosen.labels, progress) if chosen.labels else weak
