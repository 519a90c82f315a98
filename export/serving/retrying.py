"""Retries of a client whose server is UNAVAILABLE: their number, and the pauses before them."""

import random

from fcn_keras.checks import whole_number

_FIRST, _LONGEST = 0.1, 2.0


def pauses(retries):
    """Yields the seconds to wait before each retry.

    They double each time, up to 2 seconds, and are then multiplied by a random number from 0.5 to
    1, so that clients that failed at the same time do not retry at the same time.
    """
    for number in range(retries):
        yield min(_LONGEST, _FIRST * 2**number) * random.uniform(0.5, 1)


def pause_after(error, left):
    """Returns the seconds to wait after an error.

    Args:
        error: A `ServerError`.
        left: An iterator that `pauses` returned.

    Raises:
        ServerError: the same error, if its code is not UNAVAILABLE or no retry is left.
    """
    pause = next(left, None) if error.code == "UNAVAILABLE" else None
    if pause is None:
        raise error
    return pause


def check_retries(timeout, retries):
    """Raises ValueError for a timeout in seconds, or a number of retries, that is not possible."""
    if not isinstance(timeout, (int, float)) or not timeout > 0:
        raise ValueError(f"`timeout` must be a number of seconds above 0, got {timeout!r}.")
    whole_number("retries", retries, 0)
