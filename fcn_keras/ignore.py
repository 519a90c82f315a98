"""The argument `ignore_class` of losses and metrics: which values of the truth are left out.

It is None, one value, several, or "auto" for the void value of the label maps.
"""

import numpy as np

from fcn_keras.labels import void_value


def is_automatic(ignore_class):
    """Returns whether `ignore_class` is "auto"."""
    return isinstance(ignore_class, str) and ignore_class == "auto"


def resolved_ignore_class(ignore_class, num_classes):
    """Returns `ignore_class`, with the void value of so many classes in place of "auto"."""
    return void_value(num_classes) if is_automatic(ignore_class) else ignore_class


def ignored_values(ignore_class):
    """Returns `ignore_class` as a sorted tuple of ints: None is empty, one int is a tuple of one.

    Raises:
        ValueError: for a value that is not a whole number in [0, 2**31).
    """
    if ignore_class is None:
        return ()
    values = ignore_class if np.ndim(ignore_class) else [ignore_class]
    for value in values:
        whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if not whole or not 0 <= value < 1 << 31:
            raise ValueError(
                "`ignore_class` must be None, a whole number in [0, 2**31), or a list of them, "
                f"got {ignore_class!r}."
            )
    return tuple(sorted({int(value) for value in values}))


def plain_ignore_class(ignore_class):
    """Returns `ignore_class` in JSON types, for a config: "auto", None, an int or a list."""
    if is_automatic(ignore_class):
        return ignore_class
    values = list(ignored_values(ignore_class))
    return values if np.ndim(ignore_class) else (values or [None])[0]
