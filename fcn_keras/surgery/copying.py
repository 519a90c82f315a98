"""Copies of layers with their weights, so that a given net is never changed."""

import keras

from fcn_keras.keras_internals import all_layers, is_called
from fcn_keras.layers import GroupedConv2D


class Copier:
    """Copies layers, each once, however often the graph calls it.

    A `Conv2D` in groups becomes a `GroupedConv2D`, which computes the same many times faster.

    Args:
        changes: `change(layer, config) -> config` functions, called before a copy is made, to
            alter its configuration (a padding, a momentum). They must keep the weights' shapes.
        taken: Layer names that the copies must not use.
        suffix: End of the names of all copies.

    Example:

    ```python
    from fcn_keras.surgery.copying import Copier

    copier = Copier()
    image = keras.Input((None, None, 3))
    layer = keras.layers.Conv2D(4, 3)
    layer.build((None, None, None, 3))
    copy = keras.Model(image, copier.call(layer, (image,), {}))
    ```
    """

    def __init__(self, *changes, taken=("image",), suffix=""):
        self._changes = changes
        self._suffix = suffix
        self._copies = {}
        self._names = set(taken)

    def call(self, layer, args, kwargs, **overrides):
        """Calls the copy of a layer, made now if there is none yet, and returns its outputs.

        Args:
            layer: The layer to copy, or an operation of keras.ops, which is called itself.
            args: Arguments of the call, a tuple.
            kwargs: Keyword arguments of the call, a dict.
            overrides: Settings of the copy in place of the layer's own.
        """
        if not isinstance(layer, keras.layers.Layer):
            return layer(*args, **kwargs)

        def make(name):
            config = dict(layer.get_config())
            for change in self._changes:
                config = change(layer, config)
            config = {**config, **overrides, "name": name}
            try:
                return _copied_as(layer).from_config(config)
            except Exception as error:
                raise ValueError(
                    f"The layer {layer.name!r} ({type(layer).__name__}) cannot be copied: its "
                    f"get_config() and from_config() do not rebuild it ({error})."
                ) from error

        copy = self.new(layer.name, make, key=layer)
        fresh = not is_called(copy)
        result = copy(*args, **kwargs)
        if fresh and layer.weights:
            give_weights(copy, layer.get_weights())
        return result

    def new(self, name, make, key):
        """Returns `make(free name)`, or the layer that it made before for the same `key`."""
        if id(key) not in self._copies:
            free, number = f"{name}{self._suffix}", 1
            while free in self._names:
                free, number = f"{name}_{number}{self._suffix}", number + 1
            self._names.add(free)
            self._copies[id(key)] = make(free)
        return self._copies[id(key)]


def _copied_as(layer):
    grouped = type(layer) is keras.layers.Conv2D and layer.groups > 1
    return GroupedConv2D if grouped else type(layer)


def give_weights(layer, weights):
    """Sets a layer's weights, and the constants that Normalization layers derive from them."""
    layer.set_weights(weights)
    for part in all_layers(layer, include_self=True):
        if isinstance(part, keras.layers.Normalization):
            part.finalize_state()


def with_batch_norm_momentum(momentum):
    """Returns a `change` for `Copier` that sets the momentum of every BatchNormalization."""

    def change(layer, config):
        if momentum is not None and isinstance(layer, keras.layers.BatchNormalization):
            config["momentum"] = momentum
        return config

    return change
