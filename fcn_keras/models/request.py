"""What the user asks of a net: one output or several by name, one input or several."""

import numpy as np


def outputs_wanted(num_classes, labels):
    """{output: number of classes}; the only output of an ordinary net is None.

    Raises:
        ValueError: for numbers of classes below 2, names that are none, or labels for outputs
            that are not there.
    """
    counts = num_classes if isinstance(num_classes, dict) else {None: num_classes}
    if not counts:
        raise ValueError("`num_classes` is an empty dict: name at least one output.")
    for output, count in counts.items():
        _check_name("num_classes", output)
        whole = isinstance(count, (int, np.integer)) and not isinstance(count, bool)
        if not whole or count < 2:
            of = f" of output {output!r}" if output else ""
            raise ValueError(
                f"`num_classes`{of} must be a whole number of at least 2, got {count!r}. "
                "For one kind of object against the rest use 2: background and object."
            )
    _check_keys("labels", labels, counts)
    return {output: int(count) for output, count in counts.items()}


def inputs_wanted(input_shape, preprocess):
    """{input: (H, W, channels)}; the only input of an ordinary net is None."""
    shapes = input_shape if isinstance(input_shape, dict) else {None: input_shape}
    if not shapes:
        raise ValueError("`input_shape` is an empty dict: name at least one input.")
    for name, shape in shapes.items():
        _check_name("input_shape", name)
        if len(shape) != 3 or not isinstance(shape[-1], int):
            of = f" of input {name!r}" if name else ""
            raise ValueError(
                f"`input_shape`{of} must be (H, W, channels), H and W may be None, got {shape!r}."
            )
    if len({tuple(shape[:2]) for shape in shapes.values()}) > 1:
        raise ValueError(
            f"The inputs of a net are of one height and width, got `input_shape` {shapes}."
        )
    _check_keys("preprocess", preprocess, shapes)
    return {name: tuple(shape) for name, shape in shapes.items()}


def named(value, name):
    """What an option says about one input or output: its own value, or the one for all."""
    return value.get(name) if isinstance(value, dict) else value


def suffix_of(name):
    """Behind the names of the layers of one input or output."""
    return "" if name is None else f"_{name}"


def _check_name(option, name):
    if name is not None and not (isinstance(name, str) and name.isidentifier()):
        raise ValueError(f"`{option}`: {name!r} is no name; use letters, digits and underscores.")


def _check_keys(option, value, known):
    if isinstance(value, dict) and not {*value} <= {*known}:
        raise ValueError(
            f"`{option}` speaks of {sorted(map(str, value))}, but the net has "
            f"{sorted(map(str, known))}."
        )
