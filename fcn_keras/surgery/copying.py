"""Copies of layers with their weights, so that the net given is never changed."""

import keras

from fcn_keras.layers import GroupedConv2D


class Copier:
    """Copies layers, each once, however often the graph calls it.

    A `Conv2D` in groups becomes a `GroupedConv2D`, which computes the same many times faster.

    Args:
        changes: `change(layer, config) -> config` functions, called before a copy is made, to
            alter its configuration (a padding, a momentum). They must keep the weights' shapes.
        taken: Layer names that the copies must not use.
        suffix: Behind the name of every copy.

    Example:

    ```python
    copier = fcn_keras.surgery.Copier()
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
        """Calls the copy of `layer` (made now if there is none yet) and returns the result."""
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
        fresh = not copy._inbound_nodes
        result = copy(*args, **kwargs)
        if fresh and layer.weights:
            give_weights(copy, layer.get_weights())
        return result

    def new(self, name, make, key):
        """`make(free name)`, or what it made before for the same `key`."""
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
    """`layer.set_weights`, and what Keras derives from them (Normalization's mean and variance)."""
    layer.set_weights(weights)
    for part in layer._flatten_layers():
        if hasattr(part, "finalize_state"):
            part.finalize_state()


def with_batch_norm_momentum(momentum):
    """A `change` for `Copier` that sets the momentum of every BatchNormalization."""

    def change(layer, config):
        if momentum is not None and isinstance(layer, keras.layers.BatchNormalization):
            config["momentum"] = momentum
        return config

    return change
