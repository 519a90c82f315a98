"""Measures every registered classifier as FCN-8s: size, geometry, operations, time.

    python benchmarks/classifiers.py [NAME ...] [--size 500x500] [--json FILE]

Prints the rows of docs/classifiers.md. Each classifier has a process of its own.
"""

import argparse
import json
import os
import subprocess
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

CLASSES = 21


def measure(name, size, repeats=3):
    """Returns one row as a dict of JSON types."""
    import numpy as np
    import tensorflow as tf

    import fcn_keras
    from fcn_keras import geometry

    model = fcn_keras.fcn8s(CLASSES, name, weights=None)
    features = model.get_layer("score_fr").input
    field = geometry.receptive_field(model_of(model, features), size=size)
    compiled = tf.function(lambda x: model(x, training=False))
    image = tf.constant(np.random.default_rng(0).uniform(0, 255, (1, *size, 3)).astype("float32"))
    compiled(image)
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        compiled(image).numpy()
        seconds.append(time.perf_counter() - start)
    row = fcn_keras.classifiers.get(name)
    return {
        "name": name,
        "parameters": model.count_params(),
        "field": None if field.y.size == float("inf") else field.y.size,
        "strides": sorted(geometry.taps(model_of(model, features))),
        "offset": float(field.y.offset),
        "gflops": geometry.table(model, size).flops / 1e9,
        "milliseconds": 1000 * min(seconds),
        "size": row.size,
        "imagenet": row.imagenet,
    }


def model_of(model, tensor):
    import keras

    return keras.Model(model.inputs, tensor)


def line(row):
    field = "all" if row["field"] is None else row["field"]
    strides = ", ".join(map(str, row["strides"]))
    return (
        f"| `{row['name']}` | {row['parameters'] / 1e6:.1f} | {field} | {strides} | "
        f"{row['offset']:.3g} | {row['gflops']:.0f} | {row['milliseconds']:.0f} | {row['size']} | "
        f"{'yes' if row['imagenet'] else 'no'} |"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="classifiers (default: all)")
    parser.add_argument("--size", default="500x500", help="HxW of the image")
    parser.add_argument("--json", help="also write the figures to this file")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    size = tuple(int(n) for n in options.size.split("x"))
    if options.here:
        print(json.dumps(measure(options.names[0], size)))
        return
    from fcn_keras import classifiers

    print(
        "| classifier | parameters, M | receptive field | strides | stride 32 begins at | "
        f"GFLOPs at {options.size} | ms | native size | ImageNet weights |"
    )
    print("|---|---:|---:|---|---:|---:|---:|---:|---|")
    rows = []
    for name in options.names or classifiers.names():
        command = [sys.executable, __file__, name, "--size", options.size, "--here"]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        rows.append(json.loads(output.splitlines()[-1]))
        print(line(rows[-1]), flush=True)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(rows, file, indent=1)


if __name__ == "__main__":
    main()
