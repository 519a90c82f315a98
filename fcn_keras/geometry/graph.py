"""A walk over a functional Keras graph, which enters nested models.

Geometry walks it with grids for values, surgery with tensors.
"""

import keras

from fcn_keras.keras_internals import functional_of, is_graph, nodes_in_order


def functional(model):
    """Returns the functional graph behind a model: itself, or a built Sequential's.

    Raises:
        ValueError: for a subclassed model or a Sequential that was never built.
    """
    if isinstance(model, keras.Sequential):
        graph = functional_of(model)
        if graph is None:
            raise ValueError(
                f"The Sequential model {model.name!r} has no input shape yet. "
                "Give it a keras.Input as its first layer, or call it once."
            )
        return graph
    if not is_graph(model):
        name = model.name if isinstance(model, keras.layers.Layer) else model
        raise ValueError(
            f"{name!r} is a {type(model).__name__}, not a functional "
            "Keras model: its graph cannot be read. Build it with keras.Model(inputs, outputs)."
        )
    return model


def walk(model, inputs, call):
    """Recomputes a graph with values of any kind.

    Args:
        model: A functional Keras model, or a built Sequential.
        inputs: One value for each input of the model.
        call: `call(node, args, kwargs) -> value`, once for each node in topological order; of a
            layer with several outputs a list, tuple or dict of values, as the layer's own.
            `node.operation` is the layer; `args` and `kwargs` are those it was called with,
            tensors replaced by their values. A nested model's nodes are visited one by one;
            `call` never gets the nested model itself.

    Returns:
        The list of the values of the model's outputs.
    """
    model = functional(model)
    values = {id(tensor): value for tensor, value in zip(model.inputs, inputs, strict=True)}
    for node in nodes_in_order(model):
        if node.is_input:
            continue
        args, kwargs = node.arguments.fill_in(values)
        if is_graph(node.operation):
            inner = keras.tree.flatten((args, kwargs.get("inputs", [])))
            results = walk(node.operation, [v for v in inner if v is not None], call)
        else:
            results = keras.tree.flatten(call(node, args, kwargs))
        for tensor, value in zip(node.outputs, results, strict=True):
            values[id(tensor)] = value
    return [values[id(tensor)] for tensor in model.outputs]
