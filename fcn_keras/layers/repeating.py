"""Repetition of one cell over a map, which is how features of the whole image join local ones."""

import keras
from keras import ops

from fcn_keras.geometry.protocol import SpatialLayer


@keras.saving.register_keras_serializable("fcn_keras")
class RepeatToReference(SpatialLayer, keras.layers.Layer):
    """Repeats a map of one cell to the height and width of a reference.

    Called on `[map, reference]`, after a global pooling with `keepdims=True`.

    Input shapes: (batch, 1, 1, channels) and (batch, H, W, any). Output: (batch, H, W, channels).

    Raises:
        ValueError: for a map that is known to have more than one cell.

    Example:

    ```python
    x = keras.random.normal((1, 9, 12, 8))
    whole = keras.layers.GlobalAveragePooling2D(keepdims=True)(x)
    fcn_keras.layers.RepeatToReference()([whole, x]).shape      # (1, 9, 12, 8)
    ```

    Source: Liu, Rabinovich, Berg (2015), "ParseNet", section 3.1.
    """

    def call(self, inputs):
        x, reference = inputs
        self.compute_output_shape([x.shape, reference.shape])  # refuses a map of several cells
        return x + ops.zeros_like(reference[..., :1], dtype=x.dtype)

    def compute_output_shape(self, input_shape):
        (batch, *cells, channels), (_, *size, _) = input_shape
        if any(n not in (1, None) for n in cells):
            raise ValueError(f"{self.name}: a map of one cell is repeated, got {input_shape[0]}.")
        return (batch, *size, channels)

    def sampling_rule(self, grids, axis):
        return grids[1].union(grids[0])
