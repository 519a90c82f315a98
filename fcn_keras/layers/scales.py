"""An image at another scale, and the maximum of what a net makes of several scales."""

import threading
from dataclasses import replace

import keras
from keras import ops

from fcn_keras.checks import positive
from fcn_keras.geometry.protocol import SpatialLayer
from fcn_keras.layers.resizing import resized

_package = keras.saving.register_keras_serializable("fcn_keras")


@_package
class Rescale(SpatialLayer, keras.layers.Layer):
    """Resizes an image bilinearly by a factor, by half pixels.

    Args:
        factor: Factor of height and width, above 0; the new size is rounded, and at least 1.

    Input shape: (batch, H, W, channels). Output: (batch, factor H, factor W, channels).

    Example:

    ```python
    fcn_keras.layers.Rescale(0.75)(keras.ops.ones((1, 40, 61, 3))).shape   # (1, 30, 46, 3)
    ```
    """

    def __init__(self, factor, **kwargs):
        super().__init__(**kwargs)
        self.factor = positive("factor", factor)

    def call(self, x):
        return resized(x, [self._scaled(n) for n in ops.shape(x)[1:3]])

    def compute_output_shape(self, input_shape):
        batch, *size, channels = input_shape
        return (batch, *(None if n is None else self._scaled(n) for n in size), channels)

    def _scaled(self, size):
        if isinstance(size, int):
            return max(1, int(size * self.factor + 0.5))
        scaled = ops.floor(ops.cast(size, "float32") * self.factor + 0.5)
        return ops.maximum(ops.cast(scaled, "int32"), 1)

    def sampling_rule(self, grids, axis):
        """The grid of the image, though of another scale; its ratio depends on the image's size."""
        return replace(grids[0], unbounded=True)

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


@_package
class ScaleMaximum(SpatialLayer, keras.layers.Layer):
    """Resizes maps of several scales to a reference, and takes the maximum of each cell.

    Called on `[reference, map, map, ...]`.

    Input shapes: (batch, H, W, any) and (batch, h, w, channels) each. Output:
    (batch, H, W, channels).

    Example:

    ```python
    image, coarse = keras.ops.ones((1, 40, 61, 3)), keras.ops.ones((1, 20, 31, 5))
    fcn_keras.layers.ScaleMaximum()([image, coarse, 2 * coarse]).shape     # (1, 40, 61, 5)
    ```

    Source: Chen et al. (2018), DeepLab, section 4.3; Chen et al. (2016), "Attention to Scale".
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._last = _Held()

    def call(self, inputs, training=None):
        reference, *maps = inputs
        size = ops.shape(reference)[1:3]
        maps = [resized(x, size) for x in maps]
        self._last.maps = maps if training else None
        result = maps[0]
        for x in maps[1:]:
            result = ops.maximum(result, x)
        return result

    def taken(self):
        """Returns the resized maps of the last call in training, and forgets them."""
        maps, self._last.maps = self._last.maps, None
        return maps or []

    def compute_output_shape(self, input_shape):
        (batch, *size, _), (*_, channels), *_ = input_shape
        return (batch, *size, channels)

    def sampling_rule(self, grids, axis):
        return grids[0].union(*(grid.gone() for grid in grids[1:]))


class _Held(threading.local):
    """Maps between the call and the loss of one step; each replica has a thread of its own."""

    maps = None
