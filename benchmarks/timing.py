"""What a call takes, in time and memory, for the measurements beside this file."""

import resource
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


def peak_bytes():
    """Peak resident memory of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
