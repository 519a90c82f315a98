"""Segments fruit fly eggs in five microscopy slices, each with a net trained on the other four.

    python examples/drosophila.py path/to/drosophila

The folder contains image/*.jpg and annot_eggs/*.png: slices of ovaries of about 1030x650, from Jiri
Borovec's pyImSegm, github.com/Borda/pyImSegm (BSD-3). In the masks every egg has a number. The
default folder is $FCN_KERAS_DATA/drosophila. It takes two to three minutes on two cores; --slice 0
trains for the first slice only.

    python examples/drosophila.py path/to/drosophila --net unet --steps 600

trains U-Nets on crops that are also turned and deformed.
"""

import argparse
import dataclasses
import os
from pathlib import Path

import keras
import numpy as np

import fcn_keras

DATA = Path(os.environ.get("FCN_KERAS_DATA", "../shared")) / "drosophila"
parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument(
    "folder", type=Path, nargs="?", default=DATA, help="folder with image/ and annot_eggs/"
)
parser.add_argument(
    "--out", type=Path, default=Path("runs/drosophila"), help="folder for the results"
)
parser.add_argument(
    "--net",
    choices=("fcn8s", "fcn4s", "segnet", "unet"),
    default="fcn8s",
    help="net to train; all but unet are built over vgg_slim",
)
parser.add_argument("--slice", type=int, help="leave out only this slice, 0 to 4")
parser.add_argument("--steps", type=int, default=60, help="training steps for each slice left out")
args = parser.parse_args()
args.out.mkdir(parents=True, exist_ok=True)

# 1. A folder data set whose parts have other names; every mask value except 0 is egg.
eggs = fcn_keras.data.load(
    "folder", args.folder, split="all", images="image", masks="annot_eggs", binary=True
)
share = np.mean([label.mean() for _, label in eggs])
print(f"{len(eggs)} slices, {share:.0%} of their pixels are egg: {', '.join(eggs.names)}")

# 2. The slices are stained in red, magenta or green, and some are dark. A net trained on four of
# them would learn the stain instead of the egg. So each pixel becomes its brightest channel,
# stretched to the range of its slice.


def stretched(image):
    """Returns the brightest channel of each pixel, stretched, as grey uint8 (H, W, 3)."""
    bright = image.max(axis=-1)
    bright = np.clip(bright / np.percentile(bright, 99.5), 0, 1) ** 0.5
    return np.repeat(np.round(255 * bright[..., None]), 3, axis=-1).astype("uint8")


labels = fcn_keras.LabelSet(("background", "egg"))
eggs = dataclasses.replace(
    eggs,
    task=labels,
    images=tuple(stretched(image) for image, _ in eggs),
    targets=tuple(label for _, label in eggs),
    reader=None,
)

# 3. Four slices give thousands of crops: mirrored, scaled, with other brightness. An egg is up to
# 600 pixels long and dark inside, so the crops are at half the size and contain more of it.
vary = fcn_keras.data.Augmentation(flip=True, scale=(0.35, 0.65), color=0.3)
if args.net == "unet":  # tissue has no up and down, and is soft
    vary = dataclasses.replace(vary, rotate=180, elastic=10.0)


def segmenter(train):
    """Returns a net trained on crops of some slices."""
    keras.utils.set_random_seed(0)
    if args.net == "unet":
        model = fcn_keras.unet(
            2, filters=(16, 32, 64, 128, 256), padding="same", batch_norm=True, labels=labels
        )
    else:
        model = fcn_keras.models.NETS[args.net](2, "vgg_slim", weights=None, labels=labels)
    model.compile(
        optimizer=keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(2e-3, args.steps)),
        loss=fcn_keras.losses.CrossEntropy(),
    )
    batches = train.batches(4, crop=(224, 288), augment=vary, repeat=True)
    model.fit(batches, epochs=1, steps_per_epoch=args.steps, shuffle=False, verbose=2)
    return model


class AtHalfSize:
    """A segmenter that computes images at half their size; its label maps have the full size."""

    def __init__(self, model):
        self.model = model

    def segment(self, image):
        """Returns the label map (H, W) of an image (H, W, 3)."""
        label = fcn_keras.segment(self.model, image[::2, ::2])
        height, width = image.shape[:2]
        return label.repeat(2, axis=0).repeat(2, axis=1)[:height, :width]


# 4. Leave one out: the net for a slice was trained on the four others.
rows = []
for name in eggs.names if args.slice is None else [eggs.names[args.slice]]:
    predictor, left_out = AtHalfSize(segmenter(eggs.exclude(name))), eggs.select(name)
    scores = fcn_keras.evaluate(predictor, left_out).scores
    print(f"{name}: mean IoU {scores.mean_iou:.3f}, egg {scores.iou[1]:.3f}", flush=True)
    rows.append((name, scores.mean_iou, *left_out[0], predictor.segment(left_out[0][0])))
names, means, images, truths, answers = zip(*rows, strict=True)
print(f"mean IoU of {len(rows)} slices left out: {np.mean(means):.3f}")

# 5. Image, true labels and predicted labels of each slice. Eggs at the border of a slice are not
# annotated. A crop does not show this, so most false positives are there.
captions = [f"{name}: {mean:.2f}" for name, mean in zip(names, means, strict=True)]
picture = args.out / "drosophila.png"
fcn_keras.visualize.comparison(images, truths, answers, labels, picture, names=captions)
print("Look at", picture)
