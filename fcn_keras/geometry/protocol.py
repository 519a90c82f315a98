"""The protocol between layers and the geometry."""


class SpatialLayer:
    """The base of layers that describe their own geometry: sampling rule, padding, operations.

    A layer of yours derives from it beside `keras.layers.Layer` and overrides what differs. For a
    layer of another package use `register_rule`.

    Attributes:
        pads: Whether the layer adds cells at the border of its map.
        pools: Whether the layer ends a stride as a pooling does: on a plain chain its output is
            then the tap of this stride.
        multiple: Pixels; the layer makes its map a multiple of it.
        minimum: Pixels; the layer makes its map at least as large.

    Example:

    ```python
    class Blur(fcn_keras.geometry.SpatialLayer, keras.layers.Layer):
        def sampling_rule(self, grids, axis):       # a 3x3 window, zero-padded
            return grids[0].window(3, before=1)
    ```
    """

    pads = False
    pools = False
    multiple = 1
    minimum = 1

    def sampling_rule(self, grids, axis):
        """Returns the `Grid` of the layer's outputs on one axis.

        Args:
            grids: The `Grid` of each input on this axis.
            axis: 0 for rows, 1 for columns.

        A layer with several outputs has one grid for all of them. The default is that of a layer
        with one input which works cell by cell.
        """
        return grids[0]

    def multiply_adds(self, input_shape):
        """Returns the multiply-adds of one call for one image.

        Args:
            input_shape: Shape of the first input, (batch, H, W, channels).
        """
        return 0


_SILENT = SpatialLayer()


def described(operation):
    """Returns the description of an operation: itself, or the defaults if it has none."""
    return operation if isinstance(operation, SpatialLayer) else _SILENT
