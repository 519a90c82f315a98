"""Trains a FlowNet to tell how every pixel moves between two frames, on drawn scenes.

    python examples/flow.py

Scenes of textured shapes are drawn in two frames, and their flow is exact. A narrow FlowNetS learns
it in some minutes on two cores, and is compared with answers that do not look at the frames, and
with the methods of OpenCV where that is installed. The last part reads and writes flow files.
"""

import argparse
import importlib.util
from pathlib import Path

import numpy as np
from PIL import Image

import fcn_keras

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--out", type=Path, default=Path("runs/flow"), help="folder for the results")
parser.add_argument("--images", type=int, default=400, help="number of scenes to train on")
parser.add_argument("--epochs", type=int, default=20)
parser.add_argument("--net", choices=("flownet_s", "flownet_c"), default="flownet_s")
args = parser.parse_args()
args.out.mkdir(parents=True, exist_ok=True)

# 1. The data. An image has six channels, the first frame and the second; a target is float32
# (H, W, 2): how many pixels each pixel of the first frame moves to the right and down.
train = fcn_keras.data.load("scenes", split="train", target="flow", count=args.images)
test = fcn_keras.data.load("scenes", split="test", target="flow", count=min(args.images, 50))
print(f"{len(train)} pairs to train on, {len(test)} to measure; the task is {train.task}")

# 2. The net, with a quarter of the paper's filters or less. `scale` is about the largest
# displacement of the data. In training the loss compares five levels, from stride 64 to stride 4.
options = {"filters": (16, 32, 48, 64, 64, 64), "scale": 8.0}
if args.net == "flownet_c":
    options["displacement"] = 4  # cells of 8 pixels
fcn_keras.training.train(
    None, train, test, out=args.out / "run", net={"model": args.net, **options},
    learning_rate=1e-3, epochs=args.epochs, batch_size=8, crop=(96, 128), validate_every=5,
    overwrite=True,
)  # fmt: skip
model = fcn_keras.models.load_model(fcn_keras.training.RunFolder(args.out / "run").model_path())


# 3. The end-point error: the distance between the predicted and the true end point of each pixel.
def measured(answer):
    """The report of a function of two frames, uint8 (H, W, 3), that returns their flow."""
    report = fcn_keras.metrics.report_for(test.task)
    for image, flow in test:
        report.update(flow, answer(image[..., :3], image[..., 3:]))
    return report


def of_opencv(make):
    """A method of OpenCV as such a function; it takes grey frames."""
    method = make()

    def answer(first, second):
        grey = [np.asarray(Image.fromarray(frame).convert("L")) for frame in (first, second)]
        return method.calc(*grey, None)

    return answer


reports = {args.net: fcn_keras.evaluate(model, test)}
if importlib.util.find_spec("cv2"):
    import cv2

    reports["OpenCV, Farneback"] = measured(of_opencv(cv2.FarnebackOpticalFlow_create))
    reports["OpenCV, DIS"] = measured(of_opencv(cv2.DISOpticalFlow_create))
print(f"\n{'':20}  end-point error  outliers")
print(f"{'zero flow':20}  {reports[args.net].zero_flow_error:12.2f} px")
print(f"{'mean flow':20}  {reports[args.net].mean_flow_error:12.2f} px")
for name, report in reports.items():
    print(f"{name:20}  {report.end_point_error:12.2f} px  {report.outlier_rate:8.1%}")

# 4. A picture of three scenes, their flow and what the net makes of them. The hue is the direction.
images, flows = zip(*(test[index] for index in range(min(3, len(test)))), strict=True)
answers = [fcn_keras.segment(model, image) for image in images]
picture = args.out / "flow.png"
fcn_keras.visualize.comparison(images, flows, answers, test.task, picture)

# 5. Frames as files. `fcn-keras predict RUN --pairs frame1.png frame2.png --out FOLDER` does the
# same: it writes a .flo file, as Middlebury's, and a picture with the colour wheel.
frames = [args.out / f"frame{number}.png" for number in (1, 2)]
for number, path in enumerate(frames):
    Image.fromarray(images[0][..., 3 * number :][..., :3]).save(path)
(result,) = fcn_keras.inference.predict_files(model, frames, args.out)
again = fcn_keras.data.read_flow(result.values_path)
print(f"\n{result.values_path}: {again.shape}, up to {np.abs(again).max():.1f} px")
print("Look at", picture)
