"""Trains on a folder of your own images and masks, and draws overlays on new photographs.

    python examples/own_images.py

The first part makes such a folder: it draws photographs of washers, nuts and bolts on a conveyor
belt, with masks. The second part trains on it. For your own images, leave the first part out and
use the path of your folder. It takes about two minutes on two cores.
"""

import argparse
from pathlib import Path

import keras
import numpy as np
from PIL import Image, ImageDraw

import fcn_keras

CLASSES = {"belt": (0, 0, 0), "washer": (0, 158, 225), "nut": (240, 170, 0), "bolt": (215, 60, 80)}


def corners(kind, size, turn):
    """Returns the outline of a part around the origin, and its hole, each an array (corners, 2)."""
    if kind == "bolt":
        half = [(-1, 0.5), (-0.55, 0.5), (-0.55, 0.22), (1.1, 0.22)]
        outline, hole = half + [(x, -y) for x, y in reversed(half)], []
        rotation = [[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]
        return size * np.array(outline) @ rotation, hole
    angles = turn + np.linspace(0, 2 * np.pi, 6 if kind == "nut" else 48, endpoint=False)
    circle = np.linspace(0, 2 * np.pi, 48)
    outline, hole = (np.stack([np.cos(a), np.sin(a)], -1) for a in (angles, circle))
    return 0.8 * size * outline, (0.35 if kind == "nut" else 0.5) * size * hole


def photograph(rng, width, height, attempts):
    """Returns a belt with parts on it, and its mask in the classes' colours, as Pillow images."""
    brushed = rng.normal(0, 9, (height, width, 1)) + rng.normal(0, 5, (height, 1, 1))
    image = rng.uniform(60, 110) + rng.uniform(-8, 8, 3) + brushed
    mask = np.zeros((height, width, 3), "uint8")
    placed = []
    for _ in range(attempts):
        size = rng.uniform(18, 32)
        x, y = rng.uniform(size, width - size), rng.uniform(size, height - size)
        if any(np.hypot(x - a, y - b) < size + other + 2 for a, b, other in placed):
            continue
        placed.append((x, y, size))
        kind = ("washer", "nut", "bolt")[rng.integers(3)]
        fine = Image.new("L", (4 * width, 4 * height))
        for part, value in zip(corners(kind, size, rng.uniform(0, 6.3)), (255, 0), strict=True):
            if len(part):
                ImageDraw.Draw(fine).polygon([(4 * (x + u), 4 * (y + v)) for u, v in part], value)
        cover = np.asarray(fine.resize((width, height), Image.Resampling.BOX))[..., None] / 255
        metal = rng.uniform(140, 215) + rng.uniform(-12, 12, 3) + rng.normal(0, 6, image.shape)
        image = image * (1 - cover) + metal * cover
        mask[cover[..., 0] > 0.5] = CLASSES[kind]
    return Image.fromarray(image.clip(0, 255).astype("uint8")), Image.fromarray(mask)


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument(
    "--out", type=Path, default=Path("runs/own-images"), help="folder for the results"
)
parser.add_argument("--epochs", type=int, default=20)
parser.add_argument("--images", type=int, default=100, help="number of photographs to draw")
args = parser.parse_args()
folder, new = args.out / "parts", args.out / "new"
keras.utils.set_random_seed(0)

# 1. The folder, as a labelling tool writes it:
#
#     parts/images/0000.jpg    photographs, of any size
#     parts/masks/0000.png     one mask each, of the same name and size
#     parts/classes.txt        one class a line, with its colour in the masks
#
# Masks are PNG: JPEG would mix the classes at their borders.
rng = np.random.default_rng(0)
for kind in ("images", "masks"):
    (folder / kind).mkdir(parents=True, exist_ok=True)
for number in range(args.images):
    image, mask = photograph(rng, 192, 144, attempts=40)
    image.save(folder / "images" / f"{number:04d}.jpg", quality=90)
    mask.save(folder / "masks" / f"{number:04d}.png")
lines = [f"{name} {red} {green} {blue}" for name, (red, green, blue) in CLASSES.items()]
(folder / "classes.txt").write_text("\n".join(lines) + "\n")

new.mkdir(exist_ok=True)
for number in range(2):
    photograph(rng, 480, 320, attempts=100)[0].save(new / f"belt{number}.jpg", quality=90)

# 2. Check before you train. The check reads every file and reports missing and unreadable files,
# differing sizes, and labels that are no class. On the command line this is
# `fcn-keras check-data folder:runs/own-images/parts`.
report = fcn_keras.data.check("folder", folder)
print(*report.problems, *report.warnings, report.table(), sep="\n")
assert report.ok
fcn_keras.visualize.contact_sheet(report.dataset, args.out / "contact-sheet.png")

# 3. A fifth of the photographs is for validation, always the same ones. (With lists train.txt and
# val.txt in the folder, the lists decide.)
train = fcn_keras.data.load("folder", folder, split="train")
val = fcn_keras.data.load("folder", folder, split="val")
labels = train.labels
print(f"{len(train)} photographs to train on, {len(val)} to validate: {', '.join(labels.names)}")

# 4. Training, as in quickstart.py. Random scales, crops and mirror images make many different
# photographs from a few.
vary = fcn_keras.data.Augmentation(flip=True, scale=(0.7, 1.4), color=0.2)
steps = args.epochs * -(-len(train) // 4)
model = fcn_keras.fcn8s(labels.num_classes, "vgg_slim", weights=None, labels=labels)
model.compile(
    optimizer=keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(3e-3, steps)),
    loss=fcn_keras.losses.CrossEntropy(),
    metrics=[fcn_keras.metrics.MeanIoU(labels.num_classes)],
)
model.fit(
    train.batches(4, crop=(144, 192), augment=vary),
    validation_data=val.batches(8),
    epochs=args.epochs,
    shuffle=False,  # batches() has shuffled
)
print(fcn_keras.evaluate(model, val).table())

# 5. New photographs, larger than those in training: a label map for each, and an overlay with the
# legend of its classes. The class names are stored in the model.
model.save(args.out / "parts.keras")
for result in fcn_keras.inference.predict_files(model, new, args.out / "predicted"):
    print(result.error or f"{result.path} -> {result.overlay_path}")

# 6. The same in one picture.
images = [fcn_keras.data.read_image(path) for path in sorted(new.iterdir())]
label_maps = [fcn_keras.segment(model, image) for image in images]
picture = args.out / "own-images.png"
fcn_keras.visualize.comparison(images, None, label_maps, labels, picture)
print("Look at", picture)
