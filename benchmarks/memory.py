"""Measures the peak memory of training FCN-8s over VGG16 with each optimizer, one image a step.

    python benchmarks/memory.py [--size 256x256] [--steps 4] [--optimizers caffe_sgd,sgd,adamw]

Each optimizer runs in a process of its own on the CPU, once with TensorFlow's default allocator and
once with TF_ONEDNN_USE_SYSTEM_ALLOCATOR=1, with which oneDNN's operations return memory that they
no longer need. Seconds a step are measured after the first two steps.
"""

import argparse
import json
import os
import subprocess
import sys
import time

from timing import peak_bytes

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

CLASSES = 21
ALLOCATOR = "TF_ONEDNN_USE_SYSTEM_ALLOCATOR"


def train(optimizer, size, steps):
    """Returns {"peak": bytes of this process, "seconds": seconds a step}."""
    import keras
    import numpy as np

    import fcn_keras

    kinds = {
        "caffe_sgd": lambda: fcn_keras.training.CaffeSGD(1e-4, momentum=0.9),
        "sgd": lambda: keras.optimizers.SGD(1e-4, momentum=0.9),
        "adamw": lambda: keras.optimizers.AdamW(1e-4),
    }
    model = fcn_keras.fcn8s(CLASSES, "vgg16", weights=None)
    model.compile(kinds[optimizer](), fcn_keras.losses.CrossEntropy(), jit_compile=False)
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (1, *size, 3)).astype("float32")
    label = random.integers(0, CLASSES, (1, *size)).astype("uint8")
    for _ in range(2):
        model.train_on_batch(image, label)
    start = time.perf_counter()
    for _ in range(steps):
        model.train_on_batch(image, label)
    return {
        "peak": peak_bytes(),
        "seconds": (time.perf_counter() - start) / steps,
    }


def in_own_process(optimizer, arguments, system):
    """Runs `train` in a new process, so that its peak memory is separate."""
    command = [sys.executable, __file__, *arguments, "--task", optimizer]
    environment = {**os.environ, ALLOCATOR: "1" if system else "0"}
    run = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return json.loads(run.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="256x256", help="HxW of the image")
    parser.add_argument("--steps", type=int, default=4, help="number of timed steps")
    parser.add_argument("--optimizers", default="caffe_sgd,sgd,adamw")
    parser.add_argument("--task", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        size = tuple(int(n) for n in options.size.split("x"))
        print(json.dumps(train(options.task, size, options.steps)))
        return
    arguments = ["--size", options.size, "--steps", str(options.steps)]
    print(f"FCN-8s/VGG16, {CLASSES} classes, one image of {options.size}, float32")
    print(f"{'optimizer':12} {'allocator':12} {'peak, GB':>9} {'s a step':>9}")
    for optimizer in options.optimizers.split(","):
        for system in (False, True):
            found = in_own_process(optimizer, arguments, system)
            name = "system" if system else "TensorFlow's"
            print(f"{optimizer:12} {name:12} {found['peak'] / 1e9:9.2f} {found['seconds']:9.2f}")


if __name__ == "__main__":
    main()
