"""Trains a classifier of your own on crops, then turns it into a segmenter.

    python examples/own_classifier.py

Masks are expensive, class names are cheap. Here a classifier learns from many crops with only the
name of the digit, and the segmenter made from it learns from a few scenes with masks. The same net
started from random weights shows the gain. It takes a minute and a half on two cores.
"""

import argparse
from pathlib import Path

import keras
import numpy as np
from matplotlib.figure import Figure
from scipy import ndimage

import fcn_keras

SIDE = 64  # side of a crop, in pixels
L = keras.layers

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument(
    "--out", type=Path, default=Path("runs/own-classifier"), help="folder for the results"
)
parser.add_argument("--crops", type=int, default=300, help="number of scenes to take crops from")
parser.add_argument("--images", type=int, default=40, help="number of scenes with masks")
parser.add_argument("--epochs", type=int, default=40, help="epochs of the segmenter")
args = parser.parse_args()
args.out.mkdir(parents=True, exist_ok=True)
keras.utils.set_random_seed(0)


# 1. Training data of the classifier: crops, each with the digit in its middle. It uses no masks: of
# the labels of a scene, only the positions of the digits.
def crops_of(scenes):
    """Returns crops around each digit, uint8 (crops, SIDE, SIDE, 3), and the digits 0-9."""
    crops, digits = [], []
    for image, label_map in scenes:
        for value in set(label_map.flat) - {0}:
            for rows, columns in ndimage.find_objects(ndimage.label(label_map == value)[0]):
                if rows.stop - rows.start < 40:
                    continue  # a fragment of a stroke
                middle = (rows.start + rows.stop) // 2, (columns.start + columns.stop) // 2
                top, left = (
                    min(max(place - SIDE // 2, 0), size - SIDE)
                    for place, size in zip(middle, label_map.shape, strict=True)
                )
                crops.append(image[top : top + SIDE, left : left + SIDE])
                digits.append(value - 1)
    return np.array(crops), np.array(digits)


crops, digits = crops_of(fcn_keras.data.load("digits", split="train", count=args.crops, seed=1))
val_crops, val_digits = crops_of(fcn_keras.data.load("digits", split="val"))
print(f"{len(crops)} crops to train the classifier on, {len(val_crops)} to validate")


# 2. The classifier: any functional Keras model whose last map is gathered by Flatten or a global
# pooling; branches are possible. This one is a small residual net of stride 16. Its Rescaling is a
# layer of it, so it takes RGB 0-255.
def residual(x, filters, stride):
    """Adds a residual block of two convolutions."""
    y = L.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False)(x)
    y = L.ReLU()(L.BatchNormalization(momentum=0.9)(y))
    y = L.Conv2D(filters, 3, padding="same", use_bias=False)(y)
    y = L.BatchNormalization(momentum=0.9)(y)
    x = L.Conv2D(filters, 1, strides=stride)(x)
    return L.ReLU()(L.Add()([x, y]))


crop = keras.Input((SIDE, SIDE, 3))
x = L.Rescaling(1 / 127.5, offset=-1)(crop)
x = L.Conv2D(16, 5, strides=2, padding="same", activation="relu")(x)
for filters in (32, 64, 128):
    x = residual(x, filters, stride=2)
x = L.Dropout(0.2)(L.GlobalAveragePooling2D()(x))
classifier = keras.Model(crop, L.Dense(10, activation="softmax")(x), name="residual")
untrained = keras.models.clone_model(classifier)  # for the comparison

classifier.compile(
    keras.optimizers.AdamW(2e-3), loss="sparse_categorical_crossentropy", metrics=["accuracy"]
)
classifier.fit(
    crops, digits, batch_size=32, epochs=6, validation_data=(val_crops, val_digits), verbose=2
)

# 3. The convolutionalized classifier gives an output at every place of an image of any size: the
# paper's figure 2. At its own size the numbers equal the classifier's.
dense = fcn_keras.convolutionalize(classifier)
answers, answer = dense.predict(crops[:1], verbose=0), classifier.predict(crops[:1], verbose=0)
assert np.allclose(answers[0, 0], answer, atol=1e-4)
fields = fcn_keras.geometry.receptive_field(dense)
print(f"a cell of the heat map every {fields.stride[0]} pixels, the first at {fields.offset[0]}")

# 4. The segmenter: the same layers and weights, with skips at strides 16 and 8. The classifier is
# copied, not changed. There are only a few scenes with masks.
train = fcn_keras.data.load("digits", split="train", count=args.images)
test = fcn_keras.data.load("digits", split="test")
labels = train.labels


def segmenter(begun_from):
    """Returns an FCN-8s over a classifier, trained on the scenes with masks."""
    keras.utils.set_random_seed(1)
    steps = -(-len(train) // 4) * args.epochs
    model = fcn_keras.fcn8s(labels.num_classes, begun_from, labels=labels)
    model.compile(
        optimizer=keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(3e-3, steps)),
        loss=fcn_keras.losses.CrossEntropy(),
    )
    model.fit(train.batches(4, augment=True), epochs=args.epochs, shuffle=False, verbose=0)
    return model


models, reports = {}, {}
for title, begun_from in (("random weights", untrained), ("the classifier", classifier)):
    models[title] = segmenter(begun_from)
    reports[title] = fcn_keras.evaluate(models[title], test)
print(reports["the classifier"].table())
for title, report in reports.items():
    print(f"mean IoU on {len(test)} scenes, started from {title}: {report.scores.mean_iou:.3f}")
models["the classifier"].save(args.out / "segmenter.keras")

# 5. One picture of test scenes, larger than those in training: the heat map of the classifier, and
# the labels of both segmenters. For the heat map, a scene is padded by half a crop on each side, so
# that its border is also in the middle of a crop.
scenes = fcn_keras.data.load("digits", split="test", size=(192, 288), count=2, seed=2)
figure = Figure(figsize=(14, 4.4), layout="constrained")
for axes, (image, truth) in zip(figure.subplots(len(scenes), 5), scenes, strict=True):
    digit = np.bincount(truth[truth > 0]).argmax() - 1  # the digit with the most pixels
    around = np.pad(image, ((SIDE // 2,) * 2, (SIDE // 2,) * 2, (0, 0)), mode="edge")
    heat = dense.predict(around[None], verbose=0)[0, ..., digit]
    cell, first = fields.stride[0], np.array(fields.offset) - SIDE // 2
    top, left = first - cell / 2
    bottom, right = np.array([top, left]) + np.multiply(heat.shape, cell)
    axes[0].imshow(image)
    axes[0].set_title("new scene")
    axes[1].imshow(image.mean(-1), cmap="gray")
    extent = (left, right, bottom, top)
    axes[1].imshow(heat, extent=extent, cmap="magma", vmin=0, vmax=1, alpha=0.7)
    axes[1].set(
        title=f"classifier's heat map for {digit}",
        xlim=axes[0].get_xlim(),
        ylim=axes[0].get_ylim(),
    )
    for panel, (title, model) in zip(axes[2:4], models.items(), strict=True):
        panel.imshow(fcn_keras.visualize.paint(fcn_keras.segment(model, image), labels))
        panel.set_title(f"begun from {title}")
    axes[4].imshow(fcn_keras.visualize.paint(truth, labels))
    axes[4].set_title("truth")
    for panel in axes:
        panel.set_axis_off()
figure.savefig(args.out / "own-classifier.png", dpi=80)
print("Look at", args.out / "own-classifier.png")
