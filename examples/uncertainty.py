"""Measures the uncertainty of a net by Monte-Carlo dropout, with a class that has no labels.

    python examples/uncertainty.py

It takes four minutes on two cores. All results are in --out (default runs/uncertainty).
"""

import argparse
import dataclasses
from pathlib import Path

import keras
import numpy as np

import fcn_keras

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument(
    "--out", type=Path, default=Path("runs/uncertainty"), help="folder for the results"
)
parser.add_argument("--epochs", type=int, default=6)
parser.add_argument("--images", type=int, default=400, help="number of training scenes")
parser.add_argument("--tests", type=int, default=40, help="number of test scenes")
parser.add_argument("--samples", type=int, default=20, help="number of passes with Dropout")
args = parser.parse_args()
args.out.mkdir(parents=True, exist_ok=True)
keras.utils.set_random_seed(0)

# 1. Scenes of handwritten digits without labels for the nines: they are void in training.
train = fcn_keras.data.load("digits", split="train", count=args.images)
test = fcn_keras.data.load("digits", split="test", count=args.tests)
labels = train.labels
nine = labels.names.index("9")
masks = tuple(np.where(mask == nine, labels.ignore, mask) for mask in train.targets)
train = dataclasses.replace(train, targets=masks)

# 2. A net that drops whole channels in each of its residual blocks. Dropout only on the paper's fc6
# and fc7 has little effect on a net whose skips can separate the digits without them.
model = fcn_keras.fcn4s(
    labels.num_classes, "resnet_slim", weights=None, decoder_filters=(96, 64), labels=labels
)
steps = -(-len(train) // 4) * args.epochs
rate = keras.optimizers.schedules.CosineDecay(3e-3, steps)
model.compile(fcn_keras.training.Muon(rate), fcn_keras.losses.CrossEntropy())
model.fit(train.batches(4, augment=True), epochs=args.epochs, shuffle=False, verbose=2)

# 3. Several passes of the same image with Dropout. Where they differ, the net is uncertain.
found = [fcn_keras.inference.uncertainty(model, image, samples=args.samples) for image, _ in test]
softmax = [fcn_keras.segment(model, image, return_probabilities=True)[1] for image, _ in test]

# 4. Is the uncertainty higher where the labels are wrong? The area under the ROC curve is the share
# of pairs of a wrong and a right pixel in which the wrong one is more uncertain: 0.5 is chance, 1
# is perfect.
truth = np.stack([mask for _, mask in test])
given = np.stack([one.labels for one in found])
doubts = {
    "1 - highest softmax": 1 - np.stack(softmax).max(-1),
    "entropy": np.stack([one.entropy for one in found]),
    "mutual information": np.stack([one.mutual_information for one in found]),
}
counted = truth != labels.ignore
unknown, wrong = truth == nine, counted & (given != truth)
groups = {"right": counted & ~wrong, "wrong": wrong & ~unknown, "a nine": unknown}


def found_by(values):
    """Returns the area under the ROC curve, from ranks; equal values share a rank."""
    values, positive = values[counted], wrong[counted]
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[place]
    pairs = positive.sum() * (~positive).sum()
    return (ranks[positive].sum() - positive.sum() * (positive.sum() + 1) / 2) / pairs


print(f"{'':22}" + "".join(f"{name:>10}" for name in groups) + "   finds the wrong ones")
for name, values in doubts.items():
    means = "".join(f"{values[group].mean():10.3f}" for group in groups.values())
    print(f"{name:22}{means}   {found_by(values):.3f}")

# 5. A picture: scenes with a nine.
with_nine = [number for number in range(len(test)) if unknown[number].any()][:3]
path = fcn_keras.visualize.uncertainty(
    [test[number][0] for number in with_nine],
    [found[number] for number in with_nine],
    args.out / "uncertainty.png",
)
print("Look at", path)
