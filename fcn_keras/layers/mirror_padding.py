"""Padding by the mirror image, which gives a net of unpadded convolutions its missing context."""

import keras
import numpy as np
from keras import ops

from fcn_keras.checks import whole_number
from fcn_keras.geometry.protocol import SpatialLayer


@keras.saving.register_keras_serializable("fcn_keras")
class MirrorPadding2D(SpatialLayer, keras.layers.Layer):
    """Pads a map by its mirror image, also where the margin is wider than the map.

    The line at the border is the mirror and is not repeated: of 1 2 3 a margin of 4 makes
    1 2 3 2 | 1 2 3 | 2 1 2 3.

    Args:
        margin: Cells in front of the first and behind the last, of rows and of columns.
        step: Sizes that the net behind gives differ by this many cells.
        smallest: The smallest size that the net behind gives. Height and width without the
            margins become `smallest`, or the next that is larger by a multiple of `step`; the
            cells that this takes are mirrored too, at the end.

    Input shape: (batch, H, W, channels), any H and W from 1, which may be open. Output:
    (batch, 2 * margin + h, 2 * margin + w, channels), with h the smallest of `smallest`,
    `smallest + step`, ... that is at least H, and w likewise.

    Raises:
        ValueError: for a negative margin, or a step or smallest size below 1.

    Example:

    ```python
    pad = fcn_keras.layers.MirrorPadding2D(92, step=16, smallest=4)
    pad(keras.ops.ones((1, 388, 380, 1))).shape         # (1, 572, 572, 1)
    ```

    Source: Ronneberger, Fischer, Brox (2015), "U-Net", section 2 and figure 2.
    """

    def __init__(self, margin, step=1, smallest=1, **kwargs):
        super().__init__(**kwargs)
        self.margin = whole_number("margin", margin, 0)
        self.step = whole_number("step", step)
        self.smallest = whole_number("smallest", smallest)

    def call(self, x):
        for axis, size in ((1, ops.shape(x)[1]), (2, ops.shape(x)[2])):
            x = ops.take(x, self._mirrored(size), axis=axis)
        return x

    def _mirrored(self, size):
        """The number of the map's cell for each cell of the output along one axis."""
        numbers = np if isinstance(size, int) else ops
        cells = numbers.arange(self._padded(size), dtype="int32") - self.margin
        period = numbers.maximum(2 * size - 2, 1)  # there and back
        place = numbers.mod(cells, period)
        return numbers.minimum(place, period - place)

    def _padded(self, size):
        numbers = max if isinstance(size, int) else ops.maximum
        steps = numbers(-((self.smallest - size) // self.step), 0)
        return 2 * self.margin + self.smallest + steps * self.step

    def compute_output_shape(self, input_shape):
        batch, *size, channels = input_shape
        size = (None if n is None else self._padded(n) for n in size)
        return (batch, *size, channels)

    pads = True

    def sampling_rule(self, grids, axis):
        return grids[0].shifted(-self.margin)

    def get_config(self):
        config = {"margin": self.margin, "step": self.step, "smallest": self.smallest}
        return {**super().get_config(), **config}
