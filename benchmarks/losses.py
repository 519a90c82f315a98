"""Measures the time of each loss, forward and backward, as a multiple of cross-entropy's.

    python benchmarks/losses.py [--size 8x256x320x11] [--repeats 5] [--json FILE]

Prints the table of docs/training.md. The labels are blocks of 16 x 16 pixels, 5% of them void.
With KERAS_BACKEND=jax it measures on JAX.
"""

import argparse
import json
import os
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from fcn_keras import losses

LOSSES = {
    "CrossEntropy()": lambda: losses.CrossEntropy(),
    "CrossEntropy(sampling=0.25)": lambda: losses.CrossEntropy(sampling=0.25, seed=1),
    "Focal()": lambda: losses.Focal(),
    "Dice()": lambda: losses.Dice(),
    "Jaccard()": lambda: losses.Jaccard(),
    "OHEM()": lambda: losses.OHEM(),
    "Lovasz()": lambda: losses.Lovasz(),
    'Lovasz(per="image")': lambda: losses.Lovasz(per="image"),
}


def compiled(loss):
    """Returns a compiled function (labels, logits) -> loss and gradient."""
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(jax.value_and_grad(lambda logits, labels: loss(labels, logits)))
    import tensorflow as tf

    @tf.function
    def step(logits, labels):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            value = loss(labels, logits)
        return value, tape.gradient(value, logits)

    return step


def batch(size, seed=0):
    """Returns labels uint8 (batch, H, W) in blocks, and logits that are mostly right."""
    *shape, classes = size
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, classes, (shape[0], -(-shape[1] // 16), -(-shape[2] // 16)))
    labels = blocks.repeat(16, 1).repeat(16, 2)[:, : shape[1], : shape[2]].astype("uint8")
    logits = rng.normal(size=size).astype("float32") + 2 * np.eye(classes, dtype="float32")[labels]
    labels[rng.random(labels.shape) < 0.05] = 255
    return keras.ops.convert_to_tensor(labels), keras.ops.convert_to_tensor(logits)


def seconds(step, labels, logits, repeats):
    """Returns the median wall time of a compiled step, and its CPU time."""
    np.asarray(step(logits, labels)[1])
    walls, cpu = [], time.process_time()
    for _ in range(repeats):
        start = time.perf_counter()
        np.asarray(step(logits, labels)[1])
        walls.append(time.perf_counter() - start)
    return statistics.median(walls), (time.process_time() - cpu) / repeats


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="8x256x320x11", help="batch, height, width, classes")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", help="write the rows as JSON")
    given = parser.parse_args()
    labels, logits = batch(tuple(map(int, given.size.split("x"))))
    rows = []
    for name, make in LOSSES.items():
        wall, cpu = seconds(compiled(make()), labels, logits, given.repeats)
        rows.append({"loss": name, "milliseconds": 1000 * wall, "cpu_milliseconds": 1000 * cpu})
        row = rows[-1]
        ratio = row["cpu_milliseconds"] / rows[0]["cpu_milliseconds"]
        print(
            f"{name:28} {row['milliseconds']:7.0f} ms {row['cpu_milliseconds']:7.0f} CPU ms "
            f"{ratio:6.1f}",
            flush=True,
        )
    if given.json:
        with open(given.json, "w") as file:
            json.dump({"backend": keras.backend.backend(), "size": given.size, "rows": rows}, file)


if __name__ == "__main__":
    main()
