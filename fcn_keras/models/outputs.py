"""Nets with several outputs: what they score, and one of them taken alone."""

import keras


def score_shapes(model):
    """{output: shape of its logits}; the only output of an ordinary net is None.

    Raises:
        ValueError: if an output is no map of two or more scores a pixel.
    """
    outputs = getattr(model, "output", None)
    if isinstance(outputs, dict):
        shapes = {name: tensor.shape for name, tensor in outputs.items()}
    else:
        shapes = {None: model.output_shape}
    for output, shape in shapes.items():
        of = f" of the output {output!r}" if output else ""
        if not isinstance(shape, tuple) or len(shape) != 4:
            raise ValueError(
                "A segmenter gives logits (batch, H, W, classes), or a dict of them; "
                f"{model.name!r} has the output shape {shape}{of}."
            )
        if shape[-1] is None or shape[-1] < 2:
            raise ValueError(
                f"{model.name!r} gives {shape[-1]} score(s) a pixel{of}; a label is the highest of "
                "two or more. Give background a class of its own."
            )
    return shapes


def one_output(model, output):
    """One output of a net that has several, as a net of its own; the weights are shared.

    Args:
        model: A net built with `num_classes={"semantic": 33, "geometric": 3}`.
        output: The output's name.

    Returns:
        A functional `keras.Model` of the logits (batch, H, W, num_classes) of that output, which
        can be evaluated and exported like any other.

    Raises:
        ValueError: if the model has no output of this name.

    Example:

    ```python
    both = fcn_keras.fcn32s({"semantic": 33, "geometric": 3}, "vgg_slim", weights=None)
    semantic = fcn_keras.one_output(both, "semantic")
    semantic.output_shape       # (None, None, None, 33)
    ```
    """
    outputs = model.output if isinstance(model.output, dict) else {}
    if output not in outputs:
        known = ", ".join(map(repr, outputs)) or "one without a name"
        raise ValueError(f"{model.name!r} has no output {output!r}; it has {known}.")
    return keras.Model(model.input, outputs[output], name=f"{model.name}_{output}")


def check_single(model, what):
    """Raises ValueError unless the model has one input and one output.

    Args:
        model: A Keras model.
        what: What needs it, for the message: "Training" or "A SavedModel".
    """
    outputs = score_shapes(model)
    if None not in outputs:
        raise ValueError(
            f"{what} takes a net of one output; {model.name!r} has "
            f"{', '.join(outputs)}. Take one: fcn_keras.one_output(model, {next(iter(outputs))!r})."
        )
    if len(model.inputs) != 1:
        names = ", ".join(tensor.name for tensor in model.inputs)
        raise ValueError(f"{what} takes a net of one input; {model.name!r} has {names}.")
