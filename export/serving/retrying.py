"""How often, and after which pauses, a client asks a server that is UNAVAILABLE again."""

import random

_FIRST, _LONGEST = 0.1, 2.0


def pauses(retries):
    """Yields the seconds to wait before each retry: twice as long each time, up to 2, less chance.

    Chance keeps clients that failed together from coming back together.
    """
    for number in range(retries):
        yield min(_LONGEST, _FIRST * 2**number) * random.uniform(0.5, 1)


def pause_after(error, left):
    """The seconds to wait after an error.

    Args:
        error: A `ServerError`.
        left: What `pauses` gave, an iterator.

    Raises:
        ServerError: the same, if its code is another than UNAVAILABLE or no retry is left.
    """
    pause = next(left, None) if error.code == "UNAVAILABLE" else None
    if pause is None:
        raise error
    return pause


def check_patience(timeout, retries):
    """Raises ValueError unless both are possible."""
    if not isinstance(timeout, (int, float)) or not timeout > 0:
        raise ValueError(f"`timeout` is a number of seconds above 0; got {timeout!r}.")
    if isinstance(retries, bool) or not isinstance(retries, int) or retries < 0:
        raise ValueError(f"`retries` is a whole number from 0; got {retries!r}.")
