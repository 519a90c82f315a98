"""The top of a classifier: the layer that gathers its map into a vector, and all layers after it.

Both convolutionalization and the builders of nets start from it.
"""

from dataclasses import dataclass

import keras

from fcn_keras.geometry.field import trace
from fcn_keras.geometry.graph import functional
from fcn_keras.geometry.taps import on_every_path

GATHERING = (
    keras.layers.Flatten,
    keras.layers.GlobalAveragePooling2D,
    keras.layers.GlobalMaxPooling2D,
)


@dataclass(frozen=True)
class Top:
    """The end of a classifier.

    Attributes:
        features: The last map (batch, h, w, channels), a KerasTensor of the classifier's graph.
        gathering: The layer that gathers it: Flatten or a global pooling.
        layers: The layers after `gathering` in the order they are called, a tuple.

    Example:

    ```python
    from fcn_keras.surgery.top import find_top

    top = find_top(keras.applications.MobileNetV2(weights=None))
    top.window, top.flattens      # (7, 7), False
    ```
    """

    features: keras.KerasTensor
    gathering: keras.layers.Layer
    layers: tuple

    @property
    def window(self):
        """The map's (h, w), or None where the classifier's input is of open size."""
        size = tuple(self.features.shape[1:3])
        return None if None in size else size

    @property
    def flattens(self):
        """True where every cell has weights of its own (Flatten), False for global pooling."""
        return isinstance(self.gathering, keras.layers.Flatten)


def one_image(classifier):
    """Raises ValueError unless the classifier has one input."""
    count = len(functional(classifier).inputs)
    if count != 1:
        raise ValueError(
            f"{classifier.name!r} has {count} inputs; a classifier with one is needed."
        )


def find_top(classifier):
    """Returns the top of a classifier, where its map is gathered into a vector.

    Args:
        classifier: A functional Keras classifier with its top.

    Returns:
        A `Top`.

    Raises:
        ValueError: where nothing gathers the map (a net without top), or where the operation that
            does is not Flatten or a global pooling.

    Example:

    ```python
    from fcn_keras.surgery.top import find_top

    find_top(keras.applications.MobileNetV2(weights=None)).gathering.name
    ```
    """
    one_image(classifier)
    found, outputs = trace(classifier)
    if len(outputs) != 1:
        raise ValueError(
            f"{classifier.name!r} has {len(outputs)} outputs; a classifier with one is expected."
        )
    through = on_every_path(found, outputs[0])
    for traced in found:
        if traced in through and traced.grids[0].collapsed and traced.operation is not None:
            layer = traced.operation
            if not isinstance(layer, GATHERING):
                raise ValueError(
                    f"The layer {layer.name!r} ({type(layer).__name__}) gathers the map of "
                    f"{classifier.name!r}; only Flatten, GlobalAveragePooling2D and "
                    "GlobalMaxPooling2D can be cast into convolutions."
                )
            after = found[found.index(traced) + 1 :]
            return Top(traced.parents[0].tensor, layer, tuple(t.operation for t in after))
    raise ValueError(
        f"{classifier.name!r} has no Flatten and no global pooling: it is not a classifier with "
        "its top (build it with include_top=True), or is fully convolutional already."
    )
