"""Resizing of a map to the size of another by half pixels, as PyTorch interpolates."""

from fractions import Fraction

import keras
from keras import ops

from fcn_keras.geometry.protocol import SpatialLayer
from fcn_keras.geometry.rules import interpolated


@keras.saving.register_keras_serializable("fcn_keras")
class ResizeToReference(SpatialLayer, keras.layers.Layer):
    """Resizes a map bilinearly to the height and width of a reference.

    Called on `[map, reference]`. Cell p of the output, of H cells, reads the map of h cells at
    (p + 0.5) * h / H - 0.5, edges replicated: `interpolate(..., align_corners=False)` of PyTorch.
    The ratio H / h depends on the size of the image, so there is no exact halo for tiles.

    Args:
        smallest: Least height and width of the output, where the image was padded to it.

    Input shapes: (batch, h, w, channels) and (batch, H, W, any). Output: (batch, H, W, channels),
    with H and W at least `smallest`.

    Example:

    ```python
    resize = fcn_keras.layers.ResizeToReference()
    resize([keras.ops.ones((1, 5, 7, 21)), keras.ops.ones((1, 37, 50, 3))]).shape # (1, 37, 50, 21)
    ```
    """

    def __init__(self, smallest=1, **kwargs):
        super().__init__(**kwargs)
        self.smallest = int(smallest)

    def call(self, inputs):
        x, reference = inputs
        return resized(x, map(self._size, ops.shape(reference)[1:3]))

    def compute_output_shape(self, input_shape):
        (batch, *_, channels), (_, *wanted, _) = input_shape
        return (batch, *(None if n is None else self._size(n) for n in wanted), channels)

    def _size(self, size):
        known = isinstance(size, int)
        return max(size, self.smallest) if known else ops.maximum(size, self.smallest)

    def sampling_rule(self, grids, axis):
        x, reference = grids
        if x.collapsed:  # bins of the whole image
            return reference.union(x)
        factor = Fraction(x.stride) / Fraction(reference.stride)
        if factor.denominator != 1:
            raise ValueError(
                f"{self.name}: the strides of the map and the reference, {x.stride} and "
                f"{reference.stride}, have no whole ratio."
            )
        fine = interpolated(x, int(factor), Fraction(int(factor) - 1, 2))
        return fine.union(x.gone())

    def get_config(self):
        return {**super().get_config(), "smallest": self.smallest}


def resized(x, size):
    """Returns a map resized bilinearly by half pixels.

    Args:
        x: Tensor (batch, h, w, channels).
        size: Its new height and width, ints or scalar tensors.
    """
    batch, rows, columns = ops.shape(x)[:3]
    channels, (tall, wide) = x.shape[3], size
    # Products of matrices, which int8 TFLite files compute well; of einsum they make layers whose
    # "weights" are the map, and lose it.
    x = ops.reshape(x, (batch * rows, columns, channels))
    x = ops.matmul(ops.cast(_shares(columns, wide), x.dtype), x)
    x = ops.reshape(x, (batch, rows, wide * channels))
    x = ops.matmul(ops.cast(_shares(rows, tall), x.dtype), x)
    return ops.reshape(x, (batch, tall, wide, channels))


def _shares(cells, pixels):
    """Returns the share of each cell in each pixel of one axis, float32 (pixels, cells)."""
    ratio = ops.cast(cells, "float32") / ops.cast(pixels, "float32")
    places = (ops.cast(ops.arange(pixels), "float32") + 0.5) * ratio - 0.5
    places = ops.clip(places, 0.0, ops.cast(cells - 1, "float32"))
    grid = ops.cast(ops.arange(cells), "float32")
    return ops.maximum(1.0 - ops.abs(places[:, None] - grid[None]), 0.0)
