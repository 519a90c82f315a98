"""One function on many pieces, in as many threads as there are cores."""

import concurrent.futures
import contextlib
import os

MOST = 8


def checked_threads(threads):
    """The number of threads meant; None is one a core that this process may use, at most 8."""
    if threads is None:
        may_use = getattr(os, "sched_getaffinity", None)
        return max(1, min(MOST, len(may_use(0)) if may_use else os.cpu_count() or 1))
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise ValueError(f"`threads` must be a whole number from 1, or None. Received: {threads!r}")
    return threads


@contextlib.contextmanager
def mapping(threads):
    """Gives `run(function, items)`, the list of the results in the order of the items."""
    if threads == 1:
        yield lambda function, items: [function(item) for item in items]
        return
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        yield lambda function, items: list(pool.map(function, items))
