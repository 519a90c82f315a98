"""Trains a net to tell how far away things are, on drawn scenes whose depth is exact.

    python examples/depth.py

Scenes of textured shapes in haze are drawn; the nearer an object, the larger and the clearer it is.
A small net learns the logarithm of the depth in some minutes on two cores, and is compared with the
best answer that does not look at the image. The last part reads depth from files.
"""

import argparse
from pathlib import Path

import keras
import numpy as np
from PIL import Image

import fcn_keras

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--out", type=Path, default=Path("runs/depth"), help="folder for the results")
parser.add_argument("--images", type=int, default=200, help="number of scenes to train on")
parser.add_argument("--epochs", type=int, default=20)
args = parser.parse_args()
args.out.mkdir(parents=True, exist_ok=True)

# 1. The data. A target is the depth in metres, float32 (H, W); NaN stands where it is not known.
# `folder:DIR,depth,scale=0.001` reads your own: 16-bit PNGs in millimetres, .npy or .pfm files.
train = fcn_keras.data.load("scenes", split="train", target="depth", count=args.images)
test = fcn_keras.data.load("scenes", split="test", target="depth", count=min(args.images, 50))
print(f"{len(train)} scenes to train on, {len(test)} to measure; the task is {train.task}")

# 2. The net has one channel, the logarithm of the depth. The loss compares logarithms: it forgives
# half of an error that is common to a whole image, and compares the steps between neighbours. The
# net starts from the geometric mean of all depths, so that it need not find that first.
keras.utils.set_random_seed(0)
known = np.concatenate([depth[np.isfinite(depth)] for _, depth in train])
constant = float(np.exp(np.log(known).mean()))
net = {"model": "depth", "classifier": "vgg_slim", "decoder": "unet", "start_depth": constant}
net["decoder_filters"] = (64, 48, 32, 24, 16)
fcn_keras.training.train(
    None, train, test, out=args.out / "run", net=net, loss="scale_invariant_log",
    epochs=args.epochs, batch_size=8, crop=(96, 128), validate_every=5, overwrite=True,
)  # fmt: skip
model = fcn_keras.models.load_model(fcn_keras.training.RunFolder(args.out / "run").best)

# 3. The scores of the field. A net that looks at nothing would answer the same depth everywhere.
report = fcn_keras.evaluate(model, test)
print("\n" + report.table())
blind = fcn_keras.metrics.report_for(train.task)
for _, depth in test:
    blind.update(depth, np.full_like(depth, constant))
found = [one.pooled.absolute_relative_error for one in (report, blind)]
print(f"\nabsolute relative error: {found[0]:.3f}; of {constant:.1f} m everywhere: {found[1]:.3f}")

# 4. A picture of three scenes, their depth and what the net makes of them.
images, depths = zip(*(test[index] for index in range(min(3, len(test)))), strict=True)
answers = [fcn_keras.segment(model, image) for image in images]
picture = args.out / "depth.png"
fcn_keras.visualize.comparison(images, depths, answers, test.task, picture)

# 5. Depth as a file: a 16-bit PNG in millimetres, as depth cameras write it, and a picture with a
# scale. `fcn-keras predict RUN IMAGES --out FOLDER` writes the same.
Image.fromarray(images[0]).save(args.out / "scene.png")
(result,) = fcn_keras.inference.predict_files(model, args.out / "scene.png", args.out)
again = fcn_keras.data.DepthReader(scale=0.001).read(result.values_path)
print(f"{result.values_path}: {np.nanmin(again):.3f} to {np.nanmax(again):.3f} m")
print("Look at", picture)
