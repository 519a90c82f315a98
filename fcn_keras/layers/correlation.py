"""Correlation: how well each place of a map fits the places around it in another map."""

import keras
from keras import ops

from fcn_keras.checks import whole_number
from fcn_keras.geometry.protocol import SpatialLayer


@keras.saving.register_keras_serializable("fcn_keras")
class Correlation2D(SpatialLayer, keras.layers.Layer):
    """Compares each cell of a map with the cells around it in a second map.

    Called on `[first, second]`. Channel i of the output is the mean over the channels of the
    products of a cell of the first map and the cell of the second map that lies (dy, dx) away,
    with displacements in rows: dy = -d, ..., d for each dy dx = -d, ..., d, both in steps of
    `step`. Beyond its border the second map is zero.

    Args:
        displacement: Largest displacement d along each axis, in cells.
        step: Cells from one displacement to the next; it divides `displacement`.

    Input shapes: twice (batch, H, W, channels). Output: (batch, H, W, (2 * d / step + 1)²), in the
    defaults 441 channels.

    Raises:
        ValueError: for a step that does not divide the displacement, or maps of different shapes.

    Example:

    ```python
    maps = [keras.ops.ones((1, 6, 8, 16))] * 2
    fcn_keras.layers.Correlation2D(displacement=2, step=1)(maps).shape      # (1, 6, 8, 25)
    ```

    Source: Dosovitskiy, Fischer et al. (2015), "FlowNet", section 3, equation 1 with k = 0.
    """

    def __init__(self, displacement=20, step=2, **kwargs):
        super().__init__(**kwargs)
        self.displacement = whole_number("displacement", displacement)
        self.step = whole_number("step", step)
        if self.displacement % self.step:
            raise ValueError(
                f"`step` must divide the displacement of {self.displacement}, got {self.step}."
            )

    @property
    def side(self):
        """Number of displacements along each axis."""
        return 2 * self.displacement // self.step + 1

    def build(self, input_shape):
        first, second = (tuple(shape) for shape in input_shape)
        if first[1:] != second[1:]:
            raise ValueError(
                f"{self.name} compares two maps of one shape, got {first} and {second}."
            )
        super().build(input_shape)

    def call(self, inputs):
        first, second = inputs
        rows, columns = ops.shape(first)[1:3]
        margin = self.displacement
        padded = ops.pad(second, [[0, 0], [margin, margin], [margin, margin], [0, 0]])
        across = ops.transpose(padded, (0, 1, 3, 2))
        first = first / first.shape[-1]
        found = []
        for down in range(0, 2 * margin + 1, self.step):
            products = ops.matmul(first, across[:, down : down + rows])
            found.append(self._near(products, rows, columns))
        return ops.concatenate(found, axis=-1)

    def _near(self, products, rows, columns):
        """Of the products of all pairs of columns those within the displacement.

        Products (batch, rows, columns, columns + 2 * d) in rows of one cell more are shifted
        against each other, so that those of one displacement stand in one column.
        """
        wide = columns + 2 * self.displacement
        flat = ops.reshape(products, (-1, rows, columns * wide))
        flat = ops.pad(flat, [[0, 0], [0, 0], [0, columns]])
        skewed = ops.reshape(flat, (-1, rows, columns, wide + 1))
        return skewed[..., : 2 * self.displacement + 1 : self.step]

    def compute_output_shape(self, input_shape):
        return (*input_shape[0][:3], self.side**2)

    pads = True

    def sampling_rule(self, grids, axis):
        around = grids[1].window(self.side, dilation=self.step, before=self.displacement)
        return grids[0].union(around)

    def multiply_adds(self, input_shape):
        """Returns the multiply-adds of one image: each cell with whole rows of the other map."""
        _, rows, columns, channels = input_shape
        return rows * columns * channels * self.side * (columns + 2 * self.displacement)

    def get_config(self):
        return {**super().get_config(), "displacement": self.displacement, "step": self.step}
