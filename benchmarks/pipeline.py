"""Measures the CPU time of the input pipeline as a multiple of bare decoding.

    python benchmarks/pipeline.py CAMVID [--crop 256 320] [--json FILE]

Each variant runs once in each round, so that all run under the same load. The last row is a
training step of FCN-8s over vgg_slim on the same crops: the input should not slow it down.
"""

import argparse
import json
import os
import statistics
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import tensorflow as tf

import fcn_keras
from fcn_keras import data
from fcn_keras.training import Recipe, compile_model, fused_batch_norm

STEPS = 10


def bare_decoding(dataset):
    """Returns a dataset that reads and decodes the pairs in tf.data and does nothing else."""
    images = tf.constant([str(path) for path in dataset.images])
    masks = tf.constant([str(path) for path in dataset.targets])

    def decode(index):
        return (
            tf.io.decode_png(tf.io.read_file(images[index]), 3),
            tf.io.decode_png(tf.io.read_file(masks[index]), 1),
        )

    steps = tf.data.Dataset.range(len(dataset))
    return steps.map(decode, num_parallel_calls=tf.data.AUTOTUNE)


def ways(dataset, batch_size, crop):
    """Returns {name: tf.data.Dataset}, each one epoch over the dataset."""

    def batches(**changes):
        return dataset.batches(batch_size, **changes)

    colorful = data.Augmentation(flip=True, scale=(0.6, 1.6), color=0.2)
    turned = data.Augmentation(flip=True, scale=(0.6, 1.6), color=0.2, rotate="quarters")
    elastic = data.Augmentation(flip=True, scale=(0.6, 1.6), color=0.2, rotate=180, elastic=10)
    return {
        "bare decoding": bare_decoding(dataset),
        "whole images": batches(),
        "crop, flip": batches(crop=crop, augment=data.Augmentation(flip=True)),
        "crop, flip, scale": batches(crop=crop, augment=data.Augmentation(True, (0.6, 1.6))),
        "crop, flip, scale, colour": batches(crop=crop, augment=colorful),
        "the same, quarter turns": batches(crop=crop, augment=turned),
        "the same, any angle, elastic": batches(crop=crop, augment=elastic),
        "the same, weight maps": batches(crop=crop, augment=elastic, weight_maps=data.WeightMaps()),
        "the colours, decoded cache": batches(crop=crop, augment=colorful, cache=True),
        "crop, flip, decoded cache": batches(
            crop=crop, augment=data.Augmentation(flip=True), cache=True
        ),
    }


def cpu_milliseconds(batches, pairs):
    """Returns the CPU milliseconds of all threads for one pair, over one epoch."""
    start = time.process_time()
    for _ in batches:
        pass
    return 1000 * (time.process_time() - start) / pairs


def training_step(dataset, batch_size, crop, mixed):
    """Returns the CPU milliseconds of a training step for each pair, without the input."""
    fcn_keras.training.setup("mixed" if mixed else "float32")
    classes = dataset.labels.num_classes
    model = fcn_keras.fcn8s(classes, "vgg_slim", weights=None, labels=dataset.labels)
    compile_model(model, Recipe(batch_size=batch_size, crop=crop), dataset)
    batch = next(iter(dataset.batches(batch_size, crop=crop)))
    with fused_batch_norm(model):
        model.train_on_batch(*batch)
        start = time.process_time()
        for _ in range(STEPS):
            model.train_on_batch(*batch)
    keras.config.set_dtype_policy("float32")
    return 1000 * (time.process_time() - start) / (STEPS * batch_size)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("camvid", type=Path, help="CamVid's folder")
    parser.add_argument("--crop", type=int, nargs=2, default=(256, 320), metavar=("H", "W"))
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--pairs", type=int, default=96, help="number of pairs in an epoch")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    args = parser.parse_args()

    dataset = data.load("camvid", args.camvid).take(args.pairs)
    pipelines = ways(dataset, args.batch_size, tuple(args.crop))
    times = {name: [] for name in pipelines}
    for number in range(args.rounds + 1):  # the first warms up
        for name, pipeline in pipelines.items():
            spent = cpu_milliseconds(pipeline, len(dataset))
            if number:
                times[name].append(spent)
    ratios = {
        name: statistics.median(a / b for a, b in zip(t, times["bare decoding"], strict=True))
        for name, t in times.items()
    }
    figures = {
        name: {"cpu_ms_per_pair": statistics.median(t), "ratio": ratios[name]}
        for name, t in times.items()
    }
    print(f"{'':30}CPU ms per pair   to bare decoding")
    for name, row in figures.items():
        print(f"{name:30}{row['cpu_ms_per_pair']:15.2f}{row['ratio']:19.2f}")
    for mixed in (False, True):
        name = f"vgg_slim step, {'mixed_bfloat16' if mixed else 'float32'}"
        spent = training_step(dataset, args.batch_size, tuple(args.crop), mixed)
        figures[name] = {"cpu_ms_per_pair": spent}
        print(f"{name:30}{spent:15.2f}")
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
