"""Weights of one net into another, layer by layer, by name and shape."""

from dataclasses import dataclass

from fcn_keras.surgery.copying import give_weights


@dataclass(frozen=True)
class Transplanted:
    """What `transplant` did.

    Attributes:
        copied: Names of the layers that took their weights from the source.
        fresh: Names of the target's layers that the source does not have.
        unused: Names of the source's layers that the target does not have.
    """

    copied: tuple[str, ...]
    fresh: tuple[str, ...]
    unused: tuple[str, ...]

    def __str__(self):
        fresh = ", ".join(self.fresh) or "none"
        return f"{len(self.copied)} layers transplanted; new: {fresh}."


def transplant(source, target):
    """Copies the weights of every layer of `target` that `source` has under the same name.

    Args:
        source: A Keras model, for example a trained FCN-32s. It is not changed.
        target: A Keras model, for example a new FCN-16s; changed in place.

    Returns:
        `Transplanted`: which layers were copied and which are new.

    Raises:
        ValueError: if a layer of the same name has weights of another shape (the message names
            it), or if no layer is shared. Nothing is copied then.

    Example:

    ```python
    coarse = fcn_keras.fcn32s(11, "vgg_slim", weights=None)
    fine = fcn_keras.fcn16s(11, "vgg_slim", weights=None)
    print(fcn_keras.surgery.transplant(coarse, fine))
    ```

    Source: Long et al. (2015), section 4.2: each finer net starts from the coarser one.
    """
    given = {layer.name: layer for layer in source.layers if layer.weights}
    wanted = {layer.name: layer for layer in target.layers if layer.weights}
    shared = [name for name in wanted if name in given]
    if not shared:
        raise ValueError(
            f"{source.name!r} and {target.name!r} share no layer with weights: "
            "are they built over the same classifier?"
        )
    for name in shared:
        have, need = ([tuple(w.shape) for w in net[name].weights] for net in (given, wanted))
        if have != need:
            raise ValueError(
                f"The layer {name!r} has weights of shapes {have} in {source.name!r} but {need} "
                f"in {target.name!r}: the nets differ in num_classes, head_filters or classifier."
            )
    for name in shared:
        give_weights(wanted[name], given[name].get_weights())
    return Transplanted(
        tuple(shared),
        tuple(name for name in wanted if name not in given),
        tuple(name for name in given if name not in wanted),
    )
