"""Repeats the paper's ablations on your data: stride, learned upsampling, class balancing.

    python benchmarks/ablation.py digits --epochs 7
    python benchmarks/ablation.py camvid:DIR --epochs 30 --precision mixed

Every net is trained from random weights with one recipe (CamVid: `camvid` with three quarters of
the epochs at half the size); a row changes only what its name says. Class weights are used only
where the row says so. The scores are those of the whole validation images. A finished row is kept
in the folder of --out and not trained again.
"""

import argparse
import json
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras

import fcn_keras
from fcn_keras.precision import CHOICES
from fcn_keras.training import Recipe, recipes

ROWS = {
    "FCN-32s": ("fcn32s", {}, {}),
    "FCN-16s": ("fcn16s", {}, {}),
    "FCN-8s": ("fcn8s", {}, {}),
    "FCN-8s, learned upsampling": ("fcn8s", {"learn_upsampling": "all"}, {}),
    "FCN-8s, balanced (median frequency)": ("fcn8s", {}, {"class_weights": "median"}),
    "FCN-8s, balanced (ENet)": ("fcn8s", {}, {"class_weights": "enet"}),
}
DIGITS = Recipe(batch_size=4, learning_rate=3e-3, augment=True, refresh_batches=20)
METRICS = ("pixel_accuracy", "mean_accuracy", "mean_iou", "frequency_weighted_iou")


def measured(row, classifier, data, recipe, seed, out):
    """Returns the four metrics of one row; trains unless the folder has them."""
    figures = out / f"{row} {seed}.json"
    if figures.exists():
        return json.loads(figures.read_text())
    build, net, choices = ROWS[row]
    keras.utils.set_random_seed(seed)
    model = getattr(fcn_keras, build)(
        data["train"].labels.num_classes,
        classifier,
        weights=None,
        labels=data["train"].labels,
        **net,
    )
    folder = out / f"{row} {seed}"
    fcn_keras.training.train(
        model,
        data["train"],
        data["val"],
        out=folder,
        recipe=recipe,
        seed=seed,
        overwrite=True,
        **choices,
    )
    last = keras.models.load_model(folder / "best.keras")  # the only epoch that is validated
    scores = fcn_keras.evaluate(last, data["val"]).scores
    found = {name: float(getattr(scores, name)) for name in METRICS}
    figures.write_text(json.dumps(found))
    keras.backend.clear_session()
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", help="NAME or NAME:DIR, as fcn-keras takes it")
    parser.add_argument("--epochs", type=int, default=7)
    parser.add_argument("--classifier", default="vgg_slim")
    parser.add_argument("--seeds", type=int, default=1, help="number of trainings of each row")
    parser.add_argument("--precision", default="float32", choices=CHOICES)
    parser.add_argument("--out", type=Path, default=Path("runs/ablation"))
    args = parser.parse_args()

    name, _, root = args.data.partition(":")
    places = (root,) if root else ()
    data = {split: fcn_keras.data.load(name, *places, split=split) for split in ("train", "val")}
    out = args.out / f"{name} {args.classifier}"
    out.mkdir(parents=True, exist_ok=True)
    fcn_keras.training.setup(args.precision)
    recipe = recipes.get("camvid", class_weights=None, half_size=0.75)
    recipe = (recipe if name == "camvid" else DIGITS).changed(
        epochs=args.epochs, validate_every=args.epochs, precision=args.precision
    )
    print("| | " + " | ".join(m.replace("_", " ") for m in METRICS) + " |")
    print("|---|" + "---:|" * len(METRICS))
    for row in ROWS:
        options = row, args.classifier, data, recipe
        runs = [measured(*options, seed, out) for seed in range(args.seeds)]
        cells = [spread([run[metric] for run in runs]) for metric in METRICS]
        print(f"| {row} | " + " | ".join(cells) + " |", flush=True)


def spread(values):
    """Returns the mean of the runs, and their smallest and largest value, as text."""
    mean = sum(values) / len(values)
    if len(values) == 1:
        return f"{mean:.3f}"
    return f"{mean:.3f} ({min(values):.3f} to {max(values):.3f})"


if __name__ == "__main__":
    main()
