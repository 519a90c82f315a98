"""Measures the gain and the time of averaging and of a dense CRF for a trained model.

    python benchmarks/postprocessing.py runs/camvid --data camvid:CamVid --tune '0016E5_079*' \
        [--split val] [--tune-images 20] [--crf tuned-crf.json] [--json FILE]

The CRF is tuned for mean IoU and for boundary F1 on the images that --tune selects; everything is
measured on the others. Seconds are those of `fcn_keras.evaluate`, with reading and counting. --crf
is a file for the tuned options; if it exists, they are read from it.
"""

import argparse
import json
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import fcn_keras
from fcn_keras import export
from fcn_keras.cli.sources import load_dataset
from fcn_keras.inference import tune_crf
from fcn_keras.inference.tuning import MEASURES

SCALES = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75)
FEW = (0.5, 0.75, 1.0)


def tuned(predictor, dataset, images, file):
    """Returns {measure: options of a CRF}, from the file if it exists."""
    if file is not None and file.exists():
        return json.loads(file.read_text())
    found = {}
    for measure in MEASURES:
        trial = tune_crf(predictor, dataset, measure=measure, images=images)
        print(trial.table(), end="\n\n", flush=True)
        found[measure] = trial.options
    if file is not None:
        file.write_text(json.dumps(found, indent=1))
    return found


def choices(found):
    """Returns {title: options of `fcn_keras.evaluate`} for all rows."""
    return {
        "as it is": {},
        "flip": {"flip": True},
        "scales 0.5, 0.75, 1": {"scales": FEW},
        "scales 0.5, 0.75, 1, flip": {"scales": FEW, "flip": True},
        "six scales, 0.5 to 1.75": {"scales": SCALES},
        "six scales, flip": {"scales": SCALES, "flip": True},
        "CRF, Krähenbühl and Koltun's options": {"crf": True},
        "CRF tuned for mean IoU": {"crf": found["mean_iou"]},
        "CRF tuned for boundary F1": {"crf": found["boundary_f1"]},
        "scales 0.5, 0.75, 1, flip, CRF tuned for mean IoU": {
            "scales": FEW, "flip": True, "crf": found["mean_iou"]
        },
    }  # fmt: skip


def measured(predictor, dataset, options):
    report = fcn_keras.evaluate(predictor, dataset, boundary=True, **options)
    return {
        "mean_iou": float(report.scores.mean_iou),
        "boundary_f1": float(report.boundary.result()),
        "seconds": report.seconds / report.num_images,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="a run folder or a .keras file")
    parser.add_argument("--data", default="camvid", help="NAME[:DIR] of the dataset")
    parser.add_argument("--split", default="val")
    parser.add_argument("--tune", required=True, metavar="GLOB", help="images to tune the CRF on")
    parser.add_argument("--tune-images", type=int, default=20, help="most images to tune on")
    parser.add_argument("--crf", type=Path, help="a file of the tuned options")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    args = parser.parse_args()

    predictor = export.load(args.model)
    others = load_dataset(args.data, args.split, only=args.tune)
    dataset = load_dataset(args.data, args.split, exclude=args.tune)
    found = tuned(predictor, others, args.tune_images, args.crf)
    for measure, options in found.items():
        print(f"CRF tuned for {measure}: {options}")
    measured(predictor, dataset.take(2), {})  # compiles
    rows = {}
    print(
        f"\n{len(dataset)} images; the CRF was tuned on {min(len(others), args.tune_images)} others"
    )
    print("| | mean IoU | boundary F1 | seconds an image | times |\n|---|---:|---:|---:|---:|")
    for title, options in choices(found).items():
        row = rows[title] = measured(predictor, dataset, options)
        times = row["seconds"] / rows["as it is"]["seconds"]
        print(f"| {title} | {row['mean_iou']:.3f} | {row['boundary_f1']:.3f} | "
              f"{row['seconds']:.2f} | {times:.1f} |", flush=True)  # fmt: skip
    if args.json:
        args.json.write_text(json.dumps({"crf": found, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
