"""Two processes train as one does; if one is killed both end and say so, and the run goes on."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from fcn_keras.training import distributed
from fcn_keras.training.recipe import Recipe

pytest.importorskip("jax")
SCRIPT = Path(__file__).with_name("one_of_several.py")
HANGS = 300
LOST = "Another process was lost"
GO_ON = "Start every process again with --resume"


def start(port, process, processes, folder, victim):
    words = [port, process, processes, folder, victim]
    environment = {**os.environ, "KERAS_BACKEND": "jax", "TF_CPP_MIN_LOG_LEVEL": "3"}
    quickly = {"JAX_PLATFORMS": "cpu", "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), *(str(word) for word in words)],
        env={**environment, **quickly},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(workers):
    """[(exit code, output, errors)] of processes that are killed if they do not end."""
    try:
        told = [worker.communicate(timeout=HANGS) for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
    return [(w.returncode, *text) for w, text in zip(workers, told, strict=True)]


def pair(folder, victim):
    port = free_port()
    return ended([start(port, process, 2, folder, victim) for process in (0, 1)])


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def results(told):
    code, output, errors = told
    assert code == 0, errors[-3000:]
    (line,) = (line for line in output.splitlines() if line.startswith("RESULTS "))
    return json.loads(line.removeprefix("RESULTS "))


@pytest.mark.processes
def test_two_processes_give_the_numbers_of_one(tmp_path):
    port = free_port()
    workers = [start(port, *which, tmp_path, "steps") for which in ((0, 2), (1, 2), (0, 1))]
    first, second, single = (results(told) for told in ended(workers))
    assert first == second
    for found, expected in zip(first[:2], single[:2], strict=True):
        assert found.keys() == expected.keys() and "mean_iou" in expected
        for name in expected:
            np.testing.assert_allclose(found[name], expected[name], rtol=2e-5, err_msg=name)
    for found, expected in zip(first[2], single[2], strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.processes
def test_a_killed_process_ends_both_and_the_run_goes_on(tmp_path):
    folder = tmp_path / "run"
    (code, _, errors), (killed, _, said) = pair(folder, "1@1")
    assert killed == -9 and GO_ON in said
    assert code != 0 and LOST in errors and GO_ON in errors
    before = (folder / "history.csv").read_text().splitlines()
    assert len(before) == 2
    first, second = (results(told) for told in pair(folder, "9@9"))
    assert first == second
    assert [row["epoch"] for row in first] == [1, 2]
    assert (folder / "history.csv").read_text().splitlines()[:2] == before
    assert json.loads((folder / "config.json").read_text())["resumed"][0]["after_epoch"] == 1
    assert (folder / "predictions.png").exists()


@pytest.mark.processes
def test_an_error_in_the_first_process_ends_the_other(tmp_path):
    (code, _, errors), (other, _, said) = pair(tmp_path, "error")
    assert code == 1 and "OSError: the image is gone" in errors and GO_ON in errors
    assert other != 0 and GO_ON in said


def test_a_single_process_joins_nothing():
    with distributed.join("127.0.0.1:1", process=0, processes=1) as group:
        assert group == distributed.group() == distributed.Group(0, 1)
        assert group.first and group.shard is None
    assert distributed.Group(1, 4).shard == (1, 4)


@pytest.mark.parametrize(
    ("coordinator", "process", "processes", "message"),
    [
        ("10.0.0.1", 0, 2, "'host:port' of process 0, got '10.0.0.1'"),
        ("10.0.0.1:x", 0, 2, "'host:port'"),
        ("10.0.0.1:1", 2, 2, "from 0 to 1, got 2"),
        ("10.0.0.1:1", 0, 0, "at least 1, got 0"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(coordinator, process, processes, message):
    with (
        pytest.raises(ValueError, match=message),
        distributed.join(coordinator, process, processes),
    ):
        pass


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="JAX can")
def test_another_backend_says_what_to_do():
    with (
        pytest.raises(RuntimeError, match="needs KERAS_BACKEND=jax.*MultiWorkerMirrored"),
        distributed.join("127.0.0.1:1", 0, 2),
    ):
        pass


def test_what_processes_cannot_share_is_refused(monkeypatch):
    monkeypatch.setattr(distributed, "_group", distributed.Group(0, 2))
    monkeypatch.setattr(keras.distribution, "distribution", lambda: FourDevices)
    with pytest.raises(ValueError, match="multiple of the 4 devices of the 2 processes, got 6"):
        distributed.check_divided(Recipe(batch_size=6))
    with pytest.raises(ValueError, match="single process"):
        distributed.check_divided(Recipe(batch_size=8), on_error="skip")
    distributed.check_divided(Recipe(batch_size=8))


class FourDevices:
    num_model_replicas = 4
