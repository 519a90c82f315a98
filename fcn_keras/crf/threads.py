"""A function applied to many items by several threads."""

import concurrent.futures
import contextlib
import os

from fcn_keras.checks import whole_number

MOST = 8


def checked_threads(threads):
    """Returns the number of threads; None is one for each core of this process, at most 8."""
    if threads is None:
        may_use = getattr(os, "sched_getaffinity", None)
        return max(1, min(MOST, len(may_use(0)) if may_use else os.cpu_count() or 1))
    return whole_number("threads", threads)


@contextlib.contextmanager
def mapping(threads):
    """Yields `run(function, items)`, which returns the results in the order of the items."""
    if threads == 1:
        yield lambda function, items: [function(item) for item in items]
        return
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        yield lambda function, items: list(pool.map(function, items))
