"""What the net does not know: Monte-Carlo dropout, and a class that nobody labelled.

    python examples/uncertainty.py

Four minutes on two cores. Everything it writes goes to --out (default runs/uncertainty).
"""

import argparse
import dataclasses
from pathlib import Path

import keras
import numpy as np

import fcn_keras

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--out", type=Path, default=Path("runs/uncertainty"), help="where to write")
parser.add_argument("--epochs", type=int, default=6)
parser.add_argument("--images", type=int, default=400, help="how many scenes to train on")
parser.add_argument("--tests", type=int, default=40, help="how many scenes to measure on")
parser.add_argument("--samples", type=int, default=20, help="passes with Dropout on")
args = parser.parse_args()
args.out.mkdir(parents=True, exist_ok=True)
keras.utils.set_random_seed(0)

# 1. Scenes of handwritten digits whose nines nobody has labelled: they are void in training.
train = fcn_keras.data.load("digits", split="train", count=args.images)
test = fcn_keras.data.load("digits", split="test", count=args.tests)
labels = train.labels
nine = labels.names.index("9")
masks = tuple(np.where(mask == nine, labels.ignore, mask) for mask in train.targets)
train = dataclasses.replace(train, masks=masks)

# 2. A net with Dropout in its middle: whole channels, in each of its residual blocks. Dropout on
# the paper's fc6 and fc7 alone hardly moves a net whose skips see whole digits by themselves.
model = fcn_keras.fcn4s(
    labels.num_classes, "resnet_slim", weights=None, decoder_filters=(96, 64), labels=labels
)
steps = -(-len(train) // 4) * args.epochs
rate = keras.optimizers.schedules.CosineDecay(3e-3, steps)
model.compile(fcn_keras.training.Muon(rate), fcn_keras.losses.CrossEntropy())
model.fit(train.batches(4, augment=True), epochs=args.epochs, shuffle=False, verbose=2)

# 3. The same image several times with Dropout on. Where the passes differ, the net does not know.
found = [fcn_keras.inference.uncertainty(model, image, samples=args.samples) for image, _ in test]
softmax = [fcn_keras.segment(model, image, return_probabilities=True)[1] for image, _ in test]

# 4. Is it unsure where it is wrong? The share of pairs of a wrong and a right pixel in which the
# wrong one is the less sure: 0.5 is a coin, 1 is perfect (the area under the ROC curve).
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
    """The area under the ROC curve, from the ranks; equal values share theirs."""
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
