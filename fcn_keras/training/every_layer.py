"""The layers of a model, found once for all that changes some of them for a while."""


def every_layer(model):
    """Every layer within a model once, those inside nested models and wrappers included."""
    return list({id(layer): layer for layer in model._flatten_layers(include_self=False)}.values())
