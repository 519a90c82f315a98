"""The arguments that the builders share, checked before anything is built."""

from fcn_keras.models.init_from import classifier_weights
from fcn_keras.models.inputs import one_stream
from fcn_keras.models.options import check_options


def checked_arguments(
    net, options, input_shape, preprocess, weights=None, init_from=None, new_classes=None
):
    """Returns the options, the input and the classifier's weights of a net over one image.

    Args:
        net: Name of the net in `fcn_keras.models.NETS`.
        options: {option: value}, the options that are checked against their declarations.
        input_shape, preprocess, weights, init_from: The builder's arguments.
        new_classes: The builder's argument; None for a net without `init_from`.

    Returns:
        ({option: value} as checked, a `Stream`, the weights to load into the classifier).

    Raises:
        ValueError: for arguments that do not fit; the message quotes the value.
    """
    given = options if new_classes is None else {**options, "new_classes": new_classes}
    options = check_options(net, given)
    weights = classifier_weights(weights, init_from, new_classes)
    return options, one_stream(input_shape, preprocess, net), weights
