"""Counts of several replicas add up: TensorFlow's MirroredStrategy and Keras's data parallelism."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fcn_keras import metrics

STEPS = """
import json
import keras
import numpy as np
from fcn_keras import losses, metrics

rng = np.random.default_rng(0)
images = rng.uniform(size=(8, 6, 5, 3)).astype("float32")
truth = rng.integers(0, 3, (8, 6, 5)).astype("uint8")
truth[:3, 0] = 255
with scope():
    model = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(3, 1)])
    four = metrics.segmentation(3)
    model.compile(keras.optimizers.SGD(0.0), losses.CrossEntropy(), metrics=four)
for _ in range(2):
    results = model.evaluate(images, truth, batch_size=4, verbose=0, return_dict=True)
history = model.fit(images, truth, batch_size=4, verbose=0).history
prediction = model.predict(images, verbose=0).argmax(-1)
confusion = metrics.confusion_matrix(truth, prediction, 3).tolist()
print("RESULTS", json.dumps([results, history, confusion]))
"""
MIRRORED = """
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
assert strategy.num_replicas_in_sync == 2
scope = strategy.scope
"""
DATA_PARALLEL = """
import contextlib
import keras
distribution = keras.distribution.DataParallel(auto_shard_dataset=False)
assert distribution.device_mesh.shape == (2,)
keras.distribution.set_distribution(distribution)
scope = contextlib.nullcontext
"""


@pytest.mark.parametrize(
    "backend, start", [("tensorflow", MIRRORED), ("jax", DATA_PARALLEL)], ids=["tensorflow", "jax"]
)
def test_two_replicas_count_as_one(backend, start):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    environment = {
        **os.environ,
        "KERAS_BACKEND": backend,
        "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
        "PYTHONPATH": str(Path(__file__).resolve().parents[1]),
    }
    done = subprocess.run(
        [sys.executable, "-c", start + STEPS], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    results, history, confusion = json.loads(done.stdout.split("RESULTS")[-1])
    scores = metrics.scores(np.array(confusion))
    assert scores.num_pixels == 8 * 30 - 3 * 5
    for name in ("pixel_accuracy", "mean_accuracy", "mean_iou", "frequency_weighted_iou"):
        assert results[name] == pytest.approx(getattr(scores, name), rel=1e-5)
        assert history[name] == [pytest.approx(getattr(scores, name), rel=1e-5)]
