"""Your own images: from a folder of pictures and masks to overlays on new photographs.

    python examples/own_images.py

It plays both parts: first the one who labels, by drawing photographs of washers, nuts and bolts
on a conveyor belt; then the one who trains. Leave the first part out, and point the second to a
folder of yours. About two minutes on two cores.
"""

import argparse
from pathlib import Path

import keras
import numpy as np
from PIL import Image, ImageDraw

import fcn_keras

CLASSES = {"belt": (0, 0, 0), "washer": (0, 158, 225), "nut": (240, 170, 0), "bolt": (215, 60, 80)}


def corners(kind, size, turn):
    """The outline of a part about the origin, and its hole, each an array (corners, 2)."""
    if kind == "bolt":
        half = [(-1, 0.5), (-0.55, 0.5), (-0.55, 0.22), (1.1, 0.22)]
        outline, hole = half + [(x, -y) for x, y in reversed(half)], []
        rotation = [[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]
        return size * np.array(outline) @ rotation, hole
    angles = turn + np.linspace(0, 2 * np.pi, 6 if kind == "nut" else 48, endpoint=False)
    circle = np.linspace(0, 2 * np.pi, 48)
    outline, hole = (np.stack([np.cos(a), np.sin(a)], -1) for a in (angles, circle))
    return 0.8 * size * outline, 0.4 * size * hole


def photograph(rng, width, height, attempts):
    """A belt with parts on it, and its mask in the classes' colours, as Pillow images."""
    brushed = rng.normal(0, 9, (height, width, 1)) + rng.normal(0, 5, (height, 1, 1))
    image = rng.uniform(60, 110) + rng.uniform(-8, 8, 3) + brushed
    mask = np.zeros((height, width, 3), "uint8")
    placed = []
    for _ in range(attempts):
        size = rng.uniform(11, 20)
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
parser.add_argument("--out", type=Path, default=Path("runs/own-images"), help="where to write")
parser.add_argument("--epochs", type=int, default=25)
parser.add_argument("--images", type=int, default=100, help="how many photographs to draw")
args = parser.parse_args()
folder, new = args.out / "parts", args.out / "new"
keras.utils.set_random_seed(0)

# 1. A folder, as whoever labels leaves it:
#
#     parts/images/0000.jpg    photographs, of any size
#     parts/masks/0000.png     one mask each, of the same name and size
#     parts/classes.txt        one class a line, with its colour in the masks
#
# Masks are PNG: JPEG would blend the classes at their borders.
rng = np.random.default_rng(0)
for kind in ("images", "masks"):
    (folder / kind).mkdir(parents=True, exist_ok=True)
for number in range(args.images):
    image, mask = photograph(rng, 160, 120, attempts=40)
    image.save(folder / "images" / f"{number:04d}.jpg", quality=90)
    mask.save(folder / "masks" / f"{number:04d}.png")
lines = [f"{name} {red} {green} {blue}" for name, (red, green, blue) in CLASSES.items()]
(folder / "classes.txt").write_text("\n".join(lines) + "\n")

new.mkdir(exist_ok=True)
for number in range(2):
    photograph(rng, 400, 260, attempts=150)[0].save(new / f"belt{number}.jpg", quality=90)

# 2. Look before you train. The check reads every file, and says what is missing, unreadable, of
# another size or labelled with what is no class. On the command line this is
# `fcn-keras check-data folder:runs/own-images/parts`.
