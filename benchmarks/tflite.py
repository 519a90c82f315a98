"""Measures mean IoU, size and time of each kind of TFLite file, beside Keras.

    python benchmarks/tflite.py runs/demo/best.keras --data digits --split test [--json FILE]
    python benchmarks/tflite.py --classifier vgg16 --size 256x256

The first command evaluates a trained model with `fcn_keras.evaluate`; the second measures time and
size of an FCN-8s with random weights. Without --size the files have the size of the dataset's first
image.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path

from timing import best_seconds

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

KINDS = ("none", "float16", "dynamic", "int8", "int8-weights")
CLASSES = 21


def measured(model, images, dataset, size, calibration, options):
    """Returns one row for each kind: file size, seconds an image, and the mean IoU on a dataset."""
    import fcn_keras
    from fcn_keras.export.tflite import Segmenter, export_tflite

    rows, segmenters = [{"kind": "keras", **scores(model, dataset)}], {}
    with tempfile.TemporaryDirectory() as folder:
        for kind in options.kinds.split(","):
            path = export_tflite(
                model,
                Path(folder) / f"{kind}.tflite",
                kind,
                size=size,
                calibration=calibration if kind == "int8" else None,
                calibration_images=options.calibration_images,
                report=options.report if kind == "int8" else None,
            )
            segmenters[kind] = Segmenter(path, threads=options.threads)
        seconds = best_in_turn(segmenters, images[0], options.repeats)
        for kind, segmenter in segmenters.items():
            row = {"kind": kind, **scores(segmenter, dataset), "seconds": seconds[kind]}
            row["agreement"] = agreement(fcn_keras.Predictor(model), segmenter, images)
            row["bytes"] = segmenter.path.stat().st_size
            rows.append(row)
    return rows


def best_in_turn(segmenters, image, repeats):
    """Returns the shortest time of each; measured in turn, so that load affects all equally."""
    seconds = dict.fromkeys(segmenters, float("inf"))
    for _ in range(repeats):
        for kind, segmenter in segmenters.items():
            taken = best_seconds(lambda s=segmenter: s.segment(image), 1)
            seconds[kind] = min(seconds[kind], taken)
    return seconds


def scores(predictor, dataset):
    """Returns the mean IoU in percent, if there is a dataset."""
    import fcn_keras

    if dataset is None:
        return {}
    return {"mean_iou": 100 * fcn_keras.evaluate(predictor, dataset).scores.mean_iou}


def agreement(expected, segmenter, images):
    """Returns the share of pixels with equal labels."""
    import numpy as np

    return float(np.mean([(expected.segment(i) == segmenter.segment(i)).mean() for i in images]))


def show(rows):
    """Prints the rows as a table; points and times are relative to the first row."""
    reference = rows[0].get("mean_iou")
    whole = next((row["seconds"] for row in rows if row["kind"] == "none"), None)
    print(f"{'file':14}{'mean IU':>9}{'points':>8}{'agree':>9}{'MB':>9}{'ms':>9}{'faster':>8}")
    for row in rows:
        line = f"{row['kind']:14}"
        line += (
            f"{row['mean_iou']:9.2f}{row['mean_iou'] - reference:+8.2f}" if reference else 17 * " "
        )
        if "seconds" in row:
            line += f"{row['agreement']:9.4f}{row['bytes'] / 1e6:9.2f}{1e3 * row['seconds']:9.1f}"
            line += f"{whole / row['seconds']:8.2f}" if whole else ""
        print(line)


def noise(count, size):
    """Returns smooth pictures for nets with random weights."""
    import numpy as np
    from PIL import Image

    small = np.random.default_rng(0).integers(0, 256, (count, 9, 9, 3), "uint8")
    return [np.array(Image.fromarray(image).resize(size[::-1], 2)) for image in small]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", help="a .keras file")
    parser.add_argument("--classifier", help="instead of a model: FCN-8s over it, random weights")
    parser.add_argument("--data", help="NAME[:DIR] of the dataset to measure on")
    parser.add_argument("--split", default="test")
    parser.add_argument("--calibration-split", default="train")
    parser.add_argument("--calibration-images", type=int, default=100)
    parser.add_argument("--size", help="HxW of the files; 'any' for open sizes")
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--report", help="write the int8 errors by layer to this CSV file")
    parser.add_argument("--json", help="also write the figures to this file")
    options = parser.parse_args()
    if bool(options.model) == bool(options.classifier) or bool(options.model) != bool(options.data):
        parser.error("give a model and --data, or --classifier and --size")

    import keras

    import fcn_keras

    fcn_keras.register()
    fixed = options.size and options.size != "any"
    size = tuple(int(n) for n in options.size.split("x")) if fixed else None
    if options.model:
        model = keras.models.load_model(options.model, compile=False)
        name, root, given = fcn_keras.data.parse(options.data)
        dataset = fcn_keras.data.load(name, root, split=options.split, **given)
        calibration = fcn_keras.data.load(name, root, split=options.calibration_split, **given)
        images = [dataset[number][0] for number in range(min(8, len(dataset)))]
        size = size or (None if options.size else images[0].shape[:2])
    else:
        model = fcn_keras.fcn8s(CLASSES, options.classifier, weights=None)
        dataset, images = None, noise(1, size)
        calibration = noise(options.calibration_images, size)
    rows = measured(model, images, dataset, size, calibration, options)
    print(f"{model.name}, files of {size or 'any size'}, {options.threads} threads")
    show(rows)
    if options.json:
        Path(options.json).write_text(json.dumps({"size": size, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
