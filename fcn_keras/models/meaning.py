"""What a model's classes are called: the LabelSet that travels in its output layer."""

from fcn_keras.labels import LabelSet
from fcn_keras.layers import Logits


def labels_of(model):
    """The `LabelSet` that a model was built or trained with, or None.

    Args:
        model: A Keras model; those of this package keep their labels through `model.save`.

    Returns:
        `LabelSet` or None; for a net with several outputs {output: `LabelSet` or None}.

    Example:

    ```python
    fcn_keras.labels_of(keras.models.load_model("runs/street/best.keras")).names
    ```
    """
    layers = _outputs(model)
    if isinstance(getattr(model, "output", None), dict):
        made_by = {tensor._keras_history.operation: name for name, tensor in model.output.items()}
        return {made_by[layer]: _label_set(layer) for layer in layers if layer in made_by}
    return next((found for layer in layers if (found := _label_set(layer)) is not None), None)


def can_keep_labels(model):
    """Whether the model has the output layer that class names are kept in."""
    return bool(_outputs(model))


def set_labels(model, labels):
    """Stores a `LabelSet` in the output layer of a model built by this package.

    Raises:
        ValueError: if the number of classes differs, or the model has no `Logits` output.
    """
    layers = _outputs(model)
    if not can_keep_labels(model):
        raise ValueError(f"{model.name!r} has no Logits layer to keep class names in.")
    config = label_config(labels, model.output_shape[-1])
    for layer in layers:
        layer.label_config = config


def label_config(labels, num_classes):
    """`labels` as the output layer keeps them, checked against the number of classes."""
    if labels is None:
        return None
    if labels.num_classes != num_classes:
        raise ValueError(
            f"The label set names {labels.num_classes} classes "
            f"({', '.join(labels.names[:5])}, ...), but num_classes is {num_classes}."
        )
    return labels.to_config()


def _label_set(layer):
    return None if layer.label_config is None else LabelSet.from_config(layer.label_config)


def _outputs(model):
    return [layer for layer in getattr(model, "layers", ()) if isinstance(layer, Logits)]
