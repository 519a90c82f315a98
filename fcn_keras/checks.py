"""Checks of arguments: each returns the value, or raises an error that quotes it."""

import math

import numpy as np


def whole_number(name, value, least=1, most=None):
    """Returns an argument as an int.

    Args:
        name: The argument's name, for the message.
        value: What was given: an int or a NumPy integer.
        least: The smallest possible value.
        most: The largest possible value, or None.

    Raises:
        ValueError: for anything but a whole number of this range; a bool is none.
    """
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or value < least or (most is not None and value > most):
        bounds = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise ValueError(f"`{name}` must be a whole number {bounds}, got {value!r}.")
    return int(value)


def number(name, value, least=0.0, most=None):
    """Returns an argument as a finite float.

    Args:
        name: The argument's name, for the message.
        value: What was given: an int, a float or a NumPy scalar.
        least: The smallest possible value.
        most: The largest possible value, or None.

    Raises:
        ValueError: for anything but a finite number of this range; a bool is none.
    """
    plain = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    fits = plain and math.isfinite(value) and value >= least and (most is None or value <= most)
    if not fits:
        bounds = f"of at least {least:g}" if most is None else f"from {least:g} to {most:g}"
        raise ValueError(f"`{name}` must be a number {bounds}, got {value!r}.")
    return float(value)


def positive(name, value, most=None):
    """Returns an argument as a finite float above 0.

    Args:
        name: The argument's name, for the message.
        value: What was given: an int, a float or a NumPy scalar.
        most: The largest possible value, or None.

    Raises:
        ValueError: for anything but a finite number of this range; a bool is none.
    """
    plain = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if not (plain and math.isfinite(value) and value > 0 and (most is None or value <= most)):
        bounds = "" if most is None else f" and at most {most:g}"
        raise ValueError(f"`{name}` must be a number above 0{bounds}, got {value!r}.")
    return float(value)


def one_of(name, value, choices):
    """Returns an argument that must be one of several values.

    Args:
        name: The argument's name, for the message.
        value: What was given.
        choices: The possible values.

    Raises:
        ValueError: for any other value; the message lists the possible ones.
    """
    if not any(value is choice or value == choice for choice in choices):
        listed = ", ".join(map(repr, choices))
        raise ValueError(f"`{name}` must be one of {listed}, got {value!r}.")
    return value
