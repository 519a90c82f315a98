"""Training from decoded images that are kept: the files are read once."""

import keras
import pytest

import fcn_keras
from fcn_keras import training

pytest.importorskip("tensorflow")


class Remove(keras.callbacks.Callback):
    """Removes the images after the first epoch."""

    def __init__(self, folder):
        super().__init__()
        self.folder = folder

    def on_epoch_end(self, epoch, logs=None):
        for path in self.folder.glob("images/*"):
            path.unlink()


@pytest.mark.parametrize("cache", [False, True, "files"])
def test_kept_images_are_not_read_again(parts, make_net, tmp_path, cache):
    data = fcn_keras.data.load("folder", parts, split="train")
    options = {
        "out": tmp_path / "run",
        "epochs": 3,
        "batch_size": 2,
        "crop": (32, 32),
        "cache": str(tmp_path / "kept") if cache == "files" else cache,
        "callbacks": [Remove(parts)],
        "verbose": 0,
    }
    net = make_net(data.labels.num_classes)
    if not cache:
        with pytest.raises(Exception, match="No such file"):
            training.train(net, data, **options)
        return
    history = training.train(net, data, **options)
    assert len(history) == 3
    assert bool(list(tmp_path.glob("kept*"))) == (cache == "files")
