"""How many threads work beside each other, and a function applied to many items by them."""

import concurrent.futures
import contextlib
import os

from fcn_keras.checks import whole_number

MOST = 8


def usable_cores():
    """Returns the number of cores that this process may use."""
    may_use = getattr(os, "sched_getaffinity", None)
    return len(may_use(0)) if may_use else os.cpu_count() or 1


def checked_threads(threads=None, most=MOST):
    """Returns the number of threads; None is one for each core of this process, up to `most`."""
    if threads is None:
        return min(most, usable_cores())
    return whole_number("threads", threads)


@contextlib.contextmanager
def mapping(threads):
    """Yields `run(function, items)`, which returns the results in the order of the items."""
    if threads == 1:
        yield lambda function, items: [function(item) for item in items]
        return
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        yield lambda function, items: list(pool.map(function, items))
