"""fill: the tensors of a torch checkpoint as the weights of a Keras net.

Filters are (out, in / groups, rows, columns) in torch and (rows, columns, in, out) in Keras.
"""

from dataclasses import dataclass

import keras
import numpy as np

from fcn_keras.checkpoints.errors import CheckpointError
from fcn_keras.checkpoints.pickles import MAX_QUOTED

L = keras.layers
MAX_CLASSES = 65_535  # which label maps of 16 bits hold
COUNTERS = "num_batches_tracked"  # of BatchNormalization, which Keras has not


@dataclass(frozen=True)
class Place:
    """One weight of a net, and the tensor that it takes.

    Attributes:
        weight: The Keras variable.
        tensor: The tensor's name in the checkpoint.
        shape: Its shape there.
        axes: The order of its axes in the weight.
    """

    weight: object
    tensor: str
    shape: tuple
    axes: tuple

    def assign(self, array):
        """Copies a tensor of the right shape to the weight."""
        self.weight.assign(np.asarray(array.transpose(self.axes), "f4").reshape(self.weight.shape))


def fill(model, tensors, names, needs, spare=()):
    """Copies the tensors of a checkpoint to a net, after checking all of them.

    Args:
        model: A `keras.Model`.
        tensors: {name: array}, as `read_checkpoint` returns it.
        names: {layer of the net: the layer's name in the checkpoint}; all layers with weights.
        needs: The name of the net, for messages.
        spare: Beginnings of the names of tensors that the net does not take.

    Raises:
        CheckpointError: for a tensor that is missing, of another shape, or left over; it names
            the first and what was expected. No weight was changed then.
    """
    places = [
        place
        for layer in model.layers
        if layer.weights
        for place in _places(layer, names[layer.name])
    ]
    for place in places:
        if place.tensor not in tensors:
            raise CheckpointError(f"{needs} needs a tensor {place.tensor!r}; the file has none.")
        found = tensors[place.tensor].shape
        if found != place.shape:
            raise CheckpointError(
                f"tensor {place.tensor!r}: {needs} needs {_by(place.shape)}, the file has "
                f"{_by(found)}."
            )
    taken = {place.tensor for place in places}
    left = [
        name
        for name in tensors
        if name not in taken and not name.endswith(COUNTERS) and not name.startswith(tuple(spare))
    ]
    if left:
        more = f" (and {len(left) - 1} more)" if len(left) > 1 else ""
        name = left[0][:MAX_QUOTED]
        raise CheckpointError(f"{needs} has no tensor {name!r}{more}, but the file has.")
    for place in places:
        place.assign(tensors[place.tensor])


def count_classes(tensors, name, needs):
    """Returns the number of filters of the layer that scores, the length of its weight.

    Args:
        tensors: {name: array}.
        name: The name of the weight.
        needs: The name of the net, for messages.

    Raises:
        CheckpointError: if there is no such tensor, or for a number that is no number of classes.
    """
    if name not in tensors:
        raise CheckpointError(f"{needs} needs a tensor {name!r}; the file has none.")
    count = (*tensors[name].shape, 0)[0]
    if not 2 <= count <= MAX_CLASSES:
        raise CheckpointError(
            f"tensor {name!r}: {needs} needs 2 to {MAX_CLASSES} classes, the file has {count}."
        )
    return count


def _places(layer, name):
    """Yields the `Place` of each weight of a layer."""
    if isinstance(layer, L.BatchNormalization):
        parts = ("weight", "bias", "running_mean", "running_var")
        weights = (layer.gamma, layer.beta, layer.moving_mean, layer.moving_variance)
        for part, weight in zip(parts, weights, strict=True):
            yield Place(weight, f"{name}.{part}", tuple(weight.shape), (0,))
        return
    shape = tuple(layer.kernel.shape)
    if isinstance(layer, L.DepthwiseConv2D):
        rows, columns, channels, multiplier = shape
        theirs, axes = (channels * multiplier, 1, rows, columns), (2, 3, 0, 1)
    elif isinstance(layer, L.Dense):
        theirs, axes = shape[::-1], (1, 0)
    else:  # a convolution, or a transposed one, whose axes of channels are both swapped
        theirs, axes = (shape[3], shape[2], *shape[:2]), (2, 3, 1, 0)
    yield Place(layer.kernel, f"{name}.weight", theirs, axes)
    if layer.bias is not None:
        yield Place(layer.bias, f"{name}.bias", tuple(layer.bias.shape), (0,))


def _by(shape):
    return "x".join(map(str, shape)) or "one number"
