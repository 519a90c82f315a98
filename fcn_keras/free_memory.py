"""Free memory of the machine, or of the container that the process runs in."""

import math
import os
from pathlib import Path

UNKNOWN = 2**29  # where the system does not tell


def free_memory():
    """Returns how many bytes of main memory are free, within the limit of a container."""
    return min(_of_the_machine(), _of_the_group())


def _of_the_machine():
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return 1024 * int(line.split()[1])
    except OSError:
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4
    except (AttributeError, OSError, ValueError):
        return UNKNOWN


def _of_the_group():
    """Bytes that the memory limit of a container leaves."""
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        try:
            numbers = [int(Path("/sys/fs/cgroup", name).read_text()) for name in (limit, used)]
        except (OSError, ValueError):
            continue
        return max(0, numbers[0] - numbers[1])
    return math.inf
