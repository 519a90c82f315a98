"""Many clients for a minute: nothing lost, no answer mixed up, no growth of memory."""

import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from fcn_keras.export import serving

CLIENTS, SECONDS = 64, 60


def resident():
    """MB that this process, which is also the server's, holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@pytest.mark.processes
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc")
def test_sixty_four_clients_for_a_minute(served, images, expected):
    """Both interfaces at once; each client sends the sizes in another order."""
    answers, wrong, memory = [0] * CLIENTS, [], {}
    addresses = served.rest_address, served.grpc_address
    begun = time.monotonic()

    def ask(number):
        with serving.Client(addresses[number % 2]) as client:
            while time.monotonic() < begun + SECONDS:
                which = (number + answers[number]) % len(images)
                try:
                    same = np.array_equal(client.segment(images[which]), expected[2][which])
                except Exception as error:
                    same = error
                if same is not True:
                    wrong.append(same)
                answers[number] += 1

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for share in (0.3, 0.95):
        time.sleep(max(0, begun + share * SECONDS - time.monotonic()))
        memory[share] = resident()
    for thread in threads:
        thread.join()
    assert not wrong
    assert min(answers) > 0 and sum(answers) > 2 * CLIENTS
    assert memory[0.95] < memory[0.3] + 100
