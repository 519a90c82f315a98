"""How long a call takes, for the measurements beside this file."""

import time


def best_seconds(call, repeats):
    """The shortest of `repeats` calls, after one that does not count."""
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)
