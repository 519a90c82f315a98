"""The head between a classifier's last map and the scores: fc6 and fc7, new or transplanted."""

import keras

from fcn_keras.layers import LeanHeNormal, WindowConv2D
from fcn_keras.surgery.casting import FlatMap, cast

L = keras.layers
MERGES = (L.Add, L.Subtract, L.Multiply, L.Average, L.Maximum, L.Minimum, L.Concatenate)


class Head:
    """The hidden layers in front of the scores.

    Args:
        copier: A `Copier`, which copies the classifier's own layers.
        top: The classifier's `Top`.
        padding: "same" or "valid", of the convolutions.
        dropout: Dropout rate after each hidden layer.
        suffix: End of the names of all layers.
    """

    def __init__(self, copier, top, padding, dropout, suffix):
        self.copier = copier
        self.suffix = suffix
        self.top = top
        self.padding = padding
        self.dropout = dropout
        self.count = 0

    def apply(self, features, head_filters, registered, window):
        """Returns the features after the head, a KerasTensor.

        Args:
            features: The classifier's last map.
            head_filters: None for the classifier's own head, 0 for none, or filters of a new one.
            registered: Filters of the registered classifier's fc6 and fc7, or ().
            window: Rows and columns of fc6.
        """
        flattens = self.top.gathering is not None and self.top.flattens
        if head_filters is None:
            if flattens:
                return self._transplanted(features)
            return self._fully_connected(features, registered, window)
        if head_filters == 0:
            return features
        if flattens or registered:
            return self._fully_connected(features, (head_filters, head_filters), window)
        return self._new(features, "head", 3, head_filters)

    def _fully_connected(self, x, filters, window):
        for number, count in enumerate(filters):
            x = self._new(x, f"fc{6 + number}", 1 if number else window, count)
        return x

    def _transplanted(self, features):
        """The hidden layers of a Flatten -> Dense -> ... -> Dense top, as convolutions."""
        dense = [i for i, layer in enumerate(self.top.layers) if isinstance(layer, L.Dense)]
        if not dense:
            return features
        merge = next((layer for layer in self.top.layers if isinstance(layer, MERGES)), None)
        if merge is not None:
            raise ValueError(
                f"The classifier's head branches and meets in layer {merge.name!r}, so it cannot "
                "become fc6, fc7, ... in a row. Pass head_filters=0 for no head, or a number for "
                "a new one."
            )
        x = FlatMap(features, self.top.window)
        for layer in self.top.layers[: dense[-1]]:
            if isinstance(layer, L.Dropout):
                continue
            if isinstance(layer, L.Dense):
                if self.count:
                    x = self._dropped(x)
                self.count += 1
                name = f"fc{5 + self.count}"
                x = cast(layer, (x,), {}, self.copier, padding=self.padding, name=name)
            else:
                x = cast(layer, (x,), {}, self.copier)
        if isinstance(x, FlatMap):
            return features
        return self._dropped(x)

    def _new(self, x, name, window, filters):
        x = WindowConv2D(
            filters,
            window,
            padding=self.padding,
            activation="relu",
            kernel_initializer=LeanHeNormal(),
            name=f"{name}{self.suffix}",
        )(x)
        self.count += 1
        return self._dropped(x)

    def _dropped(self, x):
        if not self.dropout:
            return x
        return L.Dropout(self.dropout, name=f"drop{5 + self.count}{self.suffix}")(x)
