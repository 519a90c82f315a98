"""Compares a dense net with its classifier applied crop by crop, and two ways to a finer map.

    python benchmarks/dense_vs_patchwise.py [alexnet vgg16] [--size 500x500] [--repeats 5]
                                            [--json FILE]

Crops of the classifier's own size are computed in the fastest batch size; their time is that of one
batch, divided by the batch size and multiplied by the number of cells of the dense map. The map at
half the stride is computed by shift-and-stitch and by filter rarefaction. Each classifier runs in
a process of its own.
"""

import argparse
import json
import os
import subprocess
import sys

from timing import best_seconds

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

BATCHES = {"alexnet": (1, 8, 32), "vgg16": (1, 4)}
FACTOR = 2


def compiled(model):
    """Returns a function that calls the model on an array and waits for the result."""
    import tensorflow as tf

    graph = tf.function(lambda x: model(x, training=False))
    return lambda x: graph(tf.constant(x)).numpy()


def images(count, size):
    import numpy as np

    return np.random.default_rng(0).uniform(-100, 100, (count, *size, 3)).astype("float32")


def classifier_named(name):
    import keras

    import fcn_keras

    if name == "alexnet":
        return fcn_keras.classifiers.alexnet()
    return keras.applications.VGG16(weights=None)


def measure(name, size, repeats):
    """Returns the figures of one classifier as a dict of JSON types."""
    import fcn_keras

    classifier = classifier_named(name)
    window = tuple(classifier.input_shape[1:3])
    per_crop = {}
    run = compiled(classifier)
    for batch in BATCHES[name]:
        crops = images(batch, window)
        per_crop[batch] = best_seconds(lambda crops=crops: run(crops), repeats) / batch
    dense = fcn_keras.convolutionalize(classifier)
    del classifier, run
    image = images(1, size)
    run = compiled(dense)
    seconds = best_seconds(lambda: run(image), repeats)
    return {
        "name": name,
        "window": window,
        "crop_seconds": per_crop,
        "grid": run(image).shape[1:3],
        "dense_seconds": seconds,
        **finer(dense, image, repeats),
    }


def finer(dense, image, repeats):
    """Returns the seconds of shift-and-stitch and of the dilated net for a map of finer stride."""
    import fcn_keras

    stride = fcn_keras.geometry.receptive_field(dense).stride[0] // FACTOR
    run = compiled(dense)
    passes = best_seconds(lambda: [run(image) for _ in range(FACTOR**2)], repeats)
    run = compiled(fcn_keras.surgery.dilate(dense, stride))
    return {
        "finer_stride": stride,
        "finer_grid": run(image).shape[1:3],
        "stitch_seconds": passes,
        "dilate_seconds": best_seconds(lambda: run(image), repeats),
    }


def tables(rows, size):
    """Returns the figures as two tables of text."""
    yield f"A crop at a time against one dense pass, image {size[0]}x{size[1]}"
    yield "| classifier | crop | ms a crop | batch | grid | ms crops | ms dense | times as fast |"
    yield "|---|---|---:|---:|---|---:|---:|---:|"
    for row in rows:
        batch, crop = min(row["crop_seconds"].items(), key=lambda item: item[1])
        by_crops = crop * row["grid"][0] * row["grid"][1]
        cells = (
            f"`{row['name']}`",
            _by(row["window"]),
            f"{1000 * crop:.1f}",
            batch,
            _by(row["grid"]),
            f"{1000 * by_crops:.0f}",
            f"{1000 * row['dense_seconds']:.0f}",
            f"{by_crops / row['dense_seconds']:.1f}",
        )
        yield _line(cells)
    yield ""
    yield f"The map at a finer stride: {FACTOR**2} passes of shift-and-stitch against dilate"
    yield "| classifier | stride | grid | ms shift-and-stitch | ms dilate | times as fast |"
    yield "|---|---:|---|---:|---:|---:|"
    for row in rows:
        cells = (
            f"`{row['name']}`",
            row["finer_stride"],
            _by(row["finer_grid"]),
            f"{1000 * row['stitch_seconds']:.0f}",
            f"{1000 * row['dilate_seconds']:.0f}",
            f"{row['stitch_seconds'] / row['dilate_seconds']:.1f}",
        )
        yield _line(cells)


def _by(pair):
    return f"{pair[0]}×{pair[1]}"


def _line(cells):
    return f"| {' | '.join(map(str, cells))} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="alexnet, vgg16 (default: both)")
    parser.add_argument("--size", default="500x500", help="HxW of the image")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", help="also write the figures to this file")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    size = tuple(int(n) for n in options.size.split("x"))
    unknown = set(options.names) - set(BATCHES)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; choose from {', '.join(BATCHES)}")
    if options.here:
        print(json.dumps(measure(options.names[0], size, options.repeats)))
        return
    rows = []
    for name in options.names or BATCHES:
        command = [sys.executable, __file__, name, "--here", "--size", options.size]
        command += ["--repeats", str(options.repeats)]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        rows.append(json.loads(output.splitlines()[-1]))
    print("\n".join(tables(rows, size)))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(rows, file, indent=1)


if __name__ == "__main__":
    main()
