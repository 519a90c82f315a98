"""Compares nets of optical flow with zero flow, the mean flow and OpenCV's methods, in one table.

    python benchmarks/flow.py runs/flow --data middlebury:DIR --data flying-chairs:DIR
    python benchmarks/flow.py runs/s runs/c --data scenes:target=flow --json flow.json

Each row is a method, each pair of columns a data set: the mean end-point error in pixels over all
pixels of known flow, and KITTI's outlier rate. A run may take `--scale 2`: frames are enlarged for
the net and the flow is brought back, as in FlowNet's own test at 1.25.
"""

import argparse
import json
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import cv2
import numpy as np

import fcn_keras
from fcn_keras.export.loading import load_model
from fcn_keras.inference import build_predictor


def grey(frame):
    """A frame as OpenCV's methods take it."""
    return cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY)


def of_opencv(method):
    """A method of OpenCV as a function of an image of six channels."""
    return lambda image: method.calc(grey(image[..., :3]), grey(image[..., 3:]), None)


def measured(answer, dataset):
    """The report of a function from an image of six channels to flow, and its seconds a pair."""
    report, seconds = fcn_keras.metrics.report_for(dataset.task), 0.0
    for image, flow in dataset:
        start = time.perf_counter()
        found = answer(image)
        seconds += time.perf_counter() - start
        report.update(flow, found)
    return report, seconds / len(dataset)


def load(words, split):
    """The data set of the words, and its name for the table."""
    name, root, options = fcn_keras.data.parse(words)
    if split is None:
        known = fcn_keras.data.registry.module_of(name).splits(root, **options)
        split = "test" if "test" in known else "all"
    return fcn_keras.data.load(name, root, split=split, **options), f"{name} {split}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="*", help=".keras files or run folders")
    parser.add_argument("--data", action="append", required=True, help="as fcn-keras takes it")
    parser.add_argument("--split", help="of all data; default: test, or all")
    parser.add_argument("--scale", type=float, help="factor on the frames of the nets")
    parser.add_argument("--json", type=Path, help="file for the figures")
    args = parser.parse_args()

    answers = {"zero flow": lambda image: np.zeros((*image.shape[:2], 2), "float32")}
    answers["Farneback"] = of_opencv(cv2.FarnebackOpticalFlow_create())
    answers["DIS"] = of_opencv(cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM))
    scales = None if args.scale is None else (args.scale,)
    for run in args.runs:
        answers[run] = build_predictor(load_model(run), scales=scales).segment

    rows = {name: {} for name in answers}
    for words in args.data:
        dataset, title = load(words, args.split)
        for name, answer in answers.items():
            report, seconds = measured(answer, dataset)
            rows[name][title] = {**report.to_dict(), "seconds": round(seconds, 4)}
    titles = list(next(iter(rows.values())))
    wide = max(map(len, rows))
    print(" " * wide + "".join(f"  {title:>26}" for title in titles))
    for name, found in rows.items():
        cells = [
            f"  {found[title]['end_point_error']:10.2f} px {found[title]['outlier_rate']:11.1%}"
            for title in titles
        ]
        print(f"{name:{wide}}" + "".join(f"{cell:>28}" for cell in cells))
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
