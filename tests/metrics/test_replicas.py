"""Counts and losses of several replicas are those of one: TensorFlow's MirroredStrategy and
Keras's data parallelism.
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fcn_keras import metrics

pytestmark = pytest.mark.processes
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
before = [w.tolist() for w in model.get_weights()]
with scope():
    model.compile(keras.optimizers.SGD(0.5), losses.CrossEntropy())
model.fit(images[:4], truth[:4], batch_size=4, shuffle=False, verbose=0)
after = [w.tolist() for w in model.get_weights()]
print("RESULTS", json.dumps([results, history, confusion, before, after]))
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
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
    }
    done = subprocess.run(
        [sys.executable, "-c", start + STEPS], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    results, history, confusion, before, after = json.loads(done.stdout.split("RESULTS")[-1])
    scores = metrics.scores(np.array(confusion))
    assert scores.num_pixels == 8 * 30 - 3 * 5
    for name in ("pixel_accuracy", "mean_accuracy", "mean_iou", "frequency_weighted_iou"):
        assert results[name] == pytest.approx(getattr(scores, name), rel=1e-5)
        assert history[name] == [pytest.approx(getattr(scores, name), rel=1e-5)]
    images, truth = pixels_and_truth()
    losses = [entropy(images[part], truth[part], *before)[0] for part in (slice(4), slice(4, 8))]
    assert results["loss"] == pytest.approx(np.mean(losses), rel=1e-4)
    _, gradients = entropy(images[:4], truth[:4], *before)
    for start_value, gradient, end_value in zip(before, gradients, after, strict=True):
        np.testing.assert_allclose(end_value, start_value - 0.5 * gradient, atol=1e-5)


def pixels_and_truth():
    """What the replicas were given: void is not spread evenly."""
    rng = np.random.default_rng(0)
    images = rng.uniform(size=(8, 6, 5, 3)).astype("float32")
    truth = rng.integers(0, 3, (8, 6, 5)).astype("uint8")
    truth[:3, 0] = 255
    return images.astype("float64"), truth


def entropy(images, truth, kernel, bias):
    """Mean cross-entropy of a 1x1 convolution over the counted pixels, and its gradients."""
    counted = truth != 255
    x, labels = images[counted], truth[counted]
    logits = x @ np.array(kernel)[0, 0] + bias
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    loss = -np.log(p[np.arange(len(labels)), labels]).mean()
    p[np.arange(len(labels)), labels] -= 1
    return loss, ((x.T @ p)[None, None] / len(labels), p.mean(0))
