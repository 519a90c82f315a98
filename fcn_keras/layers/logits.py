"""The last layer of every segmenter: scores on the image's own pixels, and what they mean."""

import keras
from keras import ops

from fcn_keras.layers.crop import CropToReference


@keras.saving.register_keras_serializable("fcn_keras")
class Logits(CropToReference):
    """Crops the score map to the image, as float32, and remembers the classes' names.

    Called on `[map, image]`. Always float32, so that the loss and argmax of a net trained under
    mixed precision are exact.

    Args:
        offset: As in `CropToReference`.
        label_config: What `LabelSet.to_config()` returned, or None. It is saved with the model;
            `fcn_keras.labels_of(model)` reads it.

    Example:

    ```python
    fcn_keras.layers.Logits()([keras.ops.ones((1, 32, 32, 2)), keras.ops.ones((1, 30, 31, 3))])
    ```
    """

    def __init__(self, offset=0, label_config=None, **kwargs):
        kwargs["dtype"] = "float32"
        kwargs["autocast"] = False
        super().__init__(offset, **kwargs)
        self.label_config = label_config

    def call(self, inputs):
        return ops.cast(super().call(inputs), "float32")

    def get_config(self):
        config = {**super().get_config(), "label_config": self.label_config}
        config.pop("autocast", None)
        return config
