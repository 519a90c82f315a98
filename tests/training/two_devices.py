"""Trains on one device and on two, in a process of its own; prints what came out.

python two_devices.py FOLDER
"""

import contextlib
import json
import os
import sys
from pathlib import Path

import keras
import numpy as np

if os.environ["KERAS_BACKEND"] == "tensorflow":
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)

sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).parent)]

from conftest import shapes_of, tiny_net  # noqa: E402

from fcn_keras import training  # noqa: E402
from fcn_keras.data import Dataset  # noqa: E402
from fcn_keras.losses import CrossEntropy  # noqa: E402

OPTIONS = {
    "epochs": 3, "batch_size": 4, "crop": None, "augment": False, "optimizer": "caffe_sgd",
    "learning_rate": 0.05, "dropout": False, "refresh_batches": 2, "ema": 0.8,
}  # fmt: skip


class InOrder(Dataset):
    """Batches in the order of the data: under a strategy, Keras draws one more before the first."""

    def batches(self, *arguments, **options):
        return super().batches(*arguments, **{**options, "shuffle": False})


def uneven(data):
    """Void is most of every second image: of a batch of 4 the halves differ."""
    for number, mask in enumerate(data.targets):
        if number % 4 < 2:
            mask[: 18 + number % 4] = 255
    return InOrder(**vars(data))


def steps(run):
    """A few steps of Keras's own `fit`, in the order of the data."""
    keras.utils.set_random_seed(0)
    data = uneven(shapes_of(12))
    with run.scope():
        model = tiny_net()
        model.layers[-2].rate = 0.0
        model.compile(keras.optimizers.SGD(0.1, momentum=0.9), CrossEntropy())
    images, labels = np.stack(data.images), np.stack(data.targets)
    with training.synchronized_batch_norm(model):
        history = model.fit(images, labels, batch_size=4, epochs=2, shuffle=False, verbose=0)
    saved = [layer.get_config().get("synchronized") for layer in model.layers]
    return {"loss": history.history["loss"], "synchronized": saved, **weights(model)}


class Stop(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            raise KeyboardInterrupt


def train(run, out, **given):
    """A whole training, or a part of one, within the scope."""
    keras.utils.set_random_seed(0)
    data, val = uneven(shapes_of(16)), shapes_of(5, "val", (21, 30))
    with run.scope():
        model = None if "resume" in given else tiny_net()
        rows = training.train(model, data, val, out=out, verbose=0, **given)
    last = keras.models.load_model(out / "model.keras")
    return {"rows": rows, **weights(last)}


def stopped(run, out):
    """A training that is interrupted after two of three epochs and goes on."""
    with contextlib.suppress(KeyboardInterrupt):
        train(run, out, callbacks=[Stop()], **OPTIONS)
    return {"done": len(training.RunFolder(out).read_history()), **train(run, out, resume=True)}


def weights(model):
    return {"weights": [np.asarray(w).tolist() for w in model.get_weights()]}


def main():
    out = Path(sys.argv[1])
    one = training.setup()
    found = {"one": {"steps": steps(one), "train": train(one, out / "one", **OPTIONS)}}
    two = training.setup(devices=["cpu:0", "cpu:1"])
    found["two"] = {"steps": steps(two), "train": stopped(two, out / "two")}
    print("FOUND", json.dumps({"setups": [str(one), str(two)], **found}))


if __name__ == "__main__":
    main()
