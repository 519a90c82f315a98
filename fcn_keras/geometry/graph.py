"""One walk over a functional Keras graph, entering nested models.

Geometry walks it with grids for values, surgery with tensors.
"""

import keras


def functional(model):
    """The functional graph behind `model`: itself, or a built Sequential's.

    Raises:
        ValueError: for a subclassed model or a Sequential that was never built.
    """
    if isinstance(model, keras.Sequential):
        graph = getattr(model, "_functional", None)
        if graph is None:
            raise ValueError(
                f"The Sequential model {model.name!r} has no input shape yet. "
                "Give it a keras.Input as its first layer, or call it once."
            )
        return graph
    if not is_graph(model):
        raise ValueError(
            f"{getattr(model, 'name', model)!r} is a {type(model).__name__}, not a functional "
            "Keras model: its graph cannot be read. Build it with keras.Model(inputs, outputs)."
        )
    return model


def is_graph(operation):
    """Whether `operation` is itself a graph of layers (a nested model)."""
    return isinstance(operation, keras.Sequential) or hasattr(operation, "_nodes_by_depth")


def walk(model, inputs, call):
    """Recomputes a graph with values of any kind.

    Args:
        model: A functional Keras model, or a built Sequential.
        inputs: One value for each input of the model.
        call: `call(node, args, kwargs) -> value or list of values`, once for each node in
            topological order. `node.operation` is the layer; `args` and `kwargs` are those it was
            called with, tensors replaced by their values. A nested model's nodes are visited
            one by one; `call` never sees the nested model itself.

    Returns:
        The list of the values of the model's outputs.
    """
    model = functional(model)
    values = {id(tensor): value for tensor, value in zip(model.inputs, inputs, strict=True)}
    for depth in sorted(model._nodes_by_depth, reverse=True):
        for node in model._nodes_by_depth[depth]:
            if node.is_input:
                continue
            args, kwargs = node.arguments.fill_in(values)
            if is_graph(node.operation):
                inner = keras.tree.flatten((args, kwargs.get("inputs", [])))
                results = walk(node.operation, [v for v in inner if v is not None], call)
            else:
                results = call(node, args, kwargs)
                results = results if isinstance(results, list) else [results]
            for tensor, value in zip(node.outputs, results, strict=True):
                values[id(tensor)] = value
    return [values[id(tensor)] for tensor in model.outputs]
