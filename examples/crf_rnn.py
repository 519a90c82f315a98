"""CRF as RNN: a net alone, a CRF behind it, and both trained together.

    python examples/crf_rnn.py

Five minutes on two cores. Everything it writes goes to --out (default runs/crf-rnn).
"""

import argparse
from pathlib import Path

import keras

import fcn_keras

RATE = 3e-4  # of training on: low, as in the paper

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--out", type=Path, default=Path("runs/crf-rnn"), help="where to write")
parser.add_argument("--images", type=int, default=720, help="how many scenes to train on")
parser.add_argument("--tests", type=int, default=100, help="how many scenes to measure on")
parser.add_argument("--epochs", type=int, default=4, help="of the net alone")
parser.add_argument("--more", type=int, default=1, help="epochs alone again, and with the CRF")
args = parser.parse_args()
args.out.mkdir(parents=True, exist_ok=True)
keras.utils.set_random_seed(0)

# 1. A net: FCN-8s, as in the paper, trained so briefly that it is still rough at the digits' edges,
# though their ink differs from the ground. That is something for a CRF to do.
train = fcn_keras.data.load("digits", split="train", count=args.images, size=(96, 128))
test = fcn_keras.data.load("digits", split="test", count=args.tests, size=(96, 128))
classes = train.labels.num_classes
fcn = fcn_keras.fcn8s(classes, "vgg_slim", weights=None, labels=train.labels)


def fit(model, epochs, rate, **options):
    steps = -(-len(train) // 4) * epochs
    rate = keras.optimizers.schedules.CosineDecay(rate, steps)
    loss = fcn_keras.losses.CrossEntropy()
    optimizer = fcn_keras.training.PerLayerAdamW(rate, weight_decay=1e-4, **options)
    model.compile(optimizer, loss)
    model.fit(train.batches(4, augment=True), epochs=epochs, shuffle=False, verbose=2)


fit(fcn, args.epochs, 3e-3)
begun = fcn.get_weights()

# 2. The net alone, trained a little longer so that all three have had as many epochs.
fit(fcn, args.more, RATE)
plain = fcn_keras.evaluate(fcn, test)

# 3. A CRF afterwards: the net knows nothing of it. Its widths are for scenes of this size. Its
# weights are low: with bilateral_weight=6 it is better still behind a net, but surer than it is
# right, and training through it would first of all undo that.
widths = {"spatial_width": 3, "bilateral_width": 20, "color_width": 20}
weights = {"spatial_weight": 0.5, "bilateral_weight": 2.5}
afterwards = fcn_keras.evaluate(fcn, test, crf={**widths, **weights})
pictured = [test[number] for number in range(3)]
alone = [fcn_keras.segment(fcn, image) for image, _ in pictured]
refined = [fcn_keras.segment(fcn, image, crf={**widths, **weights}) for image, _ in pictured]

# 4. End to end: the same CRF as the last layer, its few weights and compatibilities learned at
# thirty times the rate, and the net under it trained to be refined.
fcn.set_weights(begun)
model = fcn_keras.crf_rnn(fcn, **widths, **weights)
fit(model, args.more, RATE, rates={"crf_rnn": 30.0})
together = fcn_keras.evaluate(model, test)
model.save(args.out / "crf-rnn.keras")

# 5. The lecture's table, with what the paper had for FCN-8s on PASCAL VOC 2012.
rows = {
    "plain": (plain, 61.3),
    "CRF afterwards": (afterwards, 63.7),
    "end to end": (together, 69.6),
}
print(f"{'mean IU':16} {'digits':>7} {'paper':>7}")
for name, (report, paper) in rows.items():
    print(f"{name:16} {100 * report.scores.mean_iou:7.1f} {paper:7.1f}")

# 6. A picture: three scenes by each of them.
fcn_keras.visualize.comparison(
    [image for image, _ in pictured] * 3,
    [truth for _, truth in pictured] * 3,
    [*alone, *refined, *(fcn_keras.segment(model, image) for image, _ in pictured)],
    test.labels,
    args.out / "crf-rnn.png",
    names=[name for name in rows for _ in pictured],
)
print("Look at", args.out / "crf-rnn.png")
