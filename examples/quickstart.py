"""Trains a segmenter of handwritten digits from random weights, with Keras's compile and fit.

    python examples/quickstart.py

It takes two minutes on two cores. All results are in --out (default runs/quickstart).
"""

import argparse
from pathlib import Path

import keras

import fcn_keras

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument(
    "--out", type=Path, default=Path("runs/quickstart"), help="folder for the results"
)
parser.add_argument("--epochs", type=int, default=10)
parser.add_argument("--images", type=int, default=400, help="number of training scenes")
args = parser.parse_args()
args.out.mkdir(parents=True, exist_ok=True)
keras.utils.set_random_seed(0)

# 1. Images and masks.
#
# "digits" is the data set inside the library: rows of real handwritten digits in colours on a
# textured background. The digits of the three splits are different.
train = fcn_keras.data.load("digits", split="train", count=args.images)
val = fcn_keras.data.load("digits", split="val")
test = fcn_keras.data.load("digits", split="test")
classes = train.labels.num_classes
print(f"{len(train)} images to train on, {len(test)} to test on, {classes} classes")

# An example is an image, uint8 (height, width, 3), and a label for each of its pixels.
image, truth = test[0]
print(image.shape, truth.shape, sorted({train.labels.names[value] for value in set(truth.flat)}))

# 2. The net.
#
# An FCN-8s over a small VGG, trained from random weights. With classifier="vgg16" and
# weights="imagenet" it would be the paper's net. The model scales the pixels itself: it takes RGB
# 0-255 of any height and width.
model = fcn_keras.fcn8s(classes, classifier="vgg_slim", weights=None, labels=train.labels)

# 3. Training is Keras's: any optimizer, any callback. The loss and the metric leave out void:
# pixels without a label, 255 in every label map.
steps = -(-len(train) // 4) * args.epochs
model.compile(
    optimizer=keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(3e-3, steps)),
    loss=fcn_keras.losses.CrossEntropy(),
    metrics=[fcn_keras.metrics.MeanIoU(classes)],
)
model.fit(
    train.batches(4, augment=True),
    validation_data=val.batches(8),
    epochs=args.epochs,
    shuffle=False,  # batches() has shuffled
)

# 4. One image of any size: a label for each pixel.
label_map = fcn_keras.segment(model, image)
print("segmented:", label_map.shape, label_map.dtype)

# 5. All test images: the four metrics of the field, and a line for each class.
print(fcn_keras.evaluate(model, test).table())

# 6. A picture of the results, and the saved model.
rows = [test[number] for number in range(4)]
fcn_keras.visualize.comparison(
    [image for image, _ in rows],
    [truth for _, truth in rows],
    [fcn_keras.segment(model, image) for image, _ in rows],
    test.labels,
    args.out / "digits.png",
)
model.save(args.out / "digits.keras")
again = keras.models.load_model(args.out / "digits.keras")
assert (fcn_keras.segment(again, image) == label_map).all()
print("Look at", args.out / "digits.png")
