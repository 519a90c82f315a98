"""Measures how fast pixels are counted, in NumPy and in graphs, beside NumPy's bincount and Keras.

`python benchmarks/metrics.py [--json FILE]`; KERAS_BACKEND chooses the backend.
"""

import argparse
import itertools
import json
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

from fcn_keras import metrics

HEIGHT, WIDTH, CLASSES = 375, 500, 21


def noise(rng):
    """Returns random true and predicted labels for each pixel: the worst case."""
    return rng.integers(0, CLASSES, (2, 1, HEIGHT, WIDTH))


def regions(rng):
    """Returns true labels in regions, and predictions that miss their borders by a few pixels."""
    seeds = rng.uniform(0, (HEIGHT, WIDTH), (30, 2))
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    distances = (rows - seeds[:, :1, None]) ** 2 + (columns - seeds[:, 1:, None]) ** 2
    truth = rng.integers(0, CLASSES, 30)[distances.argmin(0)]
    return np.stack([truth, np.roll(truth, (2, 4), (0, 1))])[:, None]


def best_rate(function, repeats):
    """Returns images per second, from the fastest of `repeats` runs after two warm-up runs."""
    function(), function()
    fastest = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        fastest = min(fastest, time.perf_counter() - start)
    return 1 / fastest


def compiled(metric, xla):
    """Returns the metric's update as one compiled function."""
    if keras.backend.backend() == "jax":
        import jax

        step = jax.jit(metric.stateless_update_state)
        start = [variable.value for variable in metric.variables]
        return lambda truth, prediction: jax.block_until_ready(step(start, truth, prediction))
    import tensorflow as tf

    step = tf.function(metric.update_state, jit_compile=xla)

    def run(truth, prediction):
        step(truth, prediction)
        return metric.variables[0].numpy()

    return run


def measure(kind, images, repeats):
    """Returns {name of the method: images per second} for a number of images in a call."""
    rng = np.random.default_rng(0)
    truth, prediction = np.concatenate([kind(rng) for _ in range(images)], axis=1)
    truth8, prediction8 = truth.astype("uint8"), prediction.astype("uint8")
    batches = itertools.cycle(
        [[keras.ops.convert_to_tensor(x) for x in (truth8, prediction8)] for _ in range(4)]
    )
    ours = metrics.MeanIoU(CLASSES)
    keras_own = keras.metrics.MeanIoU(CLASSES)
    routes = {
        "numpy.bincount, int64 maps": lambda: np.bincount(
            (CLASSES * truth + prediction).ravel(), minlength=CLASSES**2
        ),
        "confusion_matrix, uint8 maps": lambda: metrics.confusion_matrix(
            truth8, prediction8, CLASSES
        ),
        "confusion_matrix, int64 maps": lambda: metrics.confusion_matrix(
            truth, prediction, CLASSES
        ),
        "keras.metrics.MeanIoU, eager": lambda: keras_own.update_state(*next(batches)),
        "MeanIoU, eager": lambda: ours.update_state(*next(batches)),
    }
    modes = {"tensorflow": {"graph": False, "XLA": True}, "jax": {"jit": True}}
    for mode, xla in modes.get(keras.backend.backend(), {}).items():
        for name, metric in {"keras.metrics.MeanIoU": keras_own, "MeanIoU": ours}.items():
            step = compiled(metric, xla)
            routes[f"{name}, {mode}"] = lambda step=step: step(*next(batches))
    rates = {}
    for name, function in routes.items():
        try:
            rates[name] = images * best_rate(function, repeats)
        except Exception as error:  # Keras's own fails under some compilers: that is a result
            rates[name] = None
            print(f"{name}: {type(error).__name__}: {str(error).splitlines()[0][:90]}")
    return rates


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=50, help="runs of each method")
    parser.add_argument("--json", metavar="FILE", help="also write the figures to this file")
    arguments = parser.parse_args()
    results = {}
    for kind, images in itertools.product((regions, noise), (1, 16)):
        title = f"{kind.__name__}, {images} a call"
        rates = measure(kind, images, max(5, arguments.repeats // images))
        base = rates["numpy.bincount, int64 maps"]
        print(f"\n{title}: {WIDTH}x{HEIGHT}, {CLASSES} classes, {keras.backend.backend()}")
        for name, rate in rates.items():
            figures = f"{rate:8.0f} images/s {rate / base:6.2f}x" if rate else "fails"
            print(f"  {name:34}{figures}")
        results[title] = rates
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump({"backend": keras.backend.backend(), "images_per_second": results}, file)


if __name__ == "__main__":
    main()
