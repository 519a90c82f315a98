"""One process of several that train together; what becomes of it is on stdout, as JSON.

python one_of_several.py PORT PROCESS PROCESSES FOLDER VICTIM@EPOCH
"""

import json
import os
import signal
import sys
from pathlib import Path

import keras
import numpy as np
from conftest import shapes_of, tiny_net

from fcn_keras import training
from fcn_keras.losses import CrossEntropy
from fcn_keras.metrics import MeanIoU

OPTIONS = {
    "epochs": 2, "batch_size": 4, "crop": None, "augment": False, "optimizer": "sgd",
    "learning_rate": 0.05, "dropout": False, "refresh_batches": 1, "ema": 0.8, "verbose": 0,
}  # fmt: skip


class Killed(keras.callbacks.Callback):
    """Kills this process in the second step of an epoch."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch

    def on_train_batch_begin(self, batch, logs=None):
        if (self.now, batch) == (self.epoch, 1):
            os.kill(os.getpid(), signal.SIGKILL)


def uneven(data):
    """Void is most of every second image, which are all of process 1."""
    for number, mask in enumerate(data.targets):
        mask[: 20 * (number % 2)] = 255
    return data


def steps(joined):
    """Two epochs of Keras's own `fit` and an evaluation: logs and weights."""
    data = uneven(shapes_of(8))
    model = tiny_net()
    model.layers[-2].rate = 0.0
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
    model.compile(optimizer, CrossEntropy(), metrics=[MeanIoU(3)])
    mine = slice(joined.process, None, joined.processes)
    images, truth = np.stack(data.images[mine]), np.stack(data.targets[mine])
    size = 4 // joined.processes
    history = model.fit(images, truth, batch_size=size, epochs=2, shuffle=False, verbose=0).history
    logs = model.evaluate(images, truth, batch_size=size, verbose=0, return_dict=True)
    return [history, logs, [np.asarray(v.value).tolist() for v in model.variables]]


def run(folder, victim):
    """A run folder, or the rest of one."""
    resume = (Path(folder) / "config.json").exists()
    who, epoch = (int(n) for n in victim.split("@"))
    callbacks = [Killed(epoch)] if who == training.distributed.group().process else []
    train_data, val_data = uneven(shapes_of(9)), shapes_of(2, "val", size=(21, 30))
    options = {"callbacks": callbacks, "out": folder, "resume": resume}
    net, given = (None, {}) if resume else (tiny_net(), OPTIONS)
    rows = training.train(net, train_data, val_data, **options, **given)
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


if __name__ == "__main__":
    port, process, processes, folder, victim = sys.argv[1:]
    with training.join(f"127.0.0.1:{port}", int(process), int(processes), timeout=20) as joined:
        if victim == "steps":
            print("RESULTS", json.dumps(steps(joined)))
        elif victim == "error":
            if joined.first:
                raise OSError("the image is gone")
            keras.ops.sum(training.distributed.whole_batch(np.ones((1, 1, 1, 1))))
            signal.pause()
        else:
            print("RESULTS", json.dumps(run(folder, victim)))
