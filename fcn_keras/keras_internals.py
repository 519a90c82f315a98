"""The private parts of Keras that this package cannot do without, all in one file.

Seen in Keras 3.15; each function says which attribute it reads.
"""


def operation_of(tensor):
    """Returns the operation that made a symbolic tensor (`KerasTensor._keras_history`)."""
    return tensor._keras_history.operation


def all_layers(model, include_self=False):
    """Returns every layer of a model once, those inside nested models and layers too
    (`Layer._flatten_layers`).
    """
    return list({id(layer): layer for layer in model._flatten_layers(include_self)}.values())


def is_called(layer):
    """Returns whether a layer was ever called on a symbolic tensor (`Operation._inbound_nodes`)."""
    return bool(layer._inbound_nodes)


def is_graph(operation):
    """Returns whether an operation is a graph of layers: a functional or Sequential model
    (`Function._nodes_by_depth`).
    """
    import keras

    return isinstance(operation, keras.Sequential) or hasattr(operation, "_nodes_by_depth")


def functional_of(sequential):
    """Returns the functional model behind a Sequential, None before its first call
    (`Sequential._functional`).
    """
    return sequential._functional


def nodes_in_order(model):
    """Returns the calls of a functional model's graph, inputs first (`Function._nodes_by_depth`).

    Each node has `operation`, `arguments`, `outputs` and `is_input`.
    """
    depths = model._nodes_by_depth
    return [node for depth in sorted(depths, reverse=True) for node in depths[depth]]


def set_direction(metric, direction):
    """Tells Keras's callbacks whether a metric's best value is the highest, "up", or the lowest,
    "down" (`Metric._direction`).
    """
    metric._direction = direction


def added_losses(model):
    """Returns the losses that regularizers and `add_loss` add to the compiled one, in a training
    step (`Trainer._aggregate_additional_loss`).
    """
    return [model._aggregate_additional_loss(loss) for loss in model.losses]
