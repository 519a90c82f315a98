"""Measures the speed of FCN-8s over VGG16 as a share of the machine's matrix-product rate.

    python benchmarks/forward.py [--size 500x500] [--repeats 5] [--json FILE]

Prints images a second, the share of the float32 matrix-product rate measured in the same run
(operations counted at the padded size), the gain over "caffe" alignment, and the peak memory, each
alignment in a process of its own.
"""

import argparse
import json
import os
import subprocess
import sys

from timing import best_seconds, peak_bytes

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

CLASSES = 21


def product_rate(repeats, side=3072):
    """Returns the float32 operations per second of a square matrix product."""
    import tensorflow as tf

    a, b = tf.random.normal((side, side)), tf.random.normal((side, side))
    product = tf.function(lambda a, b: tf.matmul(a, b))
    return 2 * side**3 / best_seconds(lambda: product(a, b).numpy(), 2 * repeats)


def forward(alignment, size, repeats):
    """Returns the seconds of one image for each way of calling, and its operations."""
    import numpy as np
    import tensorflow as tf

    import fcn_keras

    before = product_rate(repeats)
    model = fcn_keras.fcn8s(CLASSES, "vgg16", weights=None, alignment=alignment)
    image = np.random.default_rng(0).integers(0, 256, (1, *size, 3)).astype("float32")
    tensor = tf.constant(image)
    compiled = tf.function(lambda x: model(x, training=False))
    ways = {
        "eager": lambda: model(tensor, training=False).numpy(),
        "tf.function": lambda: compiled(tensor).numpy(),
        "predict": lambda: model.predict(image, verbose=0),
    }
    seconds = {name: best_seconds(call, repeats) for name, call in ways.items()}
    return {
        "seconds": seconds,
        "flops": fcn_keras.geometry.table(model, size).flops,
        "product_rate": max(before, product_rate(repeats)),
        "peak_bytes": peak_bytes(),
    }


def in_own_process(task, size, repeats):
    """Runs one measurement in a new process, so that its peak memory is separate."""
    command = [sys.executable, __file__, "--task", task]
    command += ["--size", "x".join(map(str, size)), "--repeats", str(repeats)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(output.splitlines()[-1])


def report(size, repeats):
    """Prints all measurements as a table and returns them as a dict."""
    same, caffe = (in_own_process(task, size, repeats) for task in ("same", "caffe"))
    rate = max(same["product_rate"], caffe["product_rate"])
    print(f"float32 matrix product: {rate / 1e9:.0f} GFLOP/s")
    print(f"FCN-8s/VGG16, {size[0]}x{size[1]}, {CLASSES} classes, one image, float32")
    print(f"{'alignment':10} {'call':12} {'s/image':>8} {'images/s':>9} {'of product rate':>16}")
    for name, found in (("same", same), ("caffe", caffe)):
        for way, seconds in found["seconds"].items():
            share = found["flops"] / seconds / found["product_rate"]
            print(f"{name:10} {way:12} {seconds:8.3f} {1 / seconds:9.2f} {share:16.0%}")
    best = {
        name: min(found["seconds"].values()) for name, found in (("same", same), ("caffe", caffe))
    }
    print(
        f"GFLOPs: same {same['flops'] / 1e9:.0f}, caffe {caffe['flops'] / 1e9:.0f} "
        f"({caffe['flops'] / same['flops']:.2f} times)"
    )
    print(f"same is {best['caffe'] / best['same']:.2f} times as fast as caffe")
    print(f"peak memory of the process: {same['peak_bytes'] / 2**30:.2f} GiB")
    return {"same": same, "caffe": caffe}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="500x500", help="HxW of the image")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", help="also write the figures to this file")
    parser.add_argument("--task", choices=("same", "caffe"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    size = tuple(int(n) for n in options.size.split("x"))
    if options.task:
        print(json.dumps(forward(options.task, size, options.repeats)))
        return
    found = report(size, options.repeats)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(found, file, indent=1)


if __name__ == "__main__":
    main()
