"""Finds cells in electron micrographs of brain tissue by a U-Net that learns their membranes.

    python examples/membranes.py path/to/isbi2012

The folder contains image/*.png and label/*.png: slices of 512x512 of the ISBI 2012 challenge
(Arganda-Carreras et al. 2015), white inside the cells and black on the membranes. The first twenty
are trained on, 20 to 24 are measured. The default folder is $FCN_KERAS_DATA/isbi2012.

Two small nets are trained for some minutes on two cores, one plainly, one with weight maps and
elastic deformation. --long trains them by the recipe "membranes" instead, two hours each.
"""

import argparse
import os
from pathlib import Path

import matplotlib.pyplot as plt

import fcn_keras

DATA = Path(os.environ.get("FCN_KERAS_DATA", "../shared")) / "isbi2012"
FLIPS = {"flip": True, "scale": (0.8, 1.25), "color": 0.3, "rotate": "quarters"}
WAYS = {
    "plain": {"weight_maps": None, "augment": FLIPS},
    "weights": {"weight_maps": (10, 5), "augment": FLIPS},
    "elastic": {"weight_maps": None, "augment": {**FLIPS, "elastic": 8.0}},
    "both": {"weight_maps": (10, 5), "augment": {**FLIPS, "elastic": 8.0}},
}
parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("folder", type=Path, nargs="?", default=DATA, help="folder with image/, label/")
parser.add_argument("--out", type=Path, default=Path("runs/membranes"), help="folder for results")
parser.add_argument(
    "--ways", nargs="+", choices=WAYS, default=("plain", "both"), help="trainings to compare"
)
parser.add_argument("--steps", type=int, help="training steps of each net; default: 400")
parser.add_argument("--long", action="store_true", help="the recipe as it is: two hours each")
args = parser.parse_args()
args.out.mkdir(parents=True, exist_ok=True)

# 1. Masks of two classes: 0 is membrane and what lies between cells, everything else is cell.
slices = fcn_keras.data.load(
    "folder", args.folder, split="all", images="image", masks="label", binary=True
).with_channels(1)
train, test = slices.select("[01]*"), slices.select("2[0-4]*")
print(f"{len(train)} slices to train on, {len(test)} to measure")

# 2. U-Net's weight maps: a pixel of a membrane weighs the more the closer the cells on both sides
# are. A gap of one pixel in a thin membrane joins two cells, and hardly changes the pixel accuracy.
image, label = test[0]
weights = fcn_keras.data.WeightMaps(w0=10, sigma=5)(label)
figure, axes = plt.subplots(1, 3, figsize=(12, 4.3), layout="constrained")
for axis, (title, shown) in zip(
    axes, {"micrograph": image, "truth": label, "weights": weights}.items(), strict=True
):
    picture = axis.imshow(shown[:256, :256], cmap="inferno" if title == "weights" else "gray")
    axis.set(title=title, xticks=[], yticks=[])
figure.colorbar(picture)
figure.savefig(args.out / "weights.png", dpi=110)

# 3. The trainings. An epoch is ten passes over the twenty slices, so that files are written more
# rarely. The small net has an eighth of the recipe's parameters, and crops of half the size.
epoch = train.at(list(range(len(train))) * 10)
small = {"crop": (128, 128), "net": {"filters": (16, 32, 64, 128)}, "steps": 400, "ema": None}
changes = {} if args.long else small
if args.steps:
    changes = {**changes, "steps": args.steps}
for way in args.ways:
    fcn_keras.training.train(
        None, epoch, out=args.out / way, recipe="membranes", overwrite=True, warmup=None,
        **WAYS[way], **changes,
    )  # fmt: skip

# 4. The measures of the challenge. V-Rand and V-Info compare the cells, after the predicted
# membranes are thinned to lines. All figures are averages over the eight positions of a slice.
print(f"\n{'':10}{'pixels':>8}{'mean IoU':>10}{'V-Rand':>8}{'V-Info':>8}")
for way in args.ways:
    model = fcn_keras.models.load_model(fcn_keras.training.RunFolder(args.out / way).last)
    report = fcn_keras.evaluate(
        model, test, flip=True, rotate=True, membranes="background", progress=False
    )
    regions = {(s["name"], s["thin"]): s["score"] for s in report.to_dict()["membranes"]["scores"]}
    scores = report.scores.pixel_accuracy, report.scores.mean_iou
    thinned = regions["V-Rand", True], regions["V-Info", True]
    print(f"{way:10}{scores[0]:8.3f}{scores[1]:10.3f}{thinned[0]:8.3f}{thinned[1]:8.3f}")

# 5. Two slices, their truth and the answers of the last net.
images, truths = zip(*(test[index] for index in (0, 4)), strict=True)
answers = [fcn_keras.segment(model, image, flip=True, rotate=True) for image in images]
picture = args.out / "membranes.png"
labels = fcn_keras.LabelSet(("membrane", "cell"), ((30, 30, 30), (240, 205, 130)))
fcn_keras.visualize.comparison(images, truths, answers, labels, picture)
print("Look at", picture)
