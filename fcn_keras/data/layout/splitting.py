"""Dividing examples that no list divides: always the same fifth is for validation."""

import hashlib

VAL_SHARE = 0.2


def held_out(names):
    """Returns the names that are for validation, a set.

    They are a fifth, at least one, chosen by a hash of the names: the same names give the same
    choice, in any order and on any machine.

    Args:
        names: An iterable of str; equal ones count once.

    Example:

    ```python
    fcn_keras.data.layout.splitting.held_out(["a", "b", "c", "d", "e"])    # one of them
    ```
    """
    order = sorted(set(names), key=lambda name: hashlib.sha256(name.encode()).digest())
    return set(order[: max(1, round(VAL_SHARE * len(order)))])
