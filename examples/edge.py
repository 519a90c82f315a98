"""Exports a segmenter for phones, browsers and small boards as TFLite, and measures the files.

    python examples/edge.py [--model runs/quickstart/digits.keras]

Trains a net on handwritten digits if none is given (a minute and a half on two cores), writes it
as TFLite in four ways, evaluates each as the net itself, and draws the pixels where the smallest
file differs.
Needs ai-edge-litert: pip install "fcn_keras[edge]"
"""

import argparse
import time
from pathlib import Path

import keras
import numpy as np

import fcn_keras
from fcn_keras.export.tflite import Segmenter, export_tflite

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--out", type=Path, default=Path("runs/edge"), help="folder for the results")
parser.add_argument("--model", type=Path, help="a .keras file trained on the digits")
parser.add_argument("--images", type=int, default=400, help="number of training scenes")
parser.add_argument("--epochs", type=int, default=8)
parser.add_argument("--kinds", default="none,float16,dynamic,int8", help="kinds of files")
args = parser.parse_args()
args.out.mkdir(parents=True, exist_ok=True)
keras.utils.set_random_seed(0)

# 1. A trained net. Any functional Keras model that returns logits can be exported.
train = fcn_keras.data.load("digits", split="train", count=args.images)
test = fcn_keras.data.load("digits", split="test")
if args.model:
    model = keras.models.load_model(args.model, compile=False)
else:
    classes = train.labels.num_classes
    model = fcn_keras.fcn8s(classes, "vgg_slim", weights=None, labels=train.labels)
    steps = -(-len(train) // 4) * args.epochs
    rate = keras.optimizers.schedules.CosineDecay(3e-3, steps)
    model.compile(keras.optimizers.AdamW(rate), fcn_keras.losses.CrossEntropy())
    model.fit(train.batches(4, augment=True), epochs=args.epochs, shuffle=False)

# 2. The files. An accelerator needs a fixed size. int8 needs images for calibration and can report
# which layers lose most. Class names and palette are stored in the file.
image = test[0][0]
files = {}
for kind in args.kinds.split(","):
    files[kind] = export_tflite(
        model,
        args.out / f"digits-{kind}.tflite",
        kind,
        size=image.shape[:2],
        calibration=train if kind == "int8" else None,
        report=args.out / "int8-layers.csv" if kind == "int8" else None,
        overwrite=True,
    )

# 3. The loss: the same evaluation for the net and for each file.
whole = fcn_keras.evaluate(model, test).scores.mean_iou
print(f"{'file':10} {'mean IU':>8} {'points':>7} {'MB':>6} {'ms':>6}")
print(f"{'keras':10} {100 * whole:8.2f}")
for kind, path in files.items():
    segmenter = Segmenter(path, threads=2)
    score = fcn_keras.evaluate(segmenter, test).scores.mean_iou
    start = time.perf_counter()
    segmenter.segment(image)
    taken = 1e3 * (time.perf_counter() - start)
    megabytes = path.stat().st_size / 1e6
    points = 100 * (score - whole)
    print(f"{kind:10} {100 * score:8.2f} {points:+7.2f} {megabytes:6.2f} {taken:6.1f}")

# 4. An image larger than the file's size is computed in windows, a smaller one is padded.
last = Segmenter(files[kind], threads=2)
wide = np.concatenate([test[1][0], test[2][0]], axis=1)
print("a wide image:", wide.shape, "->", last.segment(wide).shape)

# 5. A picture: three scenes segmented by Keras, then the same scenes by the last file.
rows = [test[number] for number in range(3)]
fcn_keras.visualize.comparison(
    [image for image, _ in rows] * 2,
    [truth for _, truth in rows] * 2,
    [fcn_keras.segment(net, image) for net in (model, last) for image, _ in rows],
    test.labels,
    args.out / "edge.png",
)
print("Look at", args.out / "edge.png")
