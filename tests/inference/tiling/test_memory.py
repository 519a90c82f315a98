"""Memory is that of one window, whatever the size of the image."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras import free_memory, precision
from fcn_keras.inference import memory
from fcn_keras.inference.tiling import segment_tiled

TASK = """
import json, resource, sys
import numpy as np
import fcn_keras
from fcn_keras.inference.tiling import segment_tiled

class Made:
    dtype = np.dtype("uint8")
    shape = (SIDE, 700, 3)

    def __getitem__(self, place):
        rows, columns = (np.arange(p.start, p.stop) for p in place)
        return np.stack([rows[:, None] * k + columns * 3 for k in (3, 5, 7)], -1).astype("uint8")

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

model = fcn_keras.fcn32s(4, "vgg_slim", weights=None, head_filters=0)
segment_tiled(model, np.zeros((64, 64, 3), "uint8"), progress=False)
before = peak()
out = segment_tiled(model, Made(), tile=(128, 4096), out=sys.argv[1], progress=False)
print(json.dumps({"before": before, "after": peak(), "shape": out.shape}))
"""


def measured(side, folder):
    """(KiB above the model's own at the peak, shape of the labels) of a process of its own."""
    run = subprocess.run(
        [sys.executable, "-c", TASK.replace("SIDE", str(side)), str(folder / f"{side}.npy")],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "MALLOC_ARENA_MAX": "2"},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(run.stdout.splitlines()[-1])
    return found["after"] - found["before"], tuple(found["shape"])


@pytest.mark.processes
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read as Linux tells it")
def test_memory_does_not_grow_with_the_image(tmp_path):
    small, _ = measured(700, tmp_path)
    large, shape = measured(4000, tmp_path)
    assert shape == (4000, 700)
    assert large < 1.5 * small + 50_000  # whole it would be six times as much


def test_the_estimate_covers_what_is_alive():
    """vgg_slim's first convolution, 24 maps, and its normalized copy: 192 bytes a pixel."""
    two = memory.bytes_per_pixel(fcn_keras.fcn8s(2, "vgg_slim", weights=None))
    many = memory.bytes_per_pixel(fcn_keras.fcn8s(150, "vgg_slim", weights=None))
    assert two > 24 * 4
    assert many >= 150 * 4 * 2  # the upsampled scores, and their crop


@pytest.mark.parametrize("has, share", [(False, 1), (True, 0.5)])
def test_sixteen_bits_that_are_computed_in_float32_take_its_room(monkeypatch, has, share):
    monkeypatch.setattr(precision, "cpu_multiplies_bfloat16", lambda: has)
    monkeypatch.setattr(precision, "device", lambda: "cpu:0")
    counts = []
    for policy in ("float32", "mixed_bfloat16"):
        inputs = keras.Input((None, None, 3))
        features = keras.layers.Conv2D(64, 3, padding="same", dtype=policy)(inputs)
        features = keras.layers.Conv2D(64, 3, padding="same", dtype=policy)(features)
        logits = keras.layers.Conv2D(2, 1, dtype="float32")(features)
        counts.append(memory.bytes_per_pixel(keras.Model(inputs, logits)))
    assert counts[1] == share * counts[0]


def test_limits_of_a_container_count(monkeypatch, tmp_path):
    group = {"memory.max": "3000", "memory.current": "1000"}

    def read(path, *args):
        if path.name in group:
            return group[path.name]
        raise OSError(path)

    monkeypatch.setattr(free_memory.Path, "read_text", read)
    monkeypatch.setattr(memory.keras.distribution, "list_devices", lambda kind=None: [])
    assert memory.available() == 2000
    group["memory.max"] = "max"  # no limit: what the machine has
    assert memory.available() > 2000


def test_a_gpu_has_a_constant(monkeypatch):
    monkeypatch.setattr(memory.keras.distribution, "list_devices", lambda kind=None: ["gpu:0"])
    assert memory.available() == memory.ON_GPU


def test_auto_splits_what_does_not_fit(monkeypatch):
    model = fcn_keras.fcn8s(3, "vgg_slim", weights=None, head_filters=0)
    monkeypatch.setattr(memory, "available", lambda: 2 * 450 * 300**2)
    image = np.random.default_rng(0).integers(0, 256, (64, 1500, 3), "uint8")
    read = []

    class Watched:
        shape, dtype = image.shape, image.dtype

        def __getitem__(self, place):
            read.append(image[place].shape)
            return image[place]

    labels = segment_tiled(model, Watched(), progress=False)
    np.testing.assert_array_equal(labels, fcn_keras.segment(model, image))
    assert 64 < max(shape[1] for shape in read) < 1500
