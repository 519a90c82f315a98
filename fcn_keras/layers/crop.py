"""Cropping of a map to the size of another, which is known only with the image."""

import keras
from keras import ops

from fcn_keras.geometry.protocol import SpatialLayer


@keras.saving.register_keras_serializable("fcn_keras")
class CropToReference(SpatialLayer, keras.layers.Layer):
    """Crops a map to the height and width of a reference.

    Called on `[map, reference]`; the Caffe `Crop` layer of the published nets.

    Args:
        offset: Rows and columns to drop at the start, (rows, columns) or one int.

    Input shapes: (batch, H, W, channels) and (batch, h, w, any) with offset + h <= H and
    offset + w <= W. Output: (batch, h, w, channels).

    Raises:
        ValueError: if the map is known to be too small for the window.

    Example:

    ```python
    crop = fcn_keras.layers.CropToReference(offset=19)
    crop([keras.ops.ones((1, 300, 300, 21)), keras.ops.ones((1, 224, 224, 3))]).shape
    ```
    """

    def __init__(self, offset=0, **kwargs):
        super().__init__(**kwargs)
        pair = offset if isinstance(offset, (tuple, list)) else (offset, offset)
        self.offset = tuple(int(n) for n in pair)

    def call(self, inputs):
        x, reference = inputs
        shape = ops.shape(reference)
        top, left = self.offset
        return x[:, top : top + shape[1], left : left + shape[2]]

    def compute_output_shape(self, input_shape):
        (batch, *size, channels), (_, *wanted, _) = input_shape
        for n, window, start in zip(size, wanted, self.offset, strict=True):
            if n is not None and window is not None and start + window > n:
                raise ValueError(
                    f"{self.name}: a window of {window} from {start} does not fit in a map of "
                    f"{n} cells (map {input_shape[0]}, reference {input_shape[1]})."
                )
        return (batch, *wanted, channels)

    def sampling_rule(self, grids, axis):
        return grids[0].shifted(self.offset[axis])

    def get_config(self):
        return {**super().get_config(), "offset": self.offset}
