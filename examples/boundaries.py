"""Trains HED to find the boundaries of things, on drawn scenes whose boundaries are exact.

    python examples/boundaries.py

Scenes of textured shapes are drawn, so that edges of texture are no boundaries. HED over a small
VGG learns to tell them apart in some minutes on two cores. It is scored as the Berkeley benchmark
scores boundaries, beside the gradient of the image, which cannot tell them apart. The last part
shows the steps of the benchmark.
"""

import argparse
from pathlib import Path

import keras
import numpy as np
from PIL import Image
from scipy import ndimage

import fcn_keras
from fcn_keras import metrics

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--out", type=Path, default=Path("runs/boundaries"), help="results' folder")
parser.add_argument("--images", type=int, default=200, help="number of scenes to train on")
parser.add_argument("--epochs", type=int, default=30)
args = parser.parse_args()
args.out.mkdir(parents=True, exist_ok=True)

# 1. The data. A target is the share of annotators who marked a pixel, float32 (H, W); here 1 on
# boundaries and 0 elsewhere. `bsds:BSR/BSDS500/data` reads the photographs of BSDS500.
train = fcn_keras.data.load("scenes", split="train", target="boundaries", count=args.images)
test = fcn_keras.data.load("scenes", split="test", target="boundaries", count=min(args.images, 20))
print(f"{len(train)} scenes to train on, {len(test)} to measure; the task is {train.task}")

# 2. HED: a side output at each stride of the classifier, and their fusion. The loss weighs the few
# boundary pixels as much as all others, and compares every output with the target.
keras.utils.set_random_seed(0)
fcn_keras.training.train(
    None, train, test, out=args.out / "run", net={"model": "hed", "classifier": "vgg_slim"},
    epochs=args.epochs, batch_size=8, crop=(96, 128), validate_every=5, overwrite=True,
)  # fmt: skip
model = fcn_keras.models.load_model(fcn_keras.training.RunFolder(args.out / "run").best)

# 3. The scores: ODS, OIS and AP. 33 thresholds cost a third of the benchmark's 99.
report = fcn_keras.evaluate(model, test, thresholds=33)
print("\n" + report.table())


def gradient(image):
    """The length of the colour gradient, as a boundary probability."""
    smooth = ndimage.gaussian_filter(image.astype("float32"), (1, 1, 0))
    length = np.hypot(ndimage.sobel(smooth, 0), ndimage.sobel(smooth, 1)).max(-1)
    return length / length.max()


pairs = [(test.read_annotations(index), gradient(test[index][0])) for index in range(len(test))]
blind = metrics.boundary_benchmark(pairs, thresholds=33)
print(f"\nODS {report.scores.ods:.3f}; of the gradient of the image: {blind.ods:.3f}")

# 4. A picture of three scenes, their boundaries and what the net makes of them.
images, truths = zip(*(test[index] for index in range(min(3, len(test)))), strict=True)
answers = [fcn_keras.segment(model, image) for image in images]
picture = args.out / "boundaries.png"
fcn_keras.visualize.comparison(images, truths, answers, test.task, picture)

# 5. The steps of the benchmark: the crests of the soft map, and the thin lines of one threshold.
crests = metrics.suppress_nonmaxima(answers[0])
lines = metrics.thin(crests >= report.scores.ods_threshold)
maps = (answers[0], crests, lines, truths[0])
steps = np.concatenate([np.uint8(255 * (1 - one.astype("float32"))) for one in maps], 1)
Image.fromarray(np.kron(steps, np.ones((2, 2), "uint8"))).save(args.out / "steps.png")
print("Look at", picture, "and", args.out / "steps.png")
