"""Compares a net, the net with a CRF as post-processing, and both trained together (CRF as RNN).

    python examples/crf_rnn.py

It takes five minutes on two cores. All results are in --out (default runs/crf-rnn).
"""

import argparse
from pathlib import Path

import keras

import fcn_keras

RATE = 3e-4  # for the second training: low, as in the paper

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--out", type=Path, default=Path("runs/crf-rnn"), help="folder for the results")
parser.add_argument("--images", type=int, default=720, help="number of training scenes")
parser.add_argument("--tests", type=int, default=100, help="number of test scenes")
parser.add_argument("--epochs", type=int, default=4, help="epochs of the net alone")
parser.add_argument("--more", type=int, default=1, help="further epochs, alone and with the CRF")
args = parser.parse_args()
args.out.mkdir(parents=True, exist_ok=True)
keras.utils.set_random_seed(0)

# 1. A net: FCN-8s, as in the paper. After a short training its labels are still rough at the edges
# of the digits, although their colour differs from the background. A CRF can improve them.
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

# 2. The net alone, trained further, so that all three variants have the same number of epochs.
fit(fcn, args.more, RATE)
plain = fcn_keras.evaluate(fcn, test)

# 3. A CRF as post-processing. Its widths fit scenes of this size. Its weights are low: with
# bilateral_weight=6 it would be better as post-processing, but overconfident, and end-to-end
# training would first reduce the confidence.
widths = {"spatial_width": 3, "bilateral_width": 20, "color_width": 20}
weights = {"spatial_weight": 0.5, "bilateral_weight": 2.5}
afterwards = fcn_keras.evaluate(fcn, test, crf={**widths, **weights})
pictured = [test[number] for number in range(3)]
alone = [fcn_keras.segment(fcn, image) for image, _ in pictured]
refined = [fcn_keras.segment(fcn, image, crf={**widths, **weights}) for image, _ in pictured]

# 4. End to end: the same CRF as the last layer. Its few weights and compatibilities learn at thirty
# times the rate, and the net is trained with it.
fcn.set_weights(begun)
model = fcn_keras.crf_rnn(fcn, **widths, **weights)
fit(model, args.more, RATE, rates={"crf_rnn": 30.0})
together = fcn_keras.evaluate(model, test)
model.save(args.out / "crf-rnn.keras")

# 5. The table of the paper, with its figures for FCN-8s on PASCAL VOC 2012.
rows = {
    "plain": (plain, 61.3),
    "CRF afterwards": (afterwards, 63.7),
    "end to end": (together, 69.6),
}
print(f"{'mean IU':16} {'digits':>7} {'paper':>7}")
for name, (report, paper) in rows.items():
    print(f"{name:16} {100 * report.scores.mean_iou:7.1f} {paper:7.1f}")

# 6. A picture: the labels of three scenes by each variant.
fcn_keras.visualize.comparison(
    [image for image, _ in pictured] * 3,
    [truth for _, truth in pictured] * 3,
    [*alone, *refined, *(fcn_keras.segment(model, image) for image, _ in pictured)],
    test.labels,
    args.out / "crf-rnn.png",
    names=[name for name in rows for _ in pictured],
)
print("Look at", args.out / "crf-rnn.png")
