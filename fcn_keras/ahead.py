"""Work done ahead by threads: reading and writing beside a computation that uses all cores."""

import collections
import concurrent.futures

COUNT = 4  # items
PIXELS = 1 << 26  # of all images that wait


def ahead(function, items, *, threads=1, most=COUNT, share=None):
    """Yields `function(item)` of each item in order, computed ahead of its use by threads.

    Args:
        function: Called in another thread. An exception is raised where its result is due.
        items: An iterable; it is iterated in the caller's thread.
        threads: Number of threads.
        most: Number of results that are computed ahead.
        share: Function of an item: the share of all memory for waiting items that it takes. Items
            wait together only while their shares sum to at most 1. Default: an item counts as one
            of `most`.

    Example:

    ```python
    list(ahead(str.upper, ["a", "b"]))     # ["A", "B"]
    ```
    """
    pending, waiting = collections.deque(), 0.0
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        try:
            for item in items:
                taken = max(1 / most, share(item) if share else 0)
                while pending and waiting + taken > 1 + 1e-9:
                    earlier, result = pending.popleft()
                    waiting -= earlier
                    yield result.result()
                pending.append((taken, pool.submit(function, item)))
                waiting += taken
            while pending:
                yield pending.popleft()[1].result()
        finally:
            for _, result in pending:
                result.cancel()
