"""A training on two devices is the training on one, to rounding: TensorFlow's and JAX's.

The second of each pair of devices is a part of the CPU, so processes of their own are needed.
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow")
pytestmark = pytest.mark.processes
SCRIPT = Path(__file__).parent / "two_devices.py"
BACKENDS = ("tensorflow", "jax")


@pytest.fixture(scope="module")
def processes(tmp_path_factory):
    """Both backends at once: most of the time is start and compilation."""
    started = {}
    for backend in BACKENDS:
        if importlib.util.find_spec(backend) is None:
            continue
        environment = {
            **os.environ,
            "KERAS_BACKEND": backend,
            "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
        }
        started[backend] = subprocess.Popen(
            [sys.executable, str(SCRIPT), str(tmp_path_factory.mktemp(backend))],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    yield started
    for process in started.values():
        process.kill()
        process.communicate()


@pytest.fixture(scope="module", params=BACKENDS)
def found(request, processes):
    if request.param not in processes:
        pytest.skip(f"{request.param} is not installed")
    output, errors = processes[request.param].communicate()
    assert processes[request.param].returncode == 0, errors[-3000:]
    return json.loads(output.split("FOUND")[-1])


def assert_same_weights(a, b, atol):
    assert len(a["weights"]) == len(b["weights"]) > 5
    for x, y in zip(a["weights"], b["weights"], strict=True):
        np.testing.assert_allclose(x, y, atol=atol)


def test_it_was_two(found):
    assert found["setups"] == ["float32 on cpu:0", "float32 on cpu:0, cpu:1"]


def test_steps_of_fit_are_the_same(found):
    """Loss, momentum, BatchNormalization's weights and statistics; void lies unevenly."""
    one, two = found["one"]["steps"], found["two"]["steps"]
    assert one["loss"] == pytest.approx(two["loss"], rel=1e-4)
    assert one["loss"][1] < 0.9 * one["loss"][0]
    assert_same_weights(one, two, atol=2e-4)


def test_the_files_stay_those_of_one_device(found):
    """Keras refuses to load `synchronized=True` on other backends than TensorFlow."""
    assert True not in found["two"]["steps"]["synchronized"]
    assert False in found["two"]["steps"]["synchronized"]


def test_a_training_is_the_same(found):
    """With averaged weights, refreshed statistics, five images of another size to validate, and
    on two devices an interruption.
    """
    one, two = found["one"]["train"], found["two"]["train"]
    assert two["done"] == 2
    assert [row["epoch"] for row in two["rows"]] == [1, 2, 3]
    for x, y in zip(one["rows"], two["rows"], strict=True):
        for name in ("loss", "mean_iou", "val_loss", "val_mean_iou", "val_pixel_accuracy"):
            assert x[name] == pytest.approx(y[name], abs=5e-3), name
    assert_same_weights(one, two, atol=1e-3)
