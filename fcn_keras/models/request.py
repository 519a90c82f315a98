"""What the user asks of a net's inputs: one or several by name."""

from fcn_keras.models.outputs import check_name, check_names


def inputs_wanted(input_shape, preprocess):
    """{input: (H, W, channels)}; the only input of an ordinary net is None."""
    shapes = input_shape if isinstance(input_shape, dict) else {None: input_shape}
    if not shapes:
        raise ValueError("`input_shape` is an empty dict: name at least one input.")
    for name, shape in shapes.items():
        check_name("input_shape", name)
        if len(shape) != 3 or not isinstance(shape[-1], int):
            of = f" of input {name!r}" if name else ""
            raise ValueError(
                f"`input_shape`{of} must be (H, W, channels), H and W may be None, got {shape!r}."
            )
    if len({tuple(shape[:2]) for shape in shapes.values()}) > 1:
        raise ValueError(
            f"The inputs of a net are of one height and width, got `input_shape` {shapes}."
        )
    check_names("preprocess", preprocess, shapes)
    return {name: tuple(shape) for name, shape in shapes.items()}
