"""The last layer of every segmenter: outputs on the image's own pixels, and what they mean."""

import keras
from keras import ops

from fcn_keras.labels import LabelSet
from fcn_keras.layers.crop import CropToReference
from fcn_keras.tasks import Classes


@keras.saving.register_keras_serializable("fcn_keras")
class Logits(CropToReference):
    """Crops the last map to the image, as float32, and keeps the task.

    Called on `[map, image]`. Always float32, so that the loss and the decoding of a net trained
    under mixed precision are exact.

    Args:
        offset: As in `CropToReference`.
        task_config: What `to_config()` of a task returned, or None. It is saved with the model;
            `fcn_keras.task_of(model)` reads it.
        image_config: How image files are read for the net, or None: what `to_config()` of a
            `fcn_keras.data.ImageReader` returned. It is saved with the model.

    Example:

    ```python
    task = fcn_keras.tasks.Classes(num_classes=2)
    score = fcn_keras.layers.Logits(task_config=task.to_config())
    score([keras.ops.ones((1, 32, 32, 2)), keras.ops.ones((1, 30, 31, 3))]).shape # (1, 30, 31, 2)
    ```
    """

    def __init__(self, offset=0, task_config=None, image_config=None, **kwargs):
        kwargs["dtype"] = "float32"
        kwargs["autocast"] = False
        super().__init__(offset, **kwargs)
        self.task_config = task_config
        self.image_config = image_config

    def call(self, inputs):
        return ops.cast(super().call(inputs), "float32")

    def get_config(self):
        config = {**super().get_config(), "task_config": self.task_config}
        if self.image_config:
            config["image_config"] = self.image_config
        config.pop("autocast", None)
        return config

    @classmethod
    def from_config(cls, config):
        """Returns the layer that `get_config` described, also from files that named labels only."""
        if "label_config" in config:
            config = dict(config)
            labels = config.pop("label_config")
            config["task_config"] = labels and Classes(LabelSet.from_config(labels)).to_config()
        return cls(**config)
