"""Constraints on the shares of an image that its classes cover, for `ConstrainedCNN`.

A constraint gives rows: sums of class shares that must not fall below a bound.
"""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
import numpy as np

from fcn_keras.checks import number

ROOM = 1e-6  # by which bounds may contradict each other in floats


class Row(NamedTuple):
    """One linear inequality: sum over classes of weights * share >= bound.

    Attributes:
        name: What a message calls it, such as "Present(at_least=0.05) of class 3".
        weights: One number for each class.
        bound: The least value of the sum.
        slack: Largest factor of the weights that is added to the scores; infinite for a bound that
            must hold.
        label: The class whose tag makes it hold, or None for always.
        size: "any", "large" or "small": the size tag of that class for which it holds.
    """

    name: str
    weights: tuple[float, ...]
    bound: float
    slack: float
    label: int | None
    size: str = "any"


@dataclass(frozen=True)
class Constraint:
    """The base of constraints; subclasses define `rows(num_classes)`."""

    def rows(self, num_classes):
        """Returns the `Row`s for nets of so many classes."""
        raise NotImplementedError

    def get_config(self):
        """Returns the arguments in JSON types; `from_config` reads them."""
        return dataclasses.asdict(self)

    @classmethod
    def from_config(cls, config):
        """Returns the constraint that `get_config` described."""
        return cls(**config)


@keras.saving.register_keras_serializable("fcn_keras")
@dataclass(frozen=True)
class Absent(Constraint):
    """Classes that an image is not tagged with have no pixel of it.

    Without it their probabilities are not held at 0.

    Example:

    >>> Absent().rows(21)
    []
    """

    def rows(self, num_classes):
        """Returns no rows: absent classes are left out of the softmax."""
        return []


@keras.saving.register_keras_serializable("fcn_keras")
@dataclass(frozen=True)
class Present(Constraint):
    """Every class but 0 that an image is tagged with covers at least a share of it.

    Args:
        at_least: Share of the image.
        slack: Most that is added to the class's scores to reach it; None for as much as it takes.

    Raises:
        ValueError: for a share outside [0, 1] or a negative slack.

    Example:

    >>> [row.label for row in Present(at_least=0.05, slack=2).rows(4)]
    [1, 2, 3]
    """

    at_least: float = 0.05
    slack: float | None = 2.0

    def __post_init__(self):
        number("at_least", self.at_least, most=1)
        _checked_slack(self.slack)

    def rows(self, num_classes):
        """Returns a lower bound of each class but 0."""
        return [
            _lower(self, label, num_classes, self.at_least, self.slack)
            for label in range(1, num_classes)
        ]


@keras.saving.register_keras_serializable("fcn_keras")
@dataclass(frozen=True)
class Background(Constraint):
    """Class 0 covers a share of each image that is tagged with it and with another class.

    Args:
        at_least, at_most: Bounds of the share; they hold whatever the scores are. The upper one
            is left out of images that have class 0 alone.
        slack: Most that is added to the scores, or taken off, to reach them; None for as much as
            it takes.

    Raises:
        ValueError: for shares outside [0, 1], `at_least` above `at_most`, or a negative slack.

    Example:

    >>> [round(row.bound, 2) for row in Background(0.3, 0.7).rows(4)]  # share, -share
    [0.3, -0.7]
    """

    at_least: float = 0.3
    at_most: float = 0.7
    slack: float | None = None

    def __post_init__(self):
        _checked_bounds(self)

    def rows(self, num_classes):
        """Returns a lower and an upper bound of class 0."""
        return [
            _lower(self, 0, num_classes, self.at_least, self.slack),
            _upper(self, 0, num_classes, self.at_most, self.slack),
        ]


@keras.saving.register_keras_serializable("fcn_keras")
@dataclass(frozen=True)
class Size(Constraint):
    """Classes but 0 whose size is tagged as large cover at least, small ones at most, a share.

    Args:
        at_least: Share of the image of each large class, or None for no bound.
        at_most: Share of the image of each class that is present and not large, or None.
        slack: Most that is added to the scores, or taken off; None for as much as it takes.

    Raises:
        ValueError: for shares outside [0, 1], no bound at all, or a negative slack.

    Example:

    >>> [(row.label, row.size, row.bound) for row in Size(at_least=0.1).rows(3)]
    [(1, 'large', 0.1), (2, 'large', 0.1)]
    """

    at_least: float | None = 0.1
    at_most: float | None = None
    slack: float | None = None

    def __post_init__(self):
        _require_a_bound(self)
        _checked_slack(self.slack)

    def rows(self, num_classes):
        """Returns a bound of each class but 0, for its size."""
        rows = []
        for label in range(1, num_classes):
            if self.at_least is not None:
                lower = _lower(self, label, num_classes, self.at_least, self.slack)
                rows.append(lower._replace(size="large"))
            if self.at_most is not None:
                upper = _upper(self, label, num_classes, self.at_most, self.slack)
                rows.append(upper._replace(size="small"))
        return rows


@keras.saving.register_keras_serializable("fcn_keras")
@dataclass(frozen=True)
class Linear(Constraint):
    """A weighted sum of class shares is bounded: any linear constraint.

    Args:
        weights: One number for each class, or {class number: weight} with 0 for the others.
        at_least, at_most: Bounds of sum of weights * share; None for no bound.
        slack: Most that is added to the scores, or taken off, times the weights; None for as much
            as it takes.
        label: The class whose tag makes the bounds hold; None: they hold for every image.

    Raises:
        ValueError: for weights that are no finite numbers or all 0, no bound, `at_least` above
            `at_most`, or a negative slack.

    Example: no less road than sidewalk.

    >>> Linear({1: 1.0, 2: -1.0}, at_least=0.0).rows(3)[0].weights
    (0.0, 1.0, -1.0)
    """

    weights: Any
    at_least: float | None = None
    at_most: float | None = None
    slack: float | None = None
    label: int | None = None

    def __post_init__(self):
        if isinstance(self.weights, dict):
            weights = {int(label): float(weight) for label, weight in self.weights.items()}
        else:
            weights = tuple(map(float, self.weights))
        values = [*weights.values()] if isinstance(weights, dict) else weights
        if not np.isfinite(values).all() or not np.any(values):
            raise ValueError(
                f"`weights` must be finite numbers, not all of them 0, got {self.weights!r}."
            )
        object.__setattr__(self, "weights", weights)
        for name in ("at_least", "at_most"):
            if getattr(self, name) is not None:
                number(name, getattr(self, name), least=-math.inf)
        _require_a_bound(self)
        _checked_slack(self.slack)

    def rows(self, num_classes):
        """Returns a row for each bound.

        Raises:
            ValueError: for weights of another number of classes.
        """
        weights, name = self.weights, str(self)
        if isinstance(weights, dict):
            weights = tuple(weights.get(label, 0.0) for label in range(num_classes))
        beyond = isinstance(self.weights, dict) and max(self.weights) >= num_classes
        if len(weights) != num_classes or beyond:
            raise ValueError(f"{name} does not fit nets of {num_classes} classes.")
        slack, rows = math.inf if self.slack is None else self.slack, []
        if self.at_least is not None:
            rows.append(Row(name, weights, self.at_least, slack, self.label))
        if self.at_most is not None:
            weights = tuple(-weight for weight in weights)
            rows.append(Row(name, weights, -self.at_most, slack, self.label))
        return rows


def active_rows(rows, present, large, ops=np):
    """Returns which rows hold for which image, (batch, rows).

    Args:
        rows: `Row`s.
        present, large: bool (batch, classes): the tags.
        ops: numpy, or keras.ops for tensors.
    """
    anything = ops.any(present, -1)
    others = ops.any(present[:, 1:], -1)
    found = []
    for row in rows:
        one = anything if row.label is None else present[:, row.label]
        if row.label == 0 and row.bound < 0:  # the upper bound of the background
            one = ops.logical_and(one, others)
        if row.size == "large":
            one = ops.logical_and(one, large[:, row.label])
        elif row.size == "small":
            one = ops.logical_and(one, ops.logical_not(large[:, row.label]))
        found.append(one)
    return ops.stack(found, -1)


def contradiction(rows, present, large, absent):
    """Returns the names of the rows of one image that no shares of its classes fulfil, or None.

    Rows with a finite slack are left out: they hold as far as they can.

    Args:
        rows: `Row`s.
        present, large: bool (classes,): the tags of the image.
        absent: Whether classes that are not present have no share.
    """
    from scipy.optimize import linprog

    holds = active_rows(rows, present[None], large[None])[0] if rows else ()
    hard = [row for row, one in zip(rows, holds, strict=True) if one and math.isinf(row.slack)]
    if not hard:
        return None
    top = np.where(present, 1.0, 0.0) if absent else np.ones(len(present))
    found = linprog(
        np.zeros(len(present)),
        A_ub=-np.array([row.weights for row in hard]),
        b_ub=ROOM - np.array([row.bound for row in hard]),
        A_eq=np.ones((1, len(present))),
        b_eq=[1.0],
        bounds=[(0.0, most) for most in top],
    )
    return None if found.success else list(dict.fromkeys(row.name for row in hard))


def _lower(constraint, label, num_classes, share, slack):
    name = f"{constraint} of class {label}"
    slack = math.inf if slack is None else float(slack)
    return Row(name, _unit(label, num_classes, 1.0), float(share), slack, label)


def _upper(constraint, label, num_classes, share, slack):
    row = _lower(constraint, label, num_classes, share, slack)
    return row._replace(weights=_unit(label, num_classes, -1.0), bound=-float(share))


def _unit(label, num_classes, value):
    return tuple(value if other == label else 0.0 for other in range(num_classes))


def _checked_bounds(constraint):
    number("at_least", constraint.at_least, most=1)
    number("at_most", constraint.at_most, most=1)
    _require_a_bound(constraint)
    _checked_slack(constraint.slack)


def _require_a_bound(constraint):
    low, high = constraint.at_least, constraint.at_most
    if low is None and high is None:
        raise ValueError(f"{constraint} has no bound: give `at_least` or `at_most`.")
    if low is not None and high is not None and low > high:
        if not isinstance(constraint, Size):  # whose bounds are of different classes
            raise ValueError(f"`at_least` must not be above `at_most`, got {constraint}.")


def _checked_slack(slack):
    if slack is not None:
        number("slack", slack)


# Those of the paper, for tags and for tags with sizes.
SETS = {
    "tags": (Absent(), Present(at_least=0.05, slack=2.0), Background(0.3, 0.7)),
    "sizes": (Absent(), Size(at_least=0.1), Background(0.2, 0.7)),
}
