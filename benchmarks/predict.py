"""Measures `predict` on a folder: time and processor time for each image, and those of its parts.

    python benchmarks/predict.py CAMVID
    python benchmarks/predict.py CAMVID --precision runs/camvid vgg_slim

The net is an FCN-8s over vgg_slim with random weights; the label maps that are written are the
true ones of CamVid's validation images, so that the pictures are as those of a trained net.

With --precision it compares precision="mixed" with float32 instead, on twelve images: the share of
equal labels and the processor time of the net. A classifier's name stands for an FCN-4s over it
with random weights, of which only the times mean something.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np

import fcn_keras
from fcn_keras import visualize
from fcn_keras.inference import predict_files

COUNT = 60
REPEATS = 20
COMPARED = 12


class Answering:
    """A segmenter that computes with a net and answers with the true label maps, in order."""

    def __init__(self, predictor, data):
        self.predictor, self.labels = predictor, data.labels
        self.truths = iter([data.read_target(index) for index in range(len(data))])

    def segment(self, image):
        """Returns the next true label map, after the net has segmented the image."""
        self.predictor.segment(image)
        return next(self.truths)


def milliseconds(function):
    """Returns the processor time of one call."""
    function()
    start = time.process_time()
    for _ in range(REPEATS):
        function()
    return 1000 * (time.process_time() - start) / REPEATS


def in_both_precisions(source, data):
    """Returns the share of equal labels, and the CPU milliseconds an image in either precision.

    Args:
        source: A .keras file or a run folder, or the name of a classifier.
        data: The images.
    """
    if Path(source).exists():
        model = fcn_keras.export.load(source).model
    else:
        model = fcn_keras.fcn4s(data.labels.num_classes, source, weights=None)
    images = [data[int(index)][0] for index in np.linspace(0, len(data) - 1, COMPARED)]
    ways = [fcn_keras.Predictor(model, precision=name) for name in ("float32", "mixed")]
    spent = [[], []]
    for _ in range(REPEATS // 4):  # in turns, as the load of the machine may change
        found = []
        for way, times in zip(ways, spent, strict=True):
            way.segment(images[0])
            start = time.process_time()
            found.append(np.stack([way.segment(image) for image in images]))
            times.append(1000 * (time.process_time() - start) / COMPARED)
    return float((found[0] == found[1]).mean()), *map(np.median, spent)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("camvid", help="CamVid's folder")
    parser.add_argument("--precision", nargs="+", metavar="MODEL", help="models, or classifiers")
    options = parser.parse_args()
    data = fcn_keras.data.load("camvid", options.camvid, split="val")
    if options.precision:
        print(f"{'':32} {'equal labels':>12} {'float32':>8} {'mixed':>6} {'ratio':>6}")
        for source in options.precision:
            equal, single, mixed = in_both_precisions(source, data)
            print(f"{source:32} {equal:12.4f} {single:8.0f} {mixed:6.0f} {mixed / single:6.2f}")
        return
    parts_of_predict(data.take(COUNT))


def parts_of_predict(data):
    """Prints the time of `predict` on a folder, and those of its parts."""
    model = fcn_keras.fcn8s(data.labels.num_classes, "vgg_slim", weights=None, labels=data.labels)
    image, truth = data[0]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        predictor = fcn_keras.Predictor(model)
        parts = {
            "net": lambda: predictor.segment(image),
            "reading": lambda: fcn_keras.data.read_image(data.images[0]),
            "label map": lambda: visualize.save_label_map(truth, data.labels, out / "labels.png"),
            "overlay": lambda: visualize.save_overlay(image, truth, data.labels, out / "over.png"),
        }
        for name, function in parts.items():
            print(f"{name:10} {milliseconds(function):6.1f} CPU ms")
        answering = Answering(predictor, data)
        start, cpu = time.perf_counter(), time.process_time()
        predict_files(answering, data.images, out, progress=False)
        wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    per_image = 1000 / len(data)
    print(f"predict    {per_image * cpu:6.1f} CPU ms an image, {per_image * wall:.1f} ms")
    print(f"{cpu / wall:.2f} of {os.cpu_count()} cores busy")


if __name__ == "__main__":
    main()
