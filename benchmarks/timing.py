"""Measures the time and memory of a call, for the other benchmarks."""

import resource
import time


def best_seconds(call, repeats):
    """Returns the seconds of the fastest of `repeats` calls after a warm-up call."""
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def peak_bytes():
    """Returns the peak resident memory of this process in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
