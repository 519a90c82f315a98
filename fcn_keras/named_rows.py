"""Finding a row of a table by its name: a classifier, a published net."""

import difflib


def hyphened(name):
    """Returns a name in lower case, with hyphens for underscores."""
    return str(name).lower().replace("_", "-")


def row_named(name, rows, missing, plain=hyphened, instead=""):
    """Returns the row of a name.

    Args:
        name: The name that was asked for.
        rows: The rows, each with its `name`.
        missing: How the message begins, such as "There is no published net".
        plain: Function that makes names equal that count as the same.
        instead: A sentence about what else may be given, the end of the message, or "".

    Raises:
        ValueError: for an unknown name; the message lists the known ones.
    """
    known = {plain(row.name): row for row in rows}
    if plain(name) in known:
        return known[plain(name)]
    near = [known[match].name for match in difflib.get_close_matches(plain(name), known, n=3)]
    raise ValueError(
        f"{missing} {name!r}. "
        + (f"Did you mean {' or '.join(near)}? " if near else "")
        + f"There are {', '.join(row.name for row in rows)}."
        + (f" {instead}" if instead else "")
    )
